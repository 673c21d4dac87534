"""One line is one line: what a text must not hold that becomes a command line or a name. Pure."""

from __future__ import annotations

import re

#: Control characters with the separators of lines among them, format characters (bidi controls, what has no width,
#: tags), surrogates, and what a reader does not see although it counts as a letter or as a mark.
HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
#: At each of them a device, a terminal or a program begins another line.
BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


def flaw(text: str) -> str:
    """Say what keeps a text from being one line, as what follows its name in a sentence; empty where nothing does."""
    if text.isascii() and text.isprintable():  # most are, and this is many times faster
        return ""
    found = HIDDEN.search(text)
    if found is None:
        return ""
    char, position = found[0], found.start() + 1
    if char in BREAKS:
        return f"holds a line break at position {position}; it would begin a second line. Use one line."
    if char == "\t":
        return f"holds a TAB at position {position}; use spaces."
    return f"holds an invisible character (U+{ord(char):04X}) at position {position}; remove it."


def visible(text: str, keep: str = "") -> str:
    """Return a text with each hidden character made visible, as `‹U+202E›`, but for those to `keep`."""
    return HIDDEN.sub(lambda found: found[0] if found[0] in keep else f"‹U+{ord(found[0]):04X}›", text)
