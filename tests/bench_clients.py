"""The clients that the product is measured beside: each a program of its own that does the work and stores nothing.

Each takes addresses (JSON), port, how many at a time and the work (`WORKS`), and prints seconds, CPU seconds, failures
and RSS in KiB as JSON.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: What is read, configured and read afterwards, once logged in, enabled and with paging off.
WORKS: dict[str, tuple[list[str], list[str], list[str]]] = {
    "version": (["show version"], [], []),
    "full": (
        ["show version", "show running-config"],
        ["interface GigabitEthernet1/0/1", "description measured", "no shutdown"],
        ["show running-config"],
    ),
}
USED = """
def report(seconds, failed):
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime
    print(json.dumps({"seconds": seconds, "cpu": cpu, "failed": failed, "rss": used.ru_maxrss}))
addresses, port, workers = json.loads(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
before, change, after = json.loads(sys.argv[4])
BODY = [*before, *(["configure terminal", *change, "end"] if change else []), *after]
LINES = ["", "enable", "demo-enable", "terminal length 0", *BODY]
"""

NORNIR = """
import sys, time, resource, json
from nornir.core import Nornir
from nornir.core.inventory import Inventory, Hosts, Host, Groups, Defaults, ConnectionOptions
from nornir.plugins.runners import ThreadedRunner
from nornir.core.plugins.connections import ConnectionPluginRegister
from nornir_netmiko.tasks import netmiko_send_command, netmiko_send_config
ConnectionPluginRegister.auto_register()
extra = ConnectionOptions(extras={"secret": "demo-enable"})
hosts = Hosts({a: Host(name=a, hostname=a, port=port, username="netops", password="demo-login", platform="cisco_ios",
              connection_options={"netmiko": extra}) for a in addresses})
def work(task):
    for command in before:
        task.run(netmiko_send_command, command_string=command, enable=True)
    if change:
        task.run(netmiko_send_config, config_commands=change)
    for command in after:
        task.run(netmiko_send_command, command_string=command)
    task.host.close_connections()
nr = Nornir(
    inventory=Inventory(hosts=hosts, groups=Groups(), defaults=Defaults()),
    runner=ThreadedRunner(num_workers=workers),
)
started = time.monotonic()
result = nr.run(work)
report(time.monotonic() - started, len(result.failed_hosts))
"""

ASYNCSSH = """
import asyncio, sys, time, resource, json
import asyncssh
async def work(address, gate):
    async with gate:
        try:
            await asyncio.wait_for(talk(address), 30)
            return True
        except Exception:
            return False
async def talk(address):
    async with asyncssh.connect(
        address, port=port, username="netops", password="demo-login",
        known_hosts=None, config=None, client_keys=None, agent_path=None,
    ) as found:
        writer, reader, _ = await found.open_session(term_type="vt100", encoding=None)
        await reader.readuntil((b">", b"#"))
        for line in LINES:
            writer.write(line.encode() + b"\\r")
            await reader.readuntil((b">", b"#", b"assword: "))
async def main():
    gate = asyncio.Semaphore(workers)
    started = time.monotonic()
    done = await asyncio.gather(*(work(a, gate) for a in addresses))
    report(time.monotonic() - started, done.count(False))
asyncio.run(main())
"""

SSH2 = """
import socket, sys, time, resource, json
from concurrent.futures import ThreadPoolExecutor
from ssh2.session import Session
def until(channel, ends):
    got = b""
    while not got.rstrip(b" ").endswith(ends):
        size, data = channel.read(65536)
        if size <= 0:
            raise EOFError
        got += data
def work(address):
    # Its threads disturb each other's handshakes now and then.
    return any(attempt(address) for _ in range(3))
def attempt(address):
    try:
        sock = socket.create_connection((address, port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session = Session()
        session.set_timeout(2000)
        session.handshake(sock)
        session.userauth_password("netops", "demo-login")
        channel = session.open_session()
        channel.pty("vt100")
        channel.shell()
        until(channel, (b">", b"#"))
        for line in LINES:
            channel.write(line.encode() + b"\\r")
            until(channel, (b">", b"#", b"assword:"))
        session.disconnect()
        sock.close()
        return True
    except Exception:
        return False
started = time.monotonic()
with ThreadPoolExecutor(workers) as pool:
    done = list(pool.map(work, addresses))
report(time.monotonic() - started, done.count(False))
"""
SESSIONS = """
import sys, time, resource, json
from threading import BoundedSemaphore
from devices.domain.secrets import Login, Secret
from devices.drivers.conversation import open_session
from devices.drivers.hub import Hub
from devices.drivers.platforms import PLATFORMS
from devices.domain.targets import Reach
from devices.drivers.handshake import Endpoint
reach = Reach(denied=())
login = Login(username="netops", password=Secret("demo-login"), enable_password=Secret("demo-enable"))
def work(address):
    try:
        there = Endpoint(host=address, port=port, reach=reach)
        session = open_session(there, login, lambda shown: None, PLATFORMS["cisco_ios"])
        session.open(login)
        for line in BODY:
            session.send(line)
        session.close()
        return True
    except Exception:
        return False
hub, room = Hub("devices"), BoundedSemaphore(workers)
def begin(address):
    room.acquire()
    future = hub.submit(work, address)
    future.add_done_callback(lambda _: room.release())
    return future
started = time.monotonic()
done = [future.result() for future in [begin(a) for a in addresses]]
report(time.monotonic() - started, done.count(False))
"""
CLIENTS = {"Our sessions alone": SESSIONS, "Nornir+Netmiko": NORNIR, "AsyncSSH raw": ASYNCSSH, "ssh2-python raw": SSH2}


def run(client, addresses, port, workers, work):
    """Run one of CLIENTS on one of WORKS; return its figures."""
    head, _, rest = CLIENTS[client].strip().partition("\n")
    words = [sys.executable, "-c", f"{head}\n{USED}\n{rest}", json.dumps(addresses), str(port), str(workers)]
    words.append(json.dumps(WORKS[work]))
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])
