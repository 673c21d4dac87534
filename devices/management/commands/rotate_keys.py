"""`manage.py rotate_keys`: replace the key that seals secrets, transcripts and configurations."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from config.errors import ServiceError
from devices.services import key_rotation


class Command(BaseCommand):
    """Make a new key and seal everything with it; once more after a kill, and it goes on. `--drop` removes an old
    key."""

    help = "Seal everything anew with a new key; with --drop ID remove an old key that nothing needs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--drop", metavar="ID", default="", help="Remove this key from the ring.")

    def handle(self, *args: object, drop: str, **options: object) -> None:
        try:
            if drop:
                key_rotation.drop(drop)
                self.stdout.write(f"The key '{drop}' is dropped.")
                return
            key_rotation.begin(self.stdout.write)
            key_rotation.reseal(self.stdout.write)
        except ServiceError as error:
            raise CommandError(error.message) from None
        for key_id in key_rotation.unneeded():
            self.stdout.write(f"Nothing needs key {key_id} any more: rotate_keys --drop {key_id}")
