"""`manage.py export_audit`: write audit trails, signed, so that others can check them without this installation."""

import os
from collections.abc import Sequence

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from devices.selectors import all_tenants
from devices.services import audit_anchors


class Command(BaseCommand):
    """Write JSON lines, which `python -m devices.domain.audit_trail FILE` checks."""

    help = "Write the audit trails as signed JSON lines."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", help="Where to; without it, standard output.")
        parser.add_argument("--tenant", action="append", default=[], help="The key of a tenant; all without it.")
        parser.add_argument("--public-key", action="store_true", help="Print the key that checks signatures, only.")

    def handle(
        self,
        *args: object,
        file: str | None = None,
        tenant: Sequence[str] = (),
        public_key: bool = False,
        **options: object,
    ) -> None:
        if public_key:
            self.stdout.write(audit_anchors.public_key())
            return
        tenants = all_tenants(tenant)
        if missing := set(tenant) - {found.key for found in tenants}:
            raise CommandError(f"There is no tenant {', '.join(sorted(missing))}.")
        lines = audit_anchors.export(tenants, now=timezone.now())
        try:
            if not file:
                self.stdout.writelines(f"{line}\n" for line in lines)
                return
            with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
                stream.writelines(f"{line}\n" for line in lines)
        except audit_anchors.Broken as error:
            raise CommandError(f"Not exported, for a trail is not whole: {error}") from None
