"""`manage.py verify_audit`: check the hash chain of every tenant's audit trail."""

from django.core.management.base import BaseCommand, CommandError

from devices.services import audit


class Command(BaseCommand):
    """Print a line per tenant; exit 1 where an event was changed or is missing."""

    help = "Check that no event of the audit trail was changed or removed."

    def handle(self, *args: object, **options: object) -> None:
        broken = 0
        for name, count, problem in audit.verify_all():
            broken += bool(problem)
            self.stdout.write(f"{name}: {problem or f'{count} events, unbroken'}")
        if broken:
            raise CommandError(f"{broken} audit trails are broken.")
