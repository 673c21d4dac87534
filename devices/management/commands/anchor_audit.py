"""`manage.py anchor_audit`: write the heads of audit trails outside of the database now; beat does so every hour."""

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from devices.selectors import all_tenants
from devices.services import audit_anchors


class Command(BaseCommand):
    """Append what has changed; with `--restored` take trails as a backup left them."""

    help = "Write the heads of the audit trails into the file of anchors."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--restored",
            metavar="REASON",
            help="A backup was restored: take the trails as they are from now on, and write the reason down.",
        )

    def handle(self, *args: object, restored: str | None = None, **options: object) -> None:
        now = timezone.now()
        try:
            if restored:
                for tenant in all_tenants([]):
                    count = audit_anchors.accept(tenant=tenant, reason=restored, now=now)
                    self.stdout.write(f"{tenant.key}: {count} events from now on")
                return
            written, wrong = audit_anchors.anchor(now=now)
        except audit_anchors.Broken as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{written} heads were anchored.")
        if wrong:
            raise CommandError(" ".join(wrong))
