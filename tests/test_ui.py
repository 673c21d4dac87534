"""Template filters of the theme, as templates use them."""

from django.template import engines

from config.ui import MOST_SHOWN_CHARACTERS


def shown(template, lines):
    return engines["django"].from_string(template).render({"lines": lines})


def test_lines_stand_one_under_the_other_and_are_escaped():
    assert shown("{{ lines|lines }}", ["vlan 10", " name <b>"]) == "vlan 10\n name &lt;b&gt;"


def test_an_approver_sees_every_line_however_many_and_what_hides_in_them():
    many = ["x" * 1_000] * (MOST_SHOWN_CHARACTERS // 1_000) + ["reload\u202e <now>"]
    page = shown("{{ lines|visible_lines }}", many)
    assert page.count("\n") == len(many) - 1
    assert page.endswith("\nreload‹U+202E› &lt;now&gt;")
