"""Parts of the reference are printed from the code and the tests that enforce them; `python -m tests.test_docs`
prints them anew."""

from pathlib import Path

import pytest

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"


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


#: Page → name of the part → what prints it.
PARTS = {
    "approvals.md": {"status-by-action": status_by_action, "person-by-verb": person_by_verb},
    "job-types.md": {"job-types": job_types},
}


def between(text, name):
    return text.split(f"<!-- {name} -->\n")[1].split(f"\n<!-- /{name} -->")[0]


@pytest.mark.parametrize("page", PARTS)
def test_what_is_printed_in_the_reference_is_what_the_code_says(page):
    text = (REFERENCE / page).read_text()
    for name, part in PARTS[page].items():
        assert between(text, name) == part(), f"Run 'python -m tests.test_docs' to print {name} anew."


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
