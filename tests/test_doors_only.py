"""Whatever opens a connection stands in `devices/drivers/doors.py`, or is named here with the reason why not."""

import ast
import re

import pytest

from tests.test_architecture import sources

DOORS = "devices/drivers/doors.py"
#: What opens a connection, or looks a name up, by what it is called after its imports; whole libraries end with a dot.
OPENERS = re.compile(
    r"""socket\.(socket|create_connection|socketpair|fromfd|SocketType|getaddrinfo|gethostby\w+|getfqdn|getnameinfo)$
    | _socket\. | ssl\.get_server_certificate | smtplib\.(SMTP|SMTP_SSL|LMTP)$ | (ftp|pop|imap|nntp|telnet)lib\.
    | http\.client\.HTTPS?Connection$ | urllib\.request\. | xmlrpc\. | (requests|httpx|urllib3|aiohttp|websockets?)\.
    | paramiko\.(\w+\.)*(Transport|SSHClient|ProxyCommand|connect)$ 
    | asyncssh\.(connect|create_connection|scp|tunnel)\w*$
    | asyncio\.(open_(unix_)?connection|streams\.open_connection|start_\w+)$
    | (\S+\.)?create_(datagram_endpoint|unix_connection)$ 
    | netmiko\.(\w+\.)*(ConnectHandler|Netmiko|ConnLogOnly|Telnet)$
    | pysnmp\.(\w+\.)*(Udp6?TransportTarget|Udp6?Transport|open_client_mode|open_server_mode)$
    | kombu\.(\w+\.)*Connection$ | (redis|pika|dns|ldap3?|psycopg2?)\.
    | logging\.handlers\.(Sys|Socket|Datagram|HTTP|SMTP)\w*$
    | django\.core\.mail\. | (\S+\.)?(connect_ex|open_client_mode)$ | os\.popen$""",
    re.VERBOSE,
)
#: Elsewhere, and why that is no door of a customer.
OTHERS = {
    ("config/failpoints.py", "socket.socket"): "Tests only: a Unix socket.",
    ("devices/channels/email.py", "smtplib.SMTP"): "Its connection is made by doors; see `_get_socket`.",
    ("devices/channels/webhook.py", "http.client.HTTPConnection"): "Is given its connection by doors, and opens none.",
    ("devices/channels/time_limit.py", "socket.socket"): "Ends one that is open.",
    ("devices/drivers/netmiko_session.py", "netmiko.ConnectHandler"): "Does not connect; is given what doors opened.",
    ("devices/drivers/netmiko_session.py", "netmiko._telnetlib.telnetlib.Telnet"): "Is given what doors opened.",
    ("devices/drivers/paramiko_transport.py", "paramiko.Transport"): "Is given what doors opened.",
    ("devices/drivers/trap_receiver.py", "pysnmp.carrier.asyncio.dgram.udp.UdpTransport"): "Listens.",
    ("devices/simulator/telnet.py", "asyncio.start_server"): "The simulated fleet listens.",
    ("jobs/demo/processes.py", "socket.socket"): "The demo's own ports on this machine.",
    ("jobs/demo/processes.py", "probe.connect_ex"): "The demo's own ports on this machine.",
    ("jobs/demo/smoke.py", "http.client.HTTPConnection"): "A command line of the operator, who names the address.",
    ("jobs/demo/smoke.py", "http.client.HTTPSConnection"): "A command line of the operator, who names the address.",
}


def names(tree):
    """Return what names of a module mean, by its imports."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            found.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return found


def called(node):
    """Return a dotted name as it is written; empty for what is none."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{called(node.value) or '?'}.{node.attr}"
    return ""


def openers(source):
    """Return what a module names that opens a connection; types alone open none."""
    tree = ast.parse(source) if isinstance(source, str) else source
    meant, types = names(tree), set()
    for node in ast.walk(tree):
        for kind in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            types |= {id(one) for one in ast.walk(kind)} if isinstance(kind, ast.AST) else set()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and id(node) not in types and (name := called(node)):
            first, dot, rest = name.partition(".")
            whole = meant.get(first, first) + dot + rest
            if OPENERS.match(whole):
                found.add(whole)
        elif isinstance(node, ast.ImportFrom):
            found |= {w for alias in node.names if OPENERS.match(w := f"{node.module}.{alias.name}")}
        elif isinstance(node, ast.Call) and called(node.func) in (
            "__import__",
            "import_module",
            "importlib.import_module",
        ):
            given = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else ""
            found |= {given} if OPENERS.match(f"{given}.x") or given in ("socket", "smtplib", "paramiko") else set()
    return found


def test_nothing_opens_a_connection_but_the_door():
    found = {(str(path), name) for path, tree in sources().items() if str(path) != DOORS for name in openers(tree)}
    assert found - set(OTHERS) == set(), "a way out that nobody guards: use devices.drivers.doors"
    assert set(OTHERS) - found == set(), "no longer there: take it off the list"


@pytest.mark.parametrize(
    "source",
    [
        "import socket\nsocket.create_connection(('x', 1))",
        "from socket import create_connection as c\nc(('x', 1))",
        "import socket as s\ns.socket().connect(('x', 1))",
        "import socket\nopen_it = socket.create_connection",
        "import socket\nsocket.gethostbyname('x')",
        "import smtplib\nclass Mine(smtplib.SMTP_SSL): pass",
        "import http.client\nhttp.client.HTTPSConnection('x')",
        "from http import client\nclient.HTTPSConnection('x')",
        "from urllib.request import urlopen",
        "import urllib.request\nurllib.request.urlopen('http://x')",
        "import requests\nrequests.get('http://x')",
        "import paramiko\nparamiko.SSHClient()",
        "from paramiko import Transport\nTransport('x')",
        "import asyncio\nasyncio.open_connection('x', 1)",
        "import asyncio\nasyncio.get_event_loop().create_datagram_endpoint(x)",
        "import netmiko\nnetmiko.ConnectHandler(host='x')",
        "from pysnmp.hlapi.v3arch import asyncio as snmp\nsnmp.UdpTransportTarget.create(('x', 1))",
        "import asyncssh\nasyncssh.connect('x')",
        "from django.core.mail import send_mail\nsend_mail()",
        "from logging.handlers import SysLogHandler\nSysLogHandler(('x', 1))",
        "import importlib\nimportlib.import_module('socket')",
        "__import__('requests').get('http://x')",
    ],
)
def test_each_way_to_open_one_is_seen(source):
    assert openers(source)


def test_what_opens_nothing_is_not():
    assert not openers("import socket\ndef f(sock: socket.socket) -> socket.socket:\n    return sock.recv(1)")
    assert not openers("import asyncio\nasyncio.sleep(1)")
