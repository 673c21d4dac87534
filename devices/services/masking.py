"""Hide the secrets that may stand on a device in whatever is shown or sent of it.

Nobody reads a secret back, so nobody's view is without it. On a device may stand what is secret to its tenant and to
those above it, whose jobs reach it; what other tenants call a secret hides nothing of it.
"""

from __future__ import annotations

from django.db.models import Q

from devices.domain.masking import Masker, masker_of
from devices.models import Device, KnownSecret, Tenant
from devices.selectors import own_and_above
from devices.services import vault


def masker_of_tenant(tenant_id: int, *, with_below: bool = False) -> Masker:
    """Return what hides the secrets of a tenant and of those above it; two queries."""
    tenant = Tenant.objects.get(pk=tenant_id)
    wanted = Q(tenant__in=own_and_above(tenant))
    if with_below:
        wanted |= Q(tenant__path__startswith=tenant.path)
    return masker_of(vault.texts_of(KnownSecret.objects.filter(wanted).order_by()))


def masker_for(device: Device | None, tenant_id: int) -> Masker:
    """Return what hides the secrets that may stand on a device, which a run of a tenant has read.

    Of a device that is gone nobody knows whose it was: it may have been of any tenant below.
    """
    return masker_of_tenant(device.tenant_id) if device else masker_of_tenant(tenant_id, with_below=True)


class Maskers:
    """The maskers of some devices, each made when it is first asked for."""

    def __init__(self) -> None:
        self._found: dict[tuple[bool, int], Masker] = {}

    def of(self, device: Device | None, tenant_id: int) -> Masker:
        """Return the same as `masker_for`."""
        key = (device is None, device.tenant_id if device else tenant_id)
        if key not in self._found:
            self._found[key] = masker_for(device, tenant_id)
        return self._found[key]
