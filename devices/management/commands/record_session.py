"""`manage.py record_session`: write a conversation with a real device as a case file that the tests play back."""

import getpass
import json
import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.errors import Invalid, ServiceError
from devices.domain.errors import DeviceError
from devices.domain.secrets import Login, Secret
from devices.drivers.doors import installations
from devices.drivers.handshake import Endpoint
from devices.drivers.platforms import PLATFORMS
from devices.services import recordings


class Command(BaseCommand):
    """Record a device of the inventory, or one by its address, whose password is asked for."""

    help = "Send lines to a device and write what it answers, without secrets, as a case file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("lines", nargs="+", help="What is sent, one argument a line.")
        parser.add_argument("--to", type=Path, required=True, help="The file that is written.")
        parser.add_argument("--device", help="A device of the inventory by its name or id.")
        parser.add_argument("--tenant", help="The key of the device's tenant, where several have one of this name.")
        parser.add_argument("--host")
        parser.add_argument("--port", type=int, default=22)
        parser.add_argument("--platform", choices=sorted(key for key, row in PLATFORMS.items() if row.shell))
        parser.add_argument("--user")
        parser.add_argument("--legacy", action="store_true", help="Allow the algorithms of old devices.")
        parser.add_argument("--enable", action="store_true", help="Ask for an enable password, too.")
        parser.add_argument("--may-change", action="store_true", help="Also send lines that may change something.")

    def handle(self, *args: object, **options: object) -> None:
        try:
            text = json.dumps(self._recorded(options), indent=1, ensure_ascii=True)
        except (ServiceError, DeviceError) as error:
            raise CommandError(getattr(error, "message", str(error))) from None
        target = Path(str(options["to"]))
        target.write_text(text + "\n")
        self.stdout.write(
            f"Written to {target}. Known secrets are blanked; read it before you send it: names, addresses and what "
            "nobody told Interlock to be a secret are in it. Say under 'what' what should have come out."
        )

    def _recorded(self, options: dict[str, object]) -> recordings.Recording:
        given, may_change = options["lines"], bool(options["may_change"])
        lines = [str(line) for line in given] if isinstance(given, list) else []
        if options["device"]:
            return recordings.of_device(
                str(options["device"]), str(options["tenant"] or ""), lines, may_change=may_change
            )
        if not (options["host"] and options["platform"] and options["user"]):
            raise Invalid("Name a device of the inventory (--device), or --host, --platform and --user.")
        password = self._asked("Password: ")
        login = Login(
            str(options["user"]), password, self._asked("Enable password: ") if options["enable"] else Secret("")
        )
        endpoint = Endpoint(
            host=str(options["host"]),
            port=int(str(options["port"])),
            legacy=bool(options["legacy"]),
            reach=installations(),
        )
        return recordings.of_address(endpoint, login, str(options["platform"]), lines, may_change=may_change)

    def _asked(self, question: str) -> Secret:
        """Ask for a secret; where nobody sits, it is the next line of the input."""
        return Secret(getpass.getpass(question) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n"))
