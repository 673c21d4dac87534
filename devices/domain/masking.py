"""Hide known secrets in what devices say, without hiding what everybody says.

A value of eight characters or more, or of four with signs of different kinds, is hidden wherever it stands; another one
of four or more only where it stands as a word; a shorter one, a short number and a word that devices say anyway only
where a line says that it is a secret (`devices.domain.configs`). Pure.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote

from devices.domain import configs

HIDDEN = configs.HIDDEN
#: Stands for each character of a value where lengths must stay.
BLANK = "x"
#: A shorter value, in characters, is looked for nowhere but where a line says that it is a secret.
LEAST = 4
#: A value of so many characters is no part of another word by chance.
ANYWHERE = 8
#: A number of so many digits or fewer may be a year, a port, a VLAN or a counter.
NUMBER = 5
#: So many characters of a cut value are hidden; fewer may be part of any word.
CUT = 6
#: What stands between the parts of a value that a terminal has wrapped.
BREAK = r"(?:\r?\n[ \t]*|\x08)"
#: What begins and ends a key in PEM: no secret.
FRAME = "-----"
#: Words of devices and of this product: hidden everywhere, they would make output unreadable.
COMMON = frozenset(
    """
    access account active address admin admin123 administrator alias allow apply arista auth authentication auto banner
    block boot bridge broadcast cable change changeme channel check cisco class clear client clock command commands
    commit community config configuration configure connect connected connection console contact copy core count crypto
    current data date default delete demo deny description destination detail device devices dhcp disable disabled
    discard domain down duplex dynamic echo edge enable enabled encrypted encryption error errors ethernet exec exit
    external fail failed false file files filter firewall flash forward full gateway global group groups guest half
    hello high host hostname hosts http https input inside inspect install interface interfaces internal internet ipv4
    ipv6 juniper junos kernel lease level license line linux list local localhost location lock logging login logout
    loopback manager management master match member memory mode model module monitor name names native neighbor network
    none null object output outside packet packets pass passwd password permit physical ping platform policy pool port
    ports prefix priority private privilege process profile protocol proxy public query queue radius rate read reboot
    redundancy release reload remote request reset restart restore root route router routes routing rule rules running
    save script secondary secret secure security send serial server service session shell show shutdown size snmp
    source speed standard standby start startup state static status stop subnet success switch switchport syslog
    system table tacacs telnet temp template test time timeout traffic transport trap true trunk trust tunnel type
    unknown update upgrade uptime user username users value version view virtual vlan vlans vrrp warning windows write
    """.split()  # noqa: SIM905 - a list of a word a line says no more
)


class Masker:
    """Hides these values, and what anybody can turn back into them: base64, hexadecimal, URL, JSON, XML.

    The text keeps its lines.
    """

    def __init__(self, values: Iterable[str]) -> None:
        parts = {part for value in values for part in _parts(value)}
        everywhere = {part for part in parts if _is_found_anywhere(part)}
        words = sorted((part for part in parts - everywhere if _is_found_as_word(part)), key=len, reverse=True)
        self._plain = sorted(everywhere, key=len, reverse=True)
        self._forms = sorted({form for part in everywhere for form in _forms(part)}, key=len, reverse=True)
        self._words = [(word, re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")) for word in words]
        self._wrapped = [part for part in everywhere if len(part) >= ANYWHERE]

    def hide(self, text: str) -> str:
        """Return the text with the values hidden that stand in it as they are: quickly."""
        for part in self._plain:
            if part in text:
                text = text.replace(part, HIDDEN)
        for word, pattern in self._words:
            if word in text:
                text = pattern.sub(HIDDEN, text)
        return text

    def hide_all(self, text: str) -> str:
        """The same for who reads it: also codes of the values, values that a terminal has wrapped, and what a line says
        is a secret."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, HIDDEN)
        text = self.hide(text)
        if self._wrapped and ("\n" in text or "\x08" in text):
            flat = re.sub(BREAK, "", text)
            for part in self._wrapped:
                if part in flat:
                    text = _wrapped(part).sub(_kept_breaks, text)
        return configs.mask(text)

    def hide_quoted(self, text: str) -> str:
        """The same for a sentence that quotes a device: a value may be cut where the quotation begins or ends."""
        text = self.hide_all(text)
        for part in self._wrapped:
            for length in range(len(part) - 1, CUT - 1, -1):
                text = text.replace(part[:length], HIDDEN).replace(part[-length:], HIDDEN)
        return text

    def blank(self, text: str) -> str:
        """Return a text of the same length: each character of a value is `BLANK`."""
        for part in (*self._forms, *self._plain):
            text = text.replace(part, BLANK * len(part))
        for word, pattern in self._words:
            text = pattern.sub(BLANK * len(word), text)
        for part in self._wrapped:
            text = _wrapped(part).sub(lambda found: re.sub(r"[^\s\x08]", BLANK, found[0]), text)
        return configs.blanked(text, BLANK)

    def without_begun(self, text: str) -> str:
        """Return a text that grows without the beginning of a value at its end."""
        found = (len(form[:n]) for form in self._forms for n in range(len(form) - 1, 0, -1) if text.endswith(form[:n]))
        longest = max(found, default=0)
        return text[: len(text) - longest]


@lru_cache(maxsize=256)
def masker_of(values: frozenset[str]) -> Masker:
    """Return the masker of some values, made once."""
    return Masker(values)


def _parts(value: str) -> Iterator[str]:
    """Yield the lines of a value as a device shows them: without spaces around, without what frames a key."""
    for line in value.splitlines():
        if (part := line.strip()) and not part.startswith(FRAME):
            yield part


def _is_found_anywhere(part: str) -> bool:
    kinds = {"letter" if sign.isalpha() else "digit" if sign.isdigit() else "other" for sign in part}
    return _is_found_as_word(part) and (len(part) >= ANYWHERE or len(kinds) > 1)


def _is_found_as_word(part: str) -> bool:
    return len(part) >= LEAST and part.lower() not in COMMON and not (part.isdigit() and len(part) <= NUMBER)


def _forms(part: str) -> Iterator[str]:
    """Yield what stands for a value in some text: itself, and simple codes of it where they are long enough."""
    yield part
    if len(part) < ANYWHERE:
        return
    yield from (quote(part, safe=""), quote(part), html.escape(part), json.dumps(part)[1:-1])
    raw = part.encode()
    yield from (raw.hex(), raw.hex().upper())
    for before in range(3):
        code = base64.b64encode(b"\0" * before + raw).decode()
        core = code[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        yield from (core, core.replace("+", "-").replace("/", "_"))


@lru_cache(maxsize=64)
def _wrapped(part: str) -> re.Pattern[str]:
    return re.compile(f"{BREAK}*".join(map(re.escape, part)))


def _kept_breaks(found: re.Match[str]) -> str:
    return HIDDEN + "\n" * found[0].count("\n")
