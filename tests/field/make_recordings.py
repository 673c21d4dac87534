"""Record the real devices of `tests/field/real.py` anew, as root:
`manage.py shell -c "from tests.field.make_recordings import main; main()"`.
"""

import json

from devices.domain.secrets import Login, Secret
from devices.drivers.doors import Reach
from devices.drivers.handshake import Endpoint
from devices.services import recordings
from tests.field import real
from tests.field.played import RECORDINGS

READS = ("show interface lo", "show running-config", "show ip nosuch")
CHANGES = ("configure terminal", "router bgp 65001", "neighbor 10.0.0.9 remote-as 65002", "neighbor 10.0.0.8 activate")
SHELL = ("uname -s", "printf abc", "mkdir -p kept", "sh -c 'printf abc; exit 3'")
WORDS = {
    "reads": "FRR 8.4 behind OpenSSH: reading, and a line that it does not know",
    "changes": "FRR 8.4 behind OpenSSH: a change whose last line is refused",
    "shell": "behind OpenSSH: output without a line end, and a failure behind such output",
}


def one(name, port, user, platform, lines, what):
    login = Login(user, Secret(real.PASSWORD), Secret(""))
    endpoint = Endpoint(host="127.0.0.1", port=port, reach=Reach(allowed=("127.0.0.0/8",)))
    made = recordings.of_address(endpoint, login, platform, lines, may_change=True)
    text = json.dumps({**made, "what": what}, indent=1)
    (RECORDINGS / f"{name}.json").write_text(text + "\n")


def main():
    for platform in ("cisco_ios", "cisco_xe"):
        for kind, lines in (("reads", READS), ("changes", CHANGES)):
            with real.frr() as router:
                one(f"frr-{platform}-{kind}", router.port, router.user, platform, lines, WORDS[kind])
    with real.box({"bash": "", "dash": "", "bash-colours": real.ACCOUNTS["bash-colours"]}) as box:
        for name in ("bash", "dash", "bash-colours"):
            one(f"linux-{name}", box.port, name, "linux", SHELL, f"{name.split('-')[0]} {WORDS['shell']}")
