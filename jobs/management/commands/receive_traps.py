"""`manage.py receive_traps`: back devices up when they send a configuration-change trap."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import close_old_connections
from django.utils import timezone

from devices.domain.secrets import Secret
from devices.drivers import trap_receiver
from jobs.dispatch import trap_backups

log = logging.getLogger(__name__)


class Command(BaseCommand):
    """Listen until it is stopped; several may listen on several hosts."""

    help = "Receive SNMP traps and begin the backups that wait for a configuration change."

    def add_arguments(self, parser: CommandParser) -> None:
        # Traps come from devices, which may be in any network of ours.
        parser.add_argument("--listen", default="0.0.0.0", help="Address to listen on.")  # noqa: S104
        parser.add_argument("--port", type=int, default=162)

    def handle(self, *args: object, **options: Any) -> None:  # Any: Django's options, as `add_arguments` says
        community = Secret(settings.TRAP_COMMUNITY)
        user = None
        if settings.TRAP_USER:
            keys = (Secret(settings.TRAP_AUTH_KEY), Secret(settings.TRAP_PRIV_KEY))
            user = trap_receiver.User(settings.TRAP_USER, settings.TRAP_ENGINE_ID, *keys)
        if not community and user is None:
            raise CommandError(
                "Set INTERLOCK_TRAP_COMMUNITY, or INTERLOCK_TRAP_USER with its keys: they say whose traps count."
            )
        where = f"{options['listen']} port {options['port']}"
        try:
            trap_receiver.receive(
                options["listen"],
                options["port"],
                community,
                user,
                self.told,
                lambda: self.stdout.write(f"Traps are received on {where}."),
            )
        except OSError as error:
            raise CommandError(f"Traps cannot be received on {where}: {error.strerror or error}.") from error
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")

    def told(self, address: str, oid: str) -> None:
        """Begin the backups of the device that sent a trap."""
        name = trap_receiver.CONFIG_CHANGED.get(oid)
        if name is None:
            return
        close_old_connections()
        runs = trap_backups.configuration_changed(address=address, now=timezone.now())
        made = [run.pk for run in runs]
        words = ", ".join(f"run {pk}" for pk in made) or "no backup"
        about = {"trap": name, "address": address, "runs": made}
        log.info("%s from %s began %s.", name, address, words, extra={"action": "trap.received", **about})
