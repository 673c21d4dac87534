"""What is searched with a pattern comes from devices and from people: no text of theirs keeps a pattern busy.

Every pattern of the product is found in its source, and tried on texts that are made of the pattern itself: its begin,
then one of its parts again and again, then something that does not fit. Twice as long may take twice the time; what
takes the square of it shows at once.
"""

import ast
import re
import time
import warnings
from functools import cache
from pathlib import Path

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from re import _constants as sre
    from re import _parser as parser

from devices.domain import redaction
from devices.drivers.platforms import PLATFORMS
from devices.drivers.prompts import Prompts
from jobs import types

ROOT = Path(__file__).parents[1]
PACKAGES = ("config", "devices", "templates_app", "approvals", "jobs")
#: Simulated devices and the demo read what the product or its tests send.
OURS = (Path("devices/simulator"), Path("jobs/demo"), Path("config/settings.py"))
#: Functions of `re` whose first argument is a pattern.
CALLS = ("compile", "search", "match", "fullmatch", "sub", "split", "findall", "finditer")
#: Patterns that are put together when the program runs, and where those that they can be are tried.
MADE = {
    "devices/drivers/platform.py": "reading: `reads` of the platforms",
    "devices/drivers/prompts.py": "`modes` of the platforms, and a device's name, escaped",
    "devices/drivers/reader.py": "`input_end`: a mark, escaped",
    "devices/drivers/platforms/__init__.py": "`input_end`: a mark, escaped",
    "devices/drivers/echo.py": "_head: a line, its signs escaped",
    "devices/domain/redaction.py": "STATEMENTS and VALUES: put together of its own constants",
    "devices/domain/masking.py": "Masker: known secrets, escaped, one beside the other",
    "templates_app/domain/checks.py": "judge: `checks` of the job types; people write none",
}
#: So many begins of a pattern are tried.
MOST_BEGINS = 24
LENGTH = 10_000
MOST_SECONDS = 0.06
#: One of each kind of sign, for classes and for what does not fit.
SIGNS = "a A1 \t\n-_.%#>!:([*'\"\x1b\x00"


@cache
def written():
    """Return (where, pattern, flags) of every pattern in the product's source that is a constant, and where the others
    are made."""
    constant, made = [], set()
    for path in sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py")):
        where = path.relative_to(ROOT)
        if any(where.is_relative_to(ours) for ours in OURS):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func) in {f"re.{name}" for name in CALLS}):
                continue
            flags = [ast.unparse(given) for given in [*node.args[1:], *(k.value for k in node.keywords)]]
            try:
                pattern = ast.literal_eval(node.args[0])
            except ValueError:
                made.add(str(where))
                continue
            number = eval(" | ".join(f for f in flags if f.startswith("re.")) or "0", {"re": re})
            ends = r"\A(?:%s)\Z" if ast.unparse(node.func) == "re.fullmatch" else "%s"
            constant.append((f"{where}:{node.lineno}", ends % pattern, int(number)))
    return constant, made


def patterns():
    """Return every pattern by where it stands."""
    found = {f"{where} {pattern[:40]}": re.compile(pattern, flags) for where, pattern, flags in written()[0]}
    found |= {f"redaction {n}": p for n, p in enumerate((*redaction.STATEMENTS, *redaction.VALUES))}
    for key, platform in PLATFORMS.items():
        if not platform.netmiko:
            found[f"{key}: modes"] = Prompts(platform)._modes
    for platform in PLATFORMS.values():
        found[f"reads: {platform.reads.pattern}"[:90]] = re.compile(
            rf"\A(?:{platform.reads.pattern})\Z", platform.reads.flags
        )
    for kind in types.BY_KEY.values():
        content = kind.template().content if kind.template else None
        for step in content.steps if content else ():
            found |= {f"{kind.key}: {pattern}": re.compile(pattern) for _, pattern in step.checks}
    return found


def samples(tree):
    """Yield the parts of a pattern in their order, each as the shortest text that fits it."""
    for kind, value in tree:
        if kind is sre.LITERAL:
            yield chr(value)
        elif kind in (sre.NOT_LITERAL, sre.ANY, sre.IN, sre.CATEGORY):
            yield fitting(kind, value)
        elif kind in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            yield from samples(value[2])
        elif kind is sre.SUBPATTERN:
            yield from samples(value[3])
        elif kind is sre.ATOMIC_GROUP:
            yield from samples(value)
        elif kind is sre.BRANCH:
            for branch in value[1]:
                yield from dict.fromkeys(["".join(samples(branch)), *samples(branch)])


def fitting(kind, value):
    """Return a sign that fits a class."""
    if kind is sre.IN:
        for inner, given in value:
            if inner is sre.LITERAL:
                return chr(given)
            if inner is sre.RANGE:
                return chr(given[0])
            if inner is sre.CATEGORY:
                return {sre.CATEGORY_SPACE: " ", sre.CATEGORY_DIGIT: "1"}.get(given, "a")
    return "a"


def texts(pattern):
    """Yield hostile texts for a pattern."""
    parts = list(samples(parser.parse(pattern.pattern, pattern.flags)))
    words = {"".join(parts[:n]) for n in range(len(parts) + 1)} | {*parts}
    begins = sorted({""} | {word[:30] for word in words}, key=len)[:MOST_BEGINS]
    pumps = {*SIGNS, *sorted(parts, key=len)[-4:], "".join(parts[:2]), " \n", "a ", " a"}
    for begin in begins:
        for pump in pumps:
            if pump:
                count = LENGTH // len(pump)
                yield begin + pump * count
                yield begin + pump * count + "\x01"
    for begin in begins:
        yield (begin + "\x01") * (LENGTH // (len(begin) + 1))


def seconds(work, *given):
    started = time.thread_time()
    work(*given)
    return time.thread_time() - started


@pytest.mark.parametrize("where", sorted(patterns()))
def test_no_text_keeps_a_pattern_busy(where):
    pattern = patterns()[where]
    # To look for all occurrences is to begin at each place.
    work = pattern.search if pattern.pattern.startswith(("^", "\\A")) else lambda text: pattern.sub("", text)
    for text in texts(pattern):
        took = seconds(work, text)
        if took > MOST_SECONDS:
            took = seconds(work, text)
        assert took <= MOST_SECONDS, f"{pattern.pattern!r} on {text[:60]!r}…: {took:.2f} s"


def test_every_pattern_that_is_made_at_run_time_is_known():
    assert written()[1] == set(MADE), "Say here of what it is made, and try what it can be."
    assert len(written()[0]) > 60 and len(patterns()) > 80
