"""The app's registration."""

from django.apps import AppConfig


class DevicesConfig(AppConfig):
    """Tenants, inventory, credentials, drivers and the simulator."""

    name = "devices"
    verbose_name = "Devices"
