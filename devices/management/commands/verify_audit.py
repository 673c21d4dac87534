"""`manage.py verify_audit`: check every tenant's audit trail, by itself and by what was anchored."""

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from devices.domain import audit_trail
from devices.services import audit, audit_anchors


class Command(BaseCommand):
    """Print a line per tenant; exit 1 where an event was changed or is missing."""

    help = "Check that no event of the audit trail was changed or removed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--anchors", type=Path, help="A copy of the anchors, or of a log that has them.")

    def handle(self, *args: object, anchors: Path | None = None, **options: object) -> None:
        broken, anchored = 0, audit_trail.Anchors()
        try:
            anchored = audit_anchors.known(anchors)
        except FileNotFoundError as error:
            if anchors:
                raise CommandError(f"There is no file {error.filename}.") from None
            self.stdout.write(
                f"There are no anchors in {settings.AUDIT_ANCHORS}: the trails were compared with the database alone. "
                "If this installation has run for more than an hour, find out who removed them."
            )
        except audit_anchors.Broken as error:
            broken += 1
            self.stdout.write(str(error))
        for name, count, problem in audit.verify_all(anchored):
            broken += bool(problem)
            self.stdout.write(f"{name}: {problem or f'{count} events, unbroken'}")
        if broken:
            raise CommandError(f"{broken} audit trails are broken.")
