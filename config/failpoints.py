"""Named places where a test stops a process to kill, pause or cut it off; without INTERLOCK_FAILPOINT they cost
nothing.

`INTERLOCK_FAILPOINT=name@n` names one place and the n-th time it is reached there (default the first). The process then
connects to the Unix socket INTERLOCK_FAILPOINT_SOCKET, says `name pid`, and waits for any answer before it goes on.
"""

from __future__ import annotations

import itertools
import os
import socket

from config import env

_NAME, _, _NUMBER = env.FAILPOINT.partition("@")
_HITS = itertools.count(1)

#: Where a process may be stopped, and what has just happened there.
PLACES = {
    "due_computed": "the tick has computed what is due and inserted nothing",
    "runs_not_committed": "the tick has inserted runs and not committed",
    "tick_committed": "the tick has committed and woken nobody",
    "wakeup_sent": "a wakeup is sent",
    "worker_woken": "a worker was woken and has claimed nothing",
    "claim_committed": "a claim is committed",
    "device_held": "a device is held and no connection begun",
    "connection_open": "the connection is open",
    "login_accepted": "the login was accepted",
    "privileged": "privileged mode is entered",
    "before_read": "the configuration before was read",
    "intent_stored": "an intent is durable and nothing sent",
    "half_sent": "half of a line is sent",
    "line_sent": "a line is sent",
    "answer_begun": "the device has begun to answer",
    "answer_not_confirmed": "the prompt came and nothing is confirmed",
    "change_not_saved": "the last change is confirmed and not saved",
    "after_not_read": "the configuration after is about to be read",
    "result_not_stored": "the conversation is over and its result not stored",
    "result_not_told": "a result is committed and nobody told",
    "cancel_noticed": "a cancel request was noticed",
    "delivery_not_marked": "a message was delivered and not marked",
    "vote_not_judged": "a vote is inserted and the step not judged",
    "approved_not_started": "a request is approved and its run not made",
    "credential_opened": "a credential was opened",
    "locks_not_committed": "a device's slots are taken and the claim not committed",
    "kill_not_declared": "a silent worker was killed and nothing declared",
}


def failpoint(name: str) -> None:
    """Stop here if this is the named place."""
    if name != _NAME or next(_HITS) != int(_NUMBER or 1):
        return
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(env.FAILPOINT_SOCKET)
        control.sendall(f"{name} {os.getpid()}\n".encode())
        control.recv(1)


def halves(name: str, data: bytes) -> tuple[bytes, bytes]:
    """Return data in two parts, the second empty unless this is the named place: then a stop goes between them."""
    return (data[: len(data) // 2], data[len(data) // 2 :]) if name == _NAME else (data, b"")
