"""A process that has everything imported and forks workers, beats and actors on request: they are up at once.

Requests come as JSON lines on a Unix socket: {"kind", "log", "database_port", "broker", "failpoint", "control",
"break", "argv" or "code"}; the answer is the child's process id.
"""

import contextlib
import ctypes
import json
import os
import signal
import socket
import sys

import django

django.setup()

import jobs.tasks  # noqa: E402, F401
from config import env, failpoints  # noqa: E402
from config.celery import app  # noqa: E402
from tests.chaos import broken  # noqa: E402


def child(request):
    """Become what was asked for."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    os.setsid()  # else the end of a stopped sibling's parent would hang it up
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    from django.db import connections

    connections["default"].settings_dict["PORT"] = request["database_port"]
    app.conf.broker_url = request["broker"]
    name, _, number = request.get("failpoint", "").partition("@")
    failpoints._NAME, failpoints._NUMBER, env.FAILPOINT_SOCKET = name, number, request.get("control", "")
    broken.break_it(request.get("break", ""))
    if request["kind"] == "actor":
        exec(request["code"], {"__name__": "__actor__"})  # noqa: S102 - the harness's own code
        return
    app.start(argv=request["argv"])


def main():
    """Serve until the harness goes away."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    server = socket.socket(socket.AF_UNIX)
    server.bind(sys.argv[1])
    server.listen(50)
    print("ready", flush=True)
    while True:
        connection, _ = server.accept()
        with connection:
            request = json.loads(connection.makefile().readline())
            pid = os.fork()
            if pid == 0:
                server.close()
                connection.close()
                with contextlib.suppress(SystemExit):
                    child(request)
                os._exit(0)
            connection.sendall(f"{pid}\n".encode())


if __name__ == "__main__":
    main()
