"""Which accounts the demo made."""

from django.conf import settings
from django.db import models


class DemoAccount(models.Model):
    """The demo made this account, with a password that everybody knows: it is one in demo mode only
    (`devices.services.demo_accounts`)."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="demo")

    def __str__(self) -> str:
        return f"{self.user}, made by the demo"
