"""Parts of the reference are printed from the code and the tests that enforce them; `python -m tests.test_docs`
prints them anew."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"


def status_by_action():
    """Return the table of tests/approvals/test_rules.py as Markdown."""
    from approvals.domain import LABELS, Action, ApprovalStatus
    from tests.approvals.test_rules import TABLE

    states = [s for s in ApprovalStatus if s is not ApprovalStatus.NOT_REQUESTED]
    lines = ["| action | " + " | ".join(LABELS[s] for s in states) + " |", "|---|" + "---|" * len(states)]
    for action in Action:
        if action is not Action.REQUEST:
            cells = [LABELS[TABLE[s, action]] if (s, action) in TABLE else "refused" for s in states]
            lines.append(f"| {action.value} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def person_by_verb():
    """Return the table of tests/test_permissions.py as Markdown."""
    from tests.test_permissions import PEOPLE, TABLE

    words = {
        200: "yes",
        201: "yes",
        204: "yes",
        302: "yes",
        403: "no",
        404: "invisible",
        400: "refused",
        0: "no",
        1: "yes",
    }
    lines = ["| verb | " + " | ".join(PEOPLE) + " |", "|---|" + "---|" * len(PEOPLE)]
    lines += [f"| {verb} | " + " | ".join(words[status] for status in row) + " |" for verb, row in TABLE.items()]
    return "\n".join(lines)


def job_types():
    """Return the pages of the job types, from their folders, as Markdown."""
    from jobs import types
    from templates_app.domain.content import TYPE_LABELS

    parts = []
    for one in types.BY_KEY.values():
        names = "; ".join(f"{product}: {name}" for product, name in one.families.items())
        parts += [f"## {one.label} (`{one.key}`)", one.audience, one.documentation.strip(), f"Elsewhere: {names}."]
        content = one.template().content if one.template else None
        if content and content.variables:
            rows = [
                f"| `{v.name}` | {v.label} | {TYPE_LABELS[v.type]} | {v.default or ('' if v.required else 'none')} |"
                for v in content.variables
            ]
            parts.append("\n".join(["| parameter | meaning | value | default |", "|---|---|---|---|", *rows]))
    return "\n\n".join(parts)


def limits():
    """Return the constants of config/limits.py with their words as Markdown."""
    from config import limits as module

    text = (ROOT / "config" / "limits.py").read_text()
    found = re.findall(r"((?:^#: .*\n)+)(\w+) = ", text, re.MULTILINE)
    rows = [f"| `{name}` | {getattr(module, name):,} | {words.replace('#: ', '').strip()} |" for words, name in found]
    return "\n".join(["| constant | value | of what |", "|---|---|---|", *rows])


def platforms_tried():
    """Return what each platform was tried against as Markdown: from the tests' own data."""
    import json
    from collections import Counter

    from devices.drivers.platforms import PLATFORMS
    from devices.simulator.clis import CLIS
    from tests.field.cases import CASES
    from tests.field.played import RECORDINGS, documented
    from tests.field.real import TRIED

    recorded = Counter(json.loads(path.read_text())["platform"] for path in RECORDINGS.glob("*.json"))
    scripted = Counter(case.platform for case in CASES)
    manuals = documented()
    rows = []
    for key, platform in PLATFORMS.items():
        messages = [one for kind in ("refusals", "notices") for one in manuals.get(key, {}).get(kind, ())]
        made_up = sum(bool(one.get("made_up")) for one in messages)
        of_manuals = f"{len(messages) - made_up}" + (f", and {made_up} made up in their manner" if made_up else "")
        played = [f"{scripted[key]} reported devices"] * bool(scripted[key]) + ["the simulated fleet"] * (key in CLIS)
        cells = [TRIED.get(key, ""), str(recorded[key] or ""), of_manuals if messages else "", ", ".join(played)]
        if any(cells):
            rows.append(f"| {platform.label} (`{key}`) | " + " | ".join(cell or "—" for cell in cells) + " |")
    head = ["| platform | real device | recordings | known messages | scripted |", "|---|---|---|---|---|"]
    left = len(PLATFORMS) - len(rows)
    return "\n".join([*head, *rows, f"| the {left} others | — | — | — | — |"])


#: Page → name of the part → what prints it.
PARTS = {
    "approvals.md": {"status-by-action": status_by_action, "person-by-verb": person_by_verb},
    "job-types.md": {"job-types": job_types},
    "limits.md": {"limits": limits},
    "platforms.md": {"tried": platforms_tried},
}


def between(text, name):
    return text.split(f"<!-- {name} -->\n")[1].split(f"\n<!-- /{name} -->")[0]


@pytest.mark.parametrize("page", PARTS)
def test_what_is_printed_in_the_reference_is_what_the_code_says(page):
    text = (REFERENCE / page).read_text()
    for name, part in PARTS[page].items():
        assert between(text, name) == part(), f"Run 'python -m tests.test_docs' to print {name} anew."


PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md") if (ROOT / name).exists()]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
#: What stands in backticks and looks like a place in this repository.
PLACE = re.compile(
    r"`((?:config|devices|templates_app|approvals|jobs|tests|docs|static|deploy)/[\w./-]*[\w/]|[A-Z]+\.md)`"
)


def anchors(text):
    """Return the anchors of a page's headings, as most renderers make them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere_and_every_place_named_is_there(page):
    text = page.read_text()
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        path = page.parent / name if name else page
        if not path.exists() or (anchor and anchor not in anchors(path.read_text())):
            wrong.append(target)
    wrong += [place for place in PLACE.findall(text) if not (ROOT / place).exists()]
    assert not wrong, wrong


def test_follow_one_job_names_what_is_really_there():
    """A link whose text is code leads to the file that defines it."""
    page = ROOT / "docs" / "follow-one-job.md"
    links = re.findall(r"\[`([\w.]+)`\]\(([^)#]+)\)", page.read_text())
    assert len(links) >= 10
    wrong = []
    for name, target in links:
        tree = ast.parse((page.parent / target).resolve().read_text())
        for part in name.split("."):
            kinds = ast.ClassDef | ast.FunctionDef
            tree = next((n for n in ast.walk(tree) if isinstance(n, kinds) and n.name == part and n is not tree), None)
            if tree is None:
                wrong.append(f"{name} is not in {target}")
                break
    assert not wrong, wrong


def test_the_map_shows_every_room():
    from tests.test_architecture import ROOMS

    text = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
    missing = [room for room in ROOMS["jobs"] if f"`jobs/{room}`" not in text and f"`jobs/{room}.py`" not in text]
    assert not missing, missing


def test_the_table_of_what_to_touch_counts_what_it_names():
    """The numbers in CONTRIBUTING are those of the files that stand beside them."""
    rows = re.findall(
        r"^\| (an? [\w ]+) \| (\d)[^|]*\| ([^|]+) \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE
    )
    most = {"a job option": 3, "a platform": 2, "a notification channel": 2}
    assert {name for name, _, _ in rows} >= {*most, "a job type", "a trigger kind", "a step flag", "an API resource"}
    for name, number, places in rows:
        assert int(number) <= most.get(name, 9), name
        files = [part for part in places.split("(and")[0].split(";") if "folder" not in part.split("`")[0]]
        assert len(files) == int(number), (name, files)


if __name__ == "__main__":
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    for page, parts in PARTS.items():
        text = (REFERENCE / page).read_text()
        for name, part in parts.items():
            text = text.replace(f"<!-- {name} -->\n{between(text, name)}\n", f"<!-- {name} -->\n{part()}\n")
        (REFERENCE / page).write_text(text)
