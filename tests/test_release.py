"""What a release stands on: one version number, a section that tells about it, state apart from what is installed."""

import ast
import re
import tomllib
from datetime import date
from pathlib import Path

from django.conf import settings

from config import __version__, env
from tests.test_architecture import ROOT, sources

HOME = Path("config/__init__.py")
#: Files that name versions of other things (the locks), or of releases that were (the changelog).
OTHERS = {"CHANGELOG.md", "requirements.txt", "requirements-dev.txt"}
READ = {".md", ".toml", ".py", ".txt", ""}
#: Three numbers that are no part of a longer one, such as an address.
NUMBER = re.compile(r"(?<![\d.])\d+\.\d+\.\d+(?![\d.])")


def texts():
    """Return the files that people and tools read, without tests: they may make up versions."""
    top = [path for path in ROOT.glob("[!.]*") if path.is_file() and path.suffix in READ and path.name not in OTHERS]
    return [
        *(path.relative_to(ROOT) for path in top),
        *(path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md")),
        *sources(),
    ]


def assigned(tree):
    """Return the names that a module sets to a text, or gives as a keyword, with that text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((ast.unparse(target), node.value) for target in targets)
        elif isinstance(node, ast.keyword):
            yield node.arg, node.value


def test_the_version_is_three_numbers_and_what_the_settings_say():
    assert NUMBER.fullmatch(__version__)
    assert __version__ == settings.VERSION


def test_no_other_file_says_the_version():
    said = [str(path) for path in texts() if path != HOME and __version__ in NUMBER.findall((ROOT / path).read_text())]
    assert said == []


def test_no_other_module_has_a_version_of_its_own():
    said = [
        f"{path}: {name}"
        for path, tree in sources().items()
        for name, value in assigned(tree)
        if path != HOME and name and name.strip("_").lower() == "version"
        if isinstance(value, ast.Constant) and NUMBER.fullmatch(str(value.value))
    ]
    assert said == []


def test_the_project_file_reads_the_version():
    said = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in said["project"] and said["project"]["dynamic"] == ["version"]
    assert said["tool"]["hatch"]["version"]["path"] == str(HOME)


def test_state_stands_in_the_tree_or_else_in_the_folder_of_the_user(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    assert env.state_folder(True, "/elsewhere") == ROOT / "var"
    assert env.state_folder(False, "") == Path("/home/ann/.local/state/interlock")
    assert env.state_folder(False, "not/absolute") == Path("/home/ann/.local/state/interlock")
    assert env.state_folder(False, "/srv/state") == Path("/srv/state/interlock")


def test_the_newest_section_of_the_changelog_is_this_version_with_its_day():
    sections = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    newest = next(title for title in sections if title != "Unreleased")
    number, day = re.fullmatch(r"(\S+) \((.+)\)", newest).groups()
    assert number == __version__ and date.fromisoformat(day)
