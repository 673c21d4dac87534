"""A trigger kind is known by every place that CONTRIBUTING names: its JSON, when it fires, its words, the wizard."""

from datetime import UTC, datetime

import pytest

from jobs.domain import schedule_json
from jobs.domain.recurrence import describe, upcoming
from jobs.domain.spec import TriggerKind
from jobs.web.wizard import triggers as wizard

START = {"time_zone": "Europe/Berlin", "start_at": "2027-03-01T02:30:00"}
#: The smallest rule of each kind; a new kind fails here until it has one.
RULES = {
    TriggerKind.ONCE: {},
    TriggerKind.EVERY: {"interval": "PT90M"},
    TriggerKind.DAILY: {"every": 1},
    TriggerKind.WEEKLY: {"weekdays": ["monday"]},
    TriggerKind.MONTHLY: {"days": [1]},
    TriggerKind.CRON: {"expression": "0 4 * * *"},
}


@pytest.mark.parametrize("kind", [kind for kind in TriggerKind if kind is not TriggerKind.NOW])
def test_a_kind_has_its_json_its_times_its_words_and_its_place_in_the_wizard(kind):
    rule = {"kind": kind.value, **START, **RULES[kind]}
    schedule = schedule_json.schedule_from(rule)
    first = next(upcoming(schedule, datetime(2027, 1, 1, tzinfo=UTC)))
    assert first.at.tzinfo and first.at >= datetime(2027, 3, 1, tzinfo=UTC)
    assert describe(schedule)
    assert kind.value in schedule_json.KINDS and kind.value in dict(wizard.KINDS)
    # What is stored comes back from the wizard's form as it was.
    posted = {"kind": kind.value, **wizard.fields_of(rule)}
    assert schedule_json.schedule_from(wizard.rule_of(posted)) == schedule
