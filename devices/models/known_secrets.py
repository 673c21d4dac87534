"""What was ever a secret of a tenant: it stays hidden in output and configurations, also where it is in use no more."""

from django.db import models

from devices.models.tenants import TenantOwned


class KnownSecret(TenantOwned):
    """One value that was sealed for a tenant; only `devices.services.masking` opens it, to hide it."""

    value_sealed = models.TextField(editable=False)

    def __str__(self) -> str:
        return f"A secret of {self.tenant}"

    @property
    def sealed_row(self) -> str:
        """It is sealed before it has an id."""
        return "known"
