"""`manage.py let_in NAME`: forget the wrong passwords for an account, so that it can sign in from anywhere."""

from django.core.management.base import BaseCommand, CommandParser

from devices.services import sign_in


class Command(BaseCommand):
    """Say what was forgotten."""

    help = "Forget all wrong passwords for an account."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account")

    def handle(self, *args: object, **options: object) -> None:
        count = sign_in.let_in(str(options["account"]))
        self.stdout.write(f"{options['account']} may sign in again; {count} budgets of guesses were forgotten.")
