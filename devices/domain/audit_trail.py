"""What an audit trail is: events chained by hash, signed heads, and whether they are whole. Pure: no database.

`python -m devices.domain.audit_trail FILE` checks what `manage.py export_audit` wrote, anywhere: only this file, Python
and the package `cryptography` are needed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

#: The hash before a chain's first event.
NOTHING = "0" * 64
FORMAT = 1
#: What every signature is of, before the JSON of what is signed.
SIGNED = b"interlock audit 1\0"
#: What an event's hash is of, in this order, and all that its line has.
CONTENT = ("previous", "tenant", "at", "actor", "action", "subject", "details")
FIELDS = {*CONTENT, "kind", "number", "hash"}
#: What a line of anchors begins with.
START = "{"

Line = Mapping[str, object]
#: By tenant (id): after how many events which hash was the head, and when that was (ISO 8601).
Anchors = dict[int, dict[int, tuple[str, str]]]


class Broken(ValueError):
    """A trail or a file of anchors is not whole; the message says where."""


def event_hash(content: list[object]) -> str:
    """Return the SHA-256 (hex) of an event: the hash before it, tenant (id), time (ISO 8601), who, action, subject,
    details."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(slots=True)
class Chain:
    """One tenant's events as they are walked, the first one first; `anchors` are its own, by number of events."""

    anchors: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    count: int = 0
    hash: str = NOTHING

    def add(self, name: object, content: list[object], own_hash: str) -> None:
        """Take the next event; Broken when it is not the one that was written next."""
        if content[0] != self.hash or event_hash(content) != own_hash:
            raise Broken(f"Audit event {name} was changed, or one before it is missing.")
        self.count, self.hash = self.count + 1, own_hash
        wanted, at = self.anchors.get(self.count, (own_hash, ""))
        if wanted != own_hash:
            raise Broken(
                f"Event number {self.count} is not the one that was anchored on {at}; the trail was rewritten."
            )

    def end(self, count: int, head: str) -> None:
        """Compare with the head, and with what was anchored; Broken says what is missing."""
        if self.count < count:
            raise Broken(f"The newest audit events are missing: {self.count} are left of {count}.")
        if (self.count, self.hash) != (count, head):
            raise Broken(f"There are {self.count} audit events, which are not the {count} that the head speaks of.")
        for number, (_, at) in sorted(self.anchors.items()):
            if number > self.count:
                raise Broken(
                    f"The newest audit events are missing: {self.count} are left, and on {at} there were {number}."
                )


def sign(record: Line, key: Ed25519PrivateKey) -> dict[str, object]:
    """Return a record with its signature (hex)."""
    return {**record, "signature": key.sign(_signed(record)).hex()}


def is_signed(record: Line, public: str) -> bool:
    """Say whether a record bears the signature of the key whose public half (hex) this is."""
    try:
        signature = bytes.fromhex(str(record.get("signature", "")))
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(signature, _signed(record))
    except (InvalidSignature, ValueError):
        return False
    return True


def public_half(key: Ed25519PrivateKey) -> str:
    """Return the public half (hex) of a key."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def text_of(record: Line) -> str:
    """Return a record as the one line that stands for it."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"))


def hash_of_line(text: str) -> str:
    """Return what the next line of anchors says of this one."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_anchors(lines: Iterable[str], public: str, *, whole: bool = True) -> tuple[Anchors, str]:
    """Return what is anchored, and the hash of the last line; Broken when a line is not signed, or not the one after
    the line before it.

    Lines of a log are read as well, its own or those of syslog, and what is no anchor is left out: the one after one
    that was spoilt tells that it is missing. A copy that is not `whole` may begin anywhere. A line with `restored`
    takes back what was anchored beyond it: somebody restored a backup, and said so.
    """
    found: Anchors = {}
    previous = NOTHING if whole else ""
    for number, line in enumerate(lines, 1):
        text, record = _anchor_in(line)
        if not record:
            continue
        if not is_signed(record, public):
            raise Broken(f"Line {number} of the anchors is not signed with this key; it was changed or is another's.")
        if previous and record.get("previous") != previous:
            raise Broken(f"Line {number} of the anchors does not follow the line before it; lines are missing.")
        previous = hash_of_line(text)
        tenant, count = int(str(record["tenant"])), int(str(record["count"]))
        mine = found.setdefault(tenant, {})
        if record.get("restored"):
            found[tenant] = mine = {key: value for key, value in mine.items() if key < count}
        mine[count] = (str(record["hash"]), str(record["at"]))
    return found, previous


def read_trail(lines: Iterable[str], public: str = "", anchors: Anchors | None = None) -> tuple[str, list[str]]:
    """Return the public key (hex) that a trail is signed with, and a sentence for each tenant; Broken where it is not
    whole. A key that is given must be that one."""
    records = ((number, _parsed(line, f"Line {number}")) for number, line in enumerate(lines, 1) if line.strip())
    _, first = next(records, (0, {}))
    if first.get("kind") != "trail" or first.get("format") != FORMAT:
        raise Broken("This is no audit trail of this format.")
    own = str(first.get("key", ""))
    if public and own != public:
        raise Broken(f"The trail is signed with the key {own}, not with {public}.")
    said, heads, chains, end = list[str](), list[object](), dict[int, Chain](), first
    if not is_signed(first, own):
        raise Broken("Line 1 is not signed with the key of this trail.")
    for number, record in records:
        if end is not first:
            raise Broken(f"Line {number} follows the end.")
        if record.get("kind") == "event":
            _add(chains, record, anchors or {})
            continue
        if not is_signed(record, own):
            raise Broken(f"Line {number} is not signed with the key of this trail.")
        if record.get("kind") == "head":
            said.append(_ended(chains, record, anchors or {}))
            heads.append(named(record))
        else:
            end = record
    if end.get("kind") != "end" or end.get("heads") != heads or chains:
        raise Broken("The end is missing, or is that of another trail: the file was cut or put together.")
    return own, said


def _anchor_in(line: str) -> tuple[str, Line]:
    """Return the anchor that a line has, as text and as what it says; an empty one where it has none."""
    text = line[line.find(START) :].strip() if START in line else ""
    for _ in range(2):
        try:
            record = _parsed(text, "")
        except Broken:
            break
        if record.get("kind") == "anchor":
            return text, record
        text = str(record.get("anchor", ""))
    return "", {}


def named(head: Line) -> list[object]:
    """Return what the end of a trail says of one of its heads."""
    return [head[name] for name in ("tenant", "count", "hash", "at")]


def _add(chains: dict[int, Chain], record: Line, anchors: Anchors) -> None:
    tenant = int(str(record["tenant"]))
    chain = chains.setdefault(tenant, Chain(anchors.get(tenant, {})))
    if set(record) != FIELDS or record["number"] != chain.count + 1:
        raise Broken(f"Audit event {record.get('number')} of tenant {tenant} was changed, or one before it is missing.")
    chain.add(record["number"], [record[name] for name in CONTENT], str(record["hash"]))


def _ended(chains: dict[int, Chain], record: Line, anchors: Anchors) -> str:
    tenant = int(str(record["tenant"]))
    chain = chains.pop(tenant, None) or Chain(anchors.get(tenant, {}))
    try:
        chain.end(int(str(record["count"])), str(record["hash"]))
    except Broken as error:
        raise Broken(f"{record['name']}: {error}") from None
    return f"{record['name']}: {chain.count} events, unbroken; head of {record['at']}"


def _signed(record: Line) -> bytes:
    return SIGNED + text_of({name: value for name, value in record.items() if name != "signature"}).encode()


def _parsed(text: str, name: str) -> dict[str, object]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Broken(f"{name} cannot be read.")
    return found


def main(words: list[str] | None = None) -> int:
    """Check a file; 0 where it is whole, 1 where it is not, 2 where it cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m devices.domain.audit_trail", description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--key", default="", help="The public key (hex) that you were given, on another way.")
    parser.add_argument("--anchors", help="A copy of the file of anchors, or of a log that has them.")
    given = parser.parse_args(words)
    try:
        with open(given.file, encoding="utf-8") as stream:
            first = _parsed(stream.readline(), "Line 1")
        anchors = None
        if given.anchors:
            with open(given.anchors, encoding="utf-8") as stream:
                anchors, _ = read_anchors(stream, given.key or str(first.get("key", "")), whole=False)
        with open(given.file, encoding="utf-8") as stream:
            key, said = read_trail(stream, given.key, anchors)
    except (OSError, UnicodeError) as error:
        print(f"The file cannot be read: {error}", file=sys.stderr)
        return 2
    except (Broken, KeyError, ValueError) as error:
        print(f"Broken: {error}", file=sys.stderr)
        return 1
    print(*said, sep="\n")
    print(f"Signed with the key {key}" + ("." if given.key else ", which was compared with nothing: give it by --key."))
    return 0


if __name__ == "__main__":
    sys.exit(main())
