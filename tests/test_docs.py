"""The tables in docs/reference/approvals.md are printed from the tests that enforce them: `python -m
tests.test_docs` rewrites them."""

from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "approvals.md"


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


TABLES = {"status-by-action": status_by_action, "person-by-verb": person_by_verb}


def between(text, name):
    return text.split(f"<!-- {name} -->\n")[1].split(f"\n<!-- /{name} -->")[0]


def test_the_tables_in_the_docs_are_those_of_the_tests():
    text = PAGE.read_text()
    for name, table in TABLES.items():
        assert between(text, name) == table(), f"Run 'python -m tests.test_docs' to print the table {name} anew."


if __name__ == "__main__":
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    text = PAGE.read_text()
    for name, table in TABLES.items():
        text = text.replace(f"<!-- {name} -->\n{between(text, name)}\n", f"<!-- {name} -->\n{table()}\n")
    PAGE.write_text(text)
