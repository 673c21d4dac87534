"""Paramiko's Transport for many short sessions: large reads, and no thread of its own where one thread has the session.

The stock Transport gives each connection a thread that reads the socket and wakes the one that waits. Two threads for
each device fight for the interpreter's lock, and waking costs more than the work. `PumpedTransport` runs the very same
loop in a greenlet: whoever waits for something reads the socket meanwhile, and hands what came to the loop. How it
waits, alone or among many, is the `hub`'s. Measured in `docs/explanation/performance.md`.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import socket
import struct
import threading
import time
from collections.abc import Iterable, Mapping

import paramiko
from greenlet import getcurrent, greenlet
from paramiko.packet import NeedRekeyException, Packetizer

from devices.drivers.hub import READ, WRITE, ready

READ_SIZE = 65536
#: A piece of a long input: small enough for any ordinary socket that takes something to take it whole.
PIECE = 4096
#: Algorithms that are not offered, by kind, in Paramiko's words.
Disabled = Mapping[str, Iterable[str]]


class BufferedPacketizer(Packetizer):
    """Reads the socket in large pieces; the stock one asks the kernel for each header and each body.

    The time that a handshake may take is a deadline; the stock one starts a thread for it.
    """

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self._sock = sock
        self._pending = bytearray()
        self._shaken_by: float | None = None

    def start_handshake(self, timeout: float) -> None:
        """Begin to count the seconds."""
        self._shaken_by = time.monotonic() + timeout

    def handshake_timed_out(self) -> bool:
        """Say whether the handshake takes too long."""
        return self._shaken_by is not None and time.monotonic() > self._shaken_by

    def complete_handshake(self) -> None:
        """Stop counting."""
        self._shaken_by = None

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """Return exactly n bytes; EOFError when the connection ends before."""
        pending = self._pending
        early: bytes = self._Packetizer__remainder  # type: ignore[has-type]
        if early:
            pending += early
            self._Packetizer__remainder = b""
        while len(pending) < n:
            if self.closed or self.handshake_timed_out():
                raise EOFError
            data = self._more()
            if data == b"":
                raise EOFError
            if data:
                pending += data
                continue
            if check_rekey and not pending and self.need_rekey():
                raise NeedRekeyException
            self._check_keepalive()  # type: ignore[attr-defined]
        out = bytes(pending[:n])
        del pending[:n]
        return out

    def _more(self) -> bytes | None:
        """Wait for bytes: b"" at the end of the connection, None when nothing came in a while."""
        try:
            return self._sock.recv(READ_SIZE)
        except TimeoutError:
            return None
        except OSError as error:
            return None if error.errno == errno.EAGAIN else b""


@functools.cache
def _allowed(known: tuple[str, ...], disabled: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in known if name not in disabled)


class OfferingTransport(paramiko.Transport):
    """Has a thread of its own, as Netmiko expects.

    Remembers what the other side offers, to name it when nothing fits.
    """

    offered = ""
    # The stock 0.1 s wakes every session's thread ten times a second for nothing.
    _active_check_timeout = 1.0

    def __init__(
        self,
        sock: socket.socket,
        disabled_algorithms: Disabled | None = None,
        packetizer_class: type[Packetizer] = BufferedPacketizer,
    ) -> None:
        super().__init__(sock, disabled_algorithms=disabled_algorithms, packetizer_class=packetizer_class)
        self.daemon = True

    def _really_parse_kex_init(self, m: paramiko.Message, ignore_first_byte: bool = False) -> dict[str, list[str]]:
        found: dict[str, list[str]]
        found = super()._really_parse_kex_init(m, ignore_first_byte)  # type: ignore[misc]
        kinds = {
            "kex_algo_list": "key exchange",
            "server_key_algo_list": "host key",
            "server_encrypt_algo_list": "cipher",
        }
        self.offered = "; ".join(f"{words} {', '.join(found[key])}" for key, words in kinds.items())
        return found

    def _filter_algorithm(self, kind: str) -> tuple[str, ...]:
        # Asked a dozen times for each connection, and always the same few answers.
        return _allowed(getattr(self, f"_preferred_{kind}"), tuple((self.disabled_algorithms or {}).get(kind, ())))

    def _compute_key(self, id: str, nbytes: int) -> bytes:  # noqa: A002 - the stock one's name
        # RFC 4253, section 7.2. The stock one spells the shared secret out word by word, for each of six keys.
        assert self.K is not None and self.H is not None and self.session_id is not None
        secret = self.K.to_bytes(self.K.bit_length() // 8 + 1, "big")  # with room for a sign
        shared = struct.pack(">I", len(secret)) + secret + self.H
        digest = self.kex_engine.hash_algo  # type: ignore[union-attr]
        key: bytes = digest(shared + id.encode() + self.session_id).digest()
        while len(key) < nbytes:
            key += digest(shared + key).digest()
        return key[:nbytes]

    def event(self) -> threading.Event:
        """Return an event that the connection may set while somebody waits for it."""
        return threading.Event()

    def receive(self, channel: paramiko.Channel, seconds: float) -> bytes | None:
        """Return what came on a channel, None when nothing did in so many seconds, b"" at its end; OSError when it
        is gone."""
        channel.settimeout(max(seconds, 0.0))
        try:
            return channel.recv(READ_SIZE)
        except TimeoutError:
            return None

    def give(self, channel: paramiko.Channel, data: bytes) -> None:
        """Send all of it; OSError when the connection is gone."""
        channel.sendall(data)

    def look(self) -> None:
        """Take notice of what came meanwhile."""


class Given(BufferedPacketizer):
    """Is given what came by whoever waits, in the place of reading the socket."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.given: bytes | None = None
        self.reader: greenlet | None = None
        self._greeted_by: float | None = None

    @property
    def is_late(self) -> bool:
        """Say whether the greeting or the handshake takes too long."""
        late = self._greeted_by is not None and time.monotonic() > self._greeted_by
        return late or self.handshake_timed_out()

    def _read_timeout(self, timeout: float) -> bytes:
        """Return some of the other side's greeting."""
        self._greeted_by = time.monotonic() + timeout
        while not (data := self._more()):
            if data is not None or self.closed:
                raise EOFError
            if time.monotonic() > self._greeted_by:
                raise TimeoutError(", for nothing came in time")
        self._greeted_by = None
        return data

    def write_all(self, out: bytes) -> None:  # type: ignore[override]  # Paramiko gives bytes
        """Send all of it; EOFError when the connection is gone."""
        try:
            left = out[os.write(self._sock.fileno(), out) :]  # as in `pump`
        except OSError:
            left = out
        if left:
            super().write_all(left)

    def _more(self) -> bytes | None:
        self.given = None
        assert self.reader is not None and self.reader.parent is not None
        self.reader.parent.switch()
        return self.given


class _Pumping(threading.Event):
    """An event whose waiter reads the connection meanwhile."""

    def __init__(self, transport: PumpedTransport) -> None:
        super().__init__()
        self._transport = transport

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set or the connection is gone; without a time, as long as a login may take."""
        deadline = time.monotonic() + (self._transport.auth_timeout if timeout is None else timeout)
        while not self.is_set() and self._transport.is_active() and (left := deadline - time.monotonic()) > 0:
            self._transport.pump(left)
        return self.is_set()


class PumpedTransport(OfferingTransport):
    """Belongs to the thread that made it; any other may only close it."""

    packetizer_kind: type[Given] = Given

    def __init__(self, sock: socket.socket, disabled_algorithms: Disabled | None = None) -> None:
        super().__init__(sock, disabled_algorithms, packetizer_class=self.packetizer_kind)
        self.clear_to_send = self.event()
        self._owner = threading.get_ident()
        self._reader = greenlet(self.run)
        self._socket: Given = self.packetizer  # type: ignore[assignment]
        self._socket.reader = self._reader

    def event(self) -> threading.Event:
        return _Pumping(self)

    def start(self) -> None:
        """Say hello, and go on until something is awaited."""
        self._resume()

    def pump(self, seconds: float) -> bool:
        """Act on what comes within so many seconds, or a second; False when nothing did."""
        if getcurrent() is self._reader:
            raise paramiko.SSHException("The connection's own loop cannot wait for itself.")
        try:
            if not ready(self.sock.fileno(), READ, seconds):
                if self._socket.is_late:
                    self._resume()
                return False
            data = os.read(self.sock.fileno(), READ_SIZE)  # a socket with a time limit asks the kernel once more
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        self._socket.given = data
        self._resume()
        return True

    def start_client(self, event: threading.Event | None = None, timeout: float | None = None) -> None:
        """Shake hands; SSHException and EOFError when that is not done in time."""
        done = self.event()
        super().start_client(event=done)
        if not done.wait(timeout) or not self.is_active():
            raise self.get_exception() or paramiko.SSHException("Negotiation failed.")

    def auth_password(
        self, username: str, password: str, event: threading.Event | None = None, fallback: bool = False
    ) -> list[str]:
        """Give a password once."""
        done = self.event()
        super().auth_password(username, password, done, fallback=False)
        return self.auth_handler.wait_for_response(done)  # type: ignore[union-attr]

    def auth_publickey(self, username: str, key: paramiko.PKey, event: threading.Event | None = None) -> list[str]:
        """Show that one has a key."""
        done = self.event()
        super().auth_publickey(username, key, done)
        return self.auth_handler.wait_for_response(done)  # type: ignore[union-attr]

    def open_session(
        self, window_size: int | None = None, max_packet_size: int | None = None, timeout: float | None = None
    ) -> paramiko.Channel:
        """Open a channel whose waiting reads the connection."""
        channel = super().open_session(window_size, max_packet_size, timeout)
        channel.event, channel.status_event = self.event(), self.event()
        return channel

    def _send_user_message(self, data: paramiko.Message) -> None:
        super()._send_user_message(data)  # type: ignore[misc]
        if getcurrent() is self._reader:
            return
        # Who opens a channel waits for an event that only Paramiko knows.
        deadline = time.monotonic() + self.auth_timeout
        while self.channel_events and self.is_active() and time.monotonic() < deadline:
            self.pump(1.0)

    def receive(self, channel: paramiko.Channel, seconds: float) -> bytes | None:
        deadline = time.monotonic() + seconds
        while not (channel.recv_ready() or channel.closed or channel.eof_received):
            if not self.is_active() or (not self.pump(deadline - time.monotonic()) and time.monotonic() >= deadline):
                break
        if channel.recv_ready() or channel.closed or channel.eof_received or not self.is_active():
            return channel.recv(READ_SIZE)
        return None

    def give(self, channel: paramiko.Channel, data: bytes) -> None:
        left, deadline = memoryview(data), time.monotonic() + self.auth_timeout
        while left:
            if channel.closed or not self.is_active():
                raise OSError("Socket is closed")
            if time.monotonic() > deadline:
                raise OSError(f"nothing of the input was taken for {self.auth_timeout:g} s")
            if not channel.send_ready():
                self.pump(1.0)
            elif len(data) <= PIECE or self._takes_more():
                left = left[channel.send(bytes(left[:PIECE])) :]
                deadline = time.monotonic() + self.auth_timeout

    def look(self) -> None:
        while self.is_active() and self.pump(0.0):
            pass

    def close(self) -> None:
        """End the connection. Another thread only cuts it: whoever has it notices at once, and clears up."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        if threading.get_ident() == self._owner:
            super().close()
            self._resume()

    def _takes_more(self) -> bool:
        """Wait until the socket takes bytes, or something comes, which is read: else both sides could wait for each
        other."""
        happened = ready(self.sock.fileno(), READ | WRITE, 1.0)
        if happened & READ:
            self.pump(0.0)
        return bool(happened & WRITE)

    def _resume(self) -> None:
        if not self._reader.dead and getcurrent() is not self._reader:
            self._reader.parent = getcurrent()
            self._reader.switch()
