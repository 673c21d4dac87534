"""SSH servers of a test: a jump host that forwards, a device behind it, an account with a second factor."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time

import asyncssh

from devices.domain import totp

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # of RFC 6238, in base32


def a_key(kind="ssh-ed25519", passphrase=None):
    """Return a new key, and its private part as a text."""
    key = asyncssh.generate_private_key(kind)
    return key, key.export_private_key("openssh", passphrase).decode()


class Account(asyncssh.SSHServer):
    """Takes the password `pw`, and questions; notes every answer given."""

    def __init__(self, box):
        self.box = box

    def connection_made(self, connection):
        self.box.connections += 1

    def begin_auth(self, username):
        return True

    def password_auth_supported(self):
        return not self.box.questions

    def validate_password(self, username, password):
        self.box.answers.append(password)
        return password == self.box.password

    def kbdint_auth_supported(self):
        return bool(self.box.questions)

    def get_kbdint_challenge(self, username, lang, submethods):
        self.round = 0
        return "", "", "", [(question, False) for question in self.box.questions[0]]

    def validate_kbdint_response(self, username, responses):
        self.box.answers += list(responses)
        self.box.times.append(time.time())
        if not all(self.box.is_right(q, r) for q, r in zip(self.box.questions[self.round], responses, strict=True)):
            return False
        self.round += 1
        if self.round == len(self.box.questions):
            return True
        return "", "", "", [(question, False) for question in self.box.questions[self.round]]

    def connection_requested(self, host, port, orig_host, orig_port):
        self.box.forwarded.append((host, port))
        if not self.box.forwards:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "forwarding is off")
        return True

    def public_key_auth_supported(self):
        return False


class Box:
    """A server of a test: what it asks, and what it was given."""

    def __init__(self, password="pw", questions=(), forwards=True, key=None, prompt="box1#"):
        self.password, self.questions, self.forwards, self.prompt = password, questions, forwards, prompt
        self.key = key or asyncssh.generate_private_key("ssh-ed25519")
        self.answers, self.times, self.forwarded, self.lines = [], [], [], []
        self.connections, self.port, self.used = 0, 0, set()

    def is_right(self, question, answer):
        if "assword" in question and "one" not in question.lower():
            return answer == self.password
        step = int(time.time()) // totp.STEP_SECONDS
        right = [totp.code(totp.key_of(SECRET), one) for one in (step - 1, step)]
        if answer in right and answer not in self.used:
            self.used.add(answer)
            return True
        return False

    @property
    def fingerprint(self):
        return self.key.get_fingerprint()

    async def shell(self, process):
        """A device of few words: echoes, and knows `show version`."""
        out, line = process.stdout, ""
        out.write(f"\r\n{self.prompt}")
        while char := await process.stdin.read(1):
            if char not in "\r\n":
                line += char
                out.write(char)
                continue
            self.lines.append(line)
            answer = "Cisco IOS Software, Version 15.2\r\n" if line.startswith("show version") else ""
            out.write(f"\r\n{answer}{self.prompt}")
            line = ""
        process.exit(0)


@contextlib.contextmanager
def served(*boxes, shell=None, host="127.0.0.1"):
    """Serve boxes on ports of an address of this machine."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def talk(box, process):
        with contextlib.suppress(asyncssh.Error, OSError, asyncio.CancelledError):
            await (shell or Box.shell)(box, process)

    async def listen(box):
        return await asyncssh.listen(
            host,
            box.port,
            server_host_keys=[box.key],
            server_factory=lambda: Account(box),
            process_factory=lambda process: talk(box, process),
            line_editor=False,
        )

    servers = []
    for box in boxes:
        servers.append(asyncio.run_coroutine_threadsafe(listen(box), loop).result(20))
        box.port = servers[-1].get_port()
    try:
        yield boxes
    finally:
        for server in servers:
            loop.call_soon_threadsafe(server.close)
        time.sleep(0.05)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
