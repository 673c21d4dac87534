"""Very small interpreters for scripts that come in over standard input: assignments, one statement a line, an exit
status."""

from __future__ import annotations

import re
from collections.abc import Callable

#: What a statement prints and the exit status it leaves.
Outcome = tuple[str, int]
ASSIGNMENTS = {
    "sh": re.compile(r"^(\w+)=((?:'[^']*'|\"'\"|[\w.\-/])*)$"),
    "powershell": re.compile(r"^\$(\w+) = ('(?:[^']|'')*')$"),
    "python": re.compile(r"^(\w+) = ('(?:[^'\\]|\\.)*')$"),
}


def run(language: str, text: str, statement: Callable[[str], Outcome], log: Callable[[str], None]) -> Outcome:
    """Run a script line by line; `exit N` ends it. A failing statement does not, as in the shells themselves."""
    values: dict[str, str] = {}
    printed: list[str] = []
    status = 0
    for line in text.split("\n"):
        assigned = ASSIGNMENTS[language].match(line.strip())
        if assigned:
            values[assigned[1]] = _plain(language, assigned[2])
            continue
        if not line.strip() or line.strip().startswith("#"):
            continue
        line = _filled(line.strip(), values)
        log(line)
        ended = re.match(r"^exit (\d+)$", line)
        if ended:
            return "".join(printed), int(ended[1])
        said, status = statement(line)
        printed.append(said)
    return "".join(printed), status


def _plain(language: str, quoted: str) -> str:
    if language == "powershell":
        return quoted[1:-1].replace("''", "'")
    if language == "python":
        return re.sub(r"\\(.)", r"\1", quoted[1:-1])
    parts = re.findall(r"'([^']*)'|\"(')\"|([\w.\-/]+)", quoted)
    return "".join(a or b or c for a, b, c in parts)


def _filled(line: str, values: dict[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda found: values.get(found[1], found[0]), line)
