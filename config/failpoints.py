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
    "S1": "the tick has computed what is due and inserted nothing",
    "S2": "the tick has inserted runs and not committed",
    "S3": "the tick has committed and hinted nobody",
    "S4": "a hint is sent",
    "W1": "a worker was hinted and has claimed nothing",
    "W2": "a claim is committed",
    "W3": "a device is held and no connection begun",
    "W4": "the connection is open",
    "W5": "the login was accepted",
    "W6": "privileged mode is entered",
    "W7": "the configuration before was read",
    "W8": "an intent is durable and nothing sent",
    "W9": "half of a line is sent",
    "W10": "a line is sent",
    "W11": "the device has begun to answer",
    "W12": "the prompt came and nothing is confirmed",
    "W13": "the last change is confirmed and not saved",
    "W14": "the configuration after is about to be read",
    "W15": "the conversation is over and its result not stored",
    "W16": "a result is committed and nobody told",
    "W17": "a cancel request was noticed",
    "O1": "a message was delivered and not marked",
    "A1": "a vote is inserted and the step not judged",
    "A2": "a request is approved and its run not made",
    "K1": "a credential was opened",
    "L1": "a device's slots are taken and the claim not committed",
    "L2": "a silent worker was killed and nothing declared",
}


def reach(name: str) -> None:
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
