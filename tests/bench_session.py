"""What the checks of a session cost, in microseconds of processor time, on a transport that answers at once.

    python -m tests.bench_session

The least of five measurements of each.
"""

import time

from devices.drivers.echo import find
from devices.drivers.platforms import PLATFORMS
from devices.drivers.screen import lines
from devices.drivers.session import Session
from tests.bench_texts import TEXTS

ROUNDS = 2000


class Quick:
    """Answers each line at once; echoes what is typed."""

    def __init__(self, answer):
        self.queue, self.answer, self.typed = [b"\r\nsw1#"], answer, b""
        self.is_open = True

    def send(self, data):
        if not data.endswith(b"\r"):
            self.typed = data
            self.queue.append(data)
            return
        line, typed = self.typed + data[:-1], bool(self.typed)
        self.typed = b""
        text = self.answer if line.startswith(b"show") else b""
        self.queue.append((b"" if typed else line) + b"\r\n" + text + b"sw1#")

    def recv(self, timeout):
        return self.queue.pop(0) if self.queue else b""

    def close(self):
        self.is_open = False


def session(answer=b""):
    """Return a session that knows the prompt, its preparation done."""
    from devices.domain.secrets import Login, Secret

    found = Session(Quick(answer), PLATFORMS["cisco_ios"])
    found.open(Login("u", Secret("p")))
    return found


def cost(work, rounds=ROUNDS):
    """Return microseconds of processor time for one call, the least of five measurements."""
    best = 1e9
    for _ in range(5):
        started = time.process_time()
        for _ in range(rounds):
            work()
        best = min(best, (time.process_time() - started) / rounds * 1e6)
    return best


def main():
    """Print the table."""
    plain, config = session(), TEXTS["simulator"]()["configuration"].replace("\n", "\r\n").encode()
    whole, other = session(config), TEXTS["other"]()["configuration"]
    paged = "row of an answer\r\n --More-- " + "\b" * 10 + " " * 10 + "\b" * 10 + "next row\r\n"
    table = (
        ("a line, its echo and its prompt", lambda: plain.send("vlan 10"), ROUNDS),
        ("the same typed, and sent when it is seen", lambda: plain.send("vlan 10", changes=True), ROUNDS),
        ("a comment that settles an answer", plain.settle, ROUNDS),
        (
            f"a configuration of {len(config) // 1024} KB with its end mark",
            lambda: whole.send("show running-config"),
            200,
        ),
        ("an echo that is wrapped, looked for in 400 characters", lambda: find(WRAPPED, LONG, bool), ROUNDS),
        ("a page drawn with its backspaces", lambda: lines(paged), ROUNDS),
        (
            "a refusal looked for in an answer in words",
            lambda: PLATFORMS["cisco_ios"].rejection(SAID, in_config=True),
            ROUNDS,
        ),
        (f"{len(other) // 1024} KB without control signs drawn", lambda: lines(other), 200),
    )
    for words, work, rounds in table:
        print(f"| {words} | {cost(work, rounds):.1f} |")


LONG = "description " + "x" * 180
WRAPPED = "\r\n".join(("sw1(config-if)#" + LONG)[at : at + 80] for at in range(0, 196, 80)) + "\r\nsw1(config-if)#"
SAID = "% Warning: portfast should only be enabled on ports connected to a single host.\n"

if __name__ == "__main__":
    main()
