"""Write schedule filters, and read them from the lines that people type."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.contrib.auth.models import User
from django.db import transaction

from config.errors import Invalid
from devices import access
from devices.domain.roles import Verb
from devices.models import Tenant
from devices.services import audit
from jobs.domain.filters import RuleJson, check_filter, filter_from
from jobs.domain.recurrence import WEEKDAYS, ImpossibleRule
from jobs.models import ScheduleFilter

RULE_LINE = re.compile(r"^(exclude|only)\s+(.+)$", re.IGNORECASE)


def save_filter(
    *,
    by: User | None,
    tenant: Tenant,
    name: str,
    rules: object,
    time_zone: str = "UTC",
    instance: ScheduleFilter | None = None,
) -> ScheduleFilter:
    """Make or change a schedule filter of a tenant; Invalid names the field that is wrong."""
    if by is not None:
        access.check_may(by, Verb.ADMINISTER, tenant)
    try:
        check_filter({"name": name, "time_zone": time_zone, "rules": rules})
    except ImpossibleRule as error:
        raise Invalid(fields={error.field: [str(error)]}) from None
    taken = ScheduleFilter.objects.filter(tenant=tenant, name__iexact=name).exclude(pk=instance.pk if instance else 0)
    if taken.exists():
        raise Invalid(fields={"name": [f"A filter named '{name}' exists in this tenant; choose another name."]})
    row = instance or ScheduleFilter(tenant=tenant)
    row.name, row.time_zone, row.rules = name, time_zone, rules
    with transaction.atomic():
        row.save()
        audit.record(tenant=tenant, by=by, action="filter.saved", subject=name)
    return row


def rules_from_lines(text: str) -> list[RuleJson]:
    """Read one rule a line: `exclude 2027-12-24`, `exclude yearly 12-25`, `exclude 2027-12-24..2028-01-02`,
    `only monday friday 08:00-18:00`, `exclude cron */5 2 * * *`. ImpossibleRule names the line."""
    rules: list[RuleJson] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        found = RULE_LINE.match(line.strip())
        if not found:
            raise ImpossibleRule("rules", f"Line {number}: begin with 'exclude' or 'only'.")
        try:
            rule: RuleJson = {"mode": found[1].lower(), **_condition(found[2].split())}
            filter_from({"rules": [rule]})
        except ImpossibleRule as error:
            raise ImpossibleRule("rules", f"Line {number}: {error}") from None
        except (ValueError, KeyError):
            raise ImpossibleRule("rules", f"Line {number}: '{line.strip()[:60]}' is not understood.") from None
        rules.append(rule)
    if not rules:
        raise ImpossibleRule("rules", "Write at least one line.")
    return rules


def lines_from_rules(rules: Iterable[RuleJson]) -> str:
    """Write rules as the lines that `rules_from_lines` reads."""
    lines = []
    for rule in rules:
        words = [*rule.get("dates", ()), *rule.get("weekdays", ())]
        if "yearly" in rule:
            words += ["yearly", *rule["yearly"]]
        if "range" in rule:
            words.append("..".join(rule["range"]))
        if "cron" in rule:
            words += ["cron", rule["cron"]]
        if "window" in rule:
            words.append("-".join(rule["window"]))
        lines.append(" ".join([rule.get("mode", "exclude"), *words]))
    return "\n".join(lines)


def _condition(words: list[str]) -> RuleJson:
    if words[0].lower() == "yearly":
        return {"yearly": words[1:]}
    if words[0].lower() == "cron":
        return {"cron": " ".join(words[1:])}
    if ".." in words[0]:
        return {"range": words[0].split("..")}
    if re.match(r"^\d{4}-", words[0]):
        return {"dates": words}
    condition: RuleJson = {}
    for word in words:
        if word.lower() in WEEKDAYS:
            condition.setdefault("weekdays", []).append(word.lower())
        else:
            first, last = word.split("-")
            condition["window"] = [first, last]
    return condition
