"""Hide the secrets of a tenant in whatever is shown or sent of its devices.

Nobody reads a secret back, so nobody's view is without it. Known are the tenant's own values, those of the tenants
above it, whose jobs may have put them on its devices, and those of the tenants below, whose devices its jobs read.
"""

from __future__ import annotations

from django.db.models import Q

from devices.domain.masking import Masker, masker_of
from devices.models import KnownSecret, Tenant
from devices.selectors import own_and_above
from devices.services import vault


def masker_for(tenant_id: int) -> Masker:
    """Return what hides all that is secret around a tenant; two queries."""
    tenant = Tenant.objects.get(pk=tenant_id)
    around = Q(tenant__in=own_and_above(tenant)) | Q(tenant__path__startswith=tenant.path)
    return masker_of(vault.texts_of(KnownSecret.objects.filter(around).order_by()))


class Maskers(dict[int, Masker]):
    """The maskers of some tenants (ids), each made when it is first asked for."""

    def __missing__(self, tenant_id: int) -> Masker:
        self[tenant_id] = masker_for(tenant_id)
        return self[tenant_id]
