"""Templates, style sheets, scripts and Python are source: lines that can be read, and none exempt from a formatter."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("config", "devices", "templates_app", "approvals", "jobs")
LONGEST = 120
#: Comments that exempt a line from the formatter or from the rule on its length; one that names no rule is for all.
EXEMPT = re.compile(r"#.*(?:\bfmt:\s*(?:skip|off)\b|\bnoqa\b(?!:)|\bnoqa:.*\bE501\b)")


def templates():
    """Return the pages of the apps: those in their `templates`, and those that stand with a job type."""
    return sorted(path for app in APPS for path in (ROOT / app).rglob("*.html"))


def static_files():
    return sorted(path for path in (ROOT / "static").rglob("*") if path.suffix in (".css", ".js"))


def python_files():
    """Return what people write: migrations are written by Django."""
    found = [path for place in (*APPS, "tests") for path in sorted((ROOT / place).rglob("*.py"))]
    return [ROOT / "manage.py", *(path for path in found if "migrations" not in path.parts)]


def too_long(paths):
    return [
        f"{path.relative_to(ROOT)}:{number} has {len(line)} characters"
        for path in paths
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > LONGEST
    ]


def test_the_templates_and_the_files_beside_them_are_found():
    names = {path.name for path in templates()} | {path.name for path in static_files()}
    assert names >= {"base.html", "base_site.html", "board.html", "delegations.html", "edit.html", "device.html"}
    assert names >= {"frame.css", "interlock.js"}


@pytest.mark.parametrize("files", [templates, static_files, python_files], ids=["templates", "static", "python"])
def test_no_line_is_too_long_to_read(files):
    assert too_long(files()) == []


def test_no_line_of_python_is_exempt_from_the_formatter_or_from_its_length():
    wrong = [
        f"{path.relative_to(ROOT)}:{number} {found[0]}"
        for path in python_files()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (found := EXEMPT.search(line))
    ]
    assert not wrong, wrong
    assert "E501" not in (ROOT / "pyproject.toml").read_text(), "ruff holds the length of every line"


@pytest.mark.parametrize(
    "line,exempt",
    [
        ("x = 1  # fmt: " + "skip", True),
        ("# fmt:" + "off", True),
        ("x = 1  # no" + "qa", True),
        ("x = 1  # no" + "qa: S608,E501", True),
        ("x = 1  # no" + "qa: S608", False),
        ("x = 1  # the format: skip it", False),
    ],
)
def test_an_exemption_is_known_by_its_comment(line, exempt):
    assert bool(EXEMPT.search(line)) is exempt
