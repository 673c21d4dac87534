"""The tests of the tests: builds that are broken on purpose must be caught by the tests of what they break."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.test_architecture import ROOT

BROKEN = {
    "the digest is not checked at the run": (
        "jobs/dispatch/approval_gate.py",
        "    if digest_of(content) != asked.digest:\n        changed",
        "    if False:\n        changed",
    ),
    "the requester may decide": ("approvals/domain.py", "    if person in set(barred):", "    if False:"),
    "the quorum is counted with ==": (
        "approvals/domain.py",
        "& set(eligible)) >= required",
        "& set(eligible)) == required",
    ),
    "an edit keeps the approval": (
        "jobs/authoring/drafts.py",
        "    approval_gate.void_if_changed(job, now)\n",
        "    pass\n",
    ),
    "lost rights still count": (
        "approvals/deciders.py",
        "    return _counts(person, request, step)\n\n\ndef _counts",
        "    return True\n\n\ndef _counts",
    ),
    "a series never ends": (
        "approvals/domain.py",
        "        if not self.series:\n            return used >= 1",
        "        if self.series:\n            return False",
    ),
    "found devices are added to a frozen list": (
        "jobs/dispatch/approval_gate.py",
        '    if not content or content["selection"]["at_most"]:',
        "    if True:",
    ),
    "two runs of a job may meet": (
        "jobs/domain/overlap.py",
        "    if same and overlap is not Overlap.ALLOW:",
        "    if same and overlap is Overlap.SKIP:",
    ),
    "a tick comes early": (
        "jobs/dispatch/dispatcher.py",
        "next_run_at__lte=now)",
        "next_run_at__lte=now + timedelta(seconds=1))",
    ),
    "filters are forgotten when firing": (
        "jobs/schedule/next_times.py",
        "        if removing is not None and removing.removes(found.at):\n            removed += 1",
        "        if False:\n            removed += 1",
    ),
    "what a task says is forgotten": (
        "jobs/dispatch/approval_contents.py",
        '        "tasks": [_task(row) for row in',
        '        "tasks": [_task(row) for row in () and',
    ),
    "whoever wrote it is not asked at a bypass": (
        "approvals/services.py",
        "    without = [person.get_username() for person in others if not access.may_bypass(person, tenant)]",
        "    without: list[str] = []",
    ),
    "a change needs nobody": (
        "jobs/dispatch/admission.py",
        "    if approval_gate.is_change(job, plan):",
        "    if False:",
    ),
    "four eyes are those of the request": (
        "approvals/deciders.py",
        "    return {*request.barred, *subjects().editors([request.subject_id]).get(request.subject_id, ())}",
        "    return {*request.barred}",
    ),
    "a private request is shown": (
        "jobs/dispatch/approval_subjects.py",
        '    return rows.exclude(subject__in=hidden.values("approval_subject"))',
        "    return rows",
    ),
    "a form acts as often as it is sent": ("devices/web/once.py", "    if not key:\n", "    if True:\n"),
    "a reading template is believed": (
        "jobs/domain/planner.py",
        "    if step.kind is not StepKind.READ or not commands:",
        "    if True:",
    ),
    "a shut window uses an approval up": (
        "jobs/dispatch/admission.py",
        "    if not next_times.is_open(job.window, now):",
        "    if False:",
    ),
    "nobody looks at which box has answered": (
        "jobs/worker/device_session.py",
        "        if fresh:\n            self.journal.check()",
        "        if False:\n            self.journal.check()",
    ),
    "a key alone is a box": ("devices/domain/boxes.py", 'yield f"{seen.host_key} {name}"', "yield seen.host_key"),
    "an address is a box from everywhere": (
        "devices/domain/boxes.py",
        'ways = ways or [f"net:{route.network}", f"agent:{route.agent}"]',
        'ways = ["net:", "agent:"]',
    ),
    "a box is renamed unseen": (
        "jobs/worker/device_locks.py",
        "boxes.names_after(texts) if row.exclusive else ()",
        "()",
    ),
    "who never had a login stands before who had": (
        "jobs/worker/device_locks.py",
        "    rank = 0 if is_known else max(before, default=0) + 1\n",
        "    rank = 0\n",
    ),
    "whoever has most records comes first": (
        "jobs/worker/device_locks.py",
        "    rank = 0 if is_known else max(before, default=0) + 1\n",
        "    rank = 0 if is_known else 1\n",
    ),
    "a login is known wherever the record leads": (
        "jobs/worker/device_locks.py",
        "return found if found.endpoint == here and found.host_key == pinned else None",
        "return found",
    ),
    "a hold is taken for a device run that was lost": (
        "jobs/worker/device_locks.py",
        "            raise LeaseLost\n        taken",
        "            pass\n        taken",
    ),
    "a password of the demo opens an installation": (
        "devices/access.py",
        "    if not user.is_active or settings.DEMO:",
        "    if True:",
    ),
    "one address of a name is looked at": (
        "devices/drivers/doors.py",
        "    for one in found:",
        "    for one in found[:1]:",
    ),
    "what an address leads to is not asked": (
        "devices/domain/targets.py",
        "    for one in meant(ipaddress.ip_address(address)):",
        "    for one in [ipaddress.ip_address(address)]:",
    ),
    "the demo looks names up": ("devices/drivers/doors.py", "names=not settings.DEMO", "names=True"),
    "a private webhook needs no leave": (
        "devices/domain/targets.py",
        "        if reach.public and (",
        "        if False and (",
    ),
    "a customer is told why": (
        "devices/channels/base.py",
        '        "not trusted, or this installation does not connect there. Its log says which.",',
        '        f"{error}",',
    ),
    "a head is believed": (
        "devices/services/audit.py",
        "        return open_text(",
        "        return True or open_text(",
    ),
    "a forged head is made good": (
        "devices/services/audit.py",
        "            if pk in forged:",
        "            if False:",
    ),
    "an anchored event may be another": (
        "devices/domain/audit_trail.py",
        "        if wanted != own_hash:",
        "        if False:",
    ),
    "more may be anchored than there is": (
        "devices/domain/audit_trail.py",
        "            if number > self.count:",
        "            if False:",
    ),
    "anchors need no signature": (
        "devices/domain/audit_trail.py",
        "        if not is_signed(record, public):",
        "        if False:",
    ),
    "anchors may be cut": (
        "devices/domain/audit_trail.py",
        "        if previous and record",
        "        if False and record",
    ),
    "a forged head is anchored": (
        "devices/services/audit_anchors.py",
        "    if not audit.is_authentic(head):",
        "    if False:",
    ),
    "a changing line is sent unseen": (
        "devices/drivers/session.py",
        "        typed = (typed or changes) and shows",
        "        typed = False",
    ),
    "an answer is over at any prompt": (
        "devices/drivers/reader.py",
        "        if not answer.echoed and self.echoes:",
        "        if False:",
    ),
    "what comes late is dropped": (
        "devices/drivers/session.py",
        "        self.late += text if",
        "        return\n        self.late += text if",
    ),
    "the last answer of a step is over by itself": (
        "devices/drivers/session.py",
        "        if self._reader.input_end:\n            return",
        "        if True:\n            return",
    ),
    "a configuration without its end is whole": (
        "devices/drivers/session.py",
        "        if end and not end.search(text):",
        "        if False:",
    ),
    "an answer to a question is given again": (
        "devices/drivers/reader.py",
        "        if asked[0] in answer.asked:",
        "        if False:",
    ),
    "the exit status decides nothing": (
        "devices/drivers/session.py",
        "        if status:\n            code",
        "        if False:\n            code",
    ),
    "whoever saves is believed": (
        "devices/drivers/session.py",
        "        if self.platform.unconfirmed(line, text):",
        "        if False:",
    ),
}
#: Which tests must notice, by the beginning of the path of what is broken; the first that fits.
NOTICED_BY = {
    "approvals/": [
        "tests/approvals/test_rules.py",
        "tests/approvals/test_policies.py",
        "tests/approvals/test_roads.py",
    ],
    "jobs/dispatch/approval_": [
        "tests/approvals/test_content.py",
        "tests/approvals/test_rules.py",
        "tests/approvals/test_policies.py",
        "tests/approvals/test_roads.py",
    ],
    "jobs/dispatch/admission": ["tests/approvals/test_roads.py", "tests/approvals/test_rules.py"],
    "jobs/dispatch/dispatcher": ["tests/jobs/test_scheduling.py"],
    "jobs/schedule/": ["tests/jobs/test_scheduling.py"],
    "jobs/domain/overlap": ["tests/jobs/test_overlap.py"],
    "jobs/domain/planner": ["tests/jobs/test_reading_on_fleet.py"],
    "jobs/authoring/": ["tests/jobs/test_drafts.py", "tests/approvals/test_policies.py"],
    "jobs/worker/device_": ["tests/jobs/test_boxes_on_fleet.py"],
    "devices/domain/boxes": ["tests/devices/test_boxes.py", "tests/jobs/test_boxes_on_fleet.py"],
    "devices/domain/targets": ["tests/devices/test_doors.py"],
    "devices/domain/audit": ["tests/devices/test_audit_anchors.py"],
    "devices/services/audit": ["tests/devices/test_audit_anchors.py"],
    "devices/channels/": ["tests/devices/test_no_oracle.py"],
    "devices/drivers/doors": ["tests/devices/test_doors.py"],
    "devices/drivers/": ["tests/devices/test_session.py", "tests/devices/test_alignment.py"],
    "devices/access": ["tests/test_demo_accounts.py"],
    "devices/web/": ["tests/approvals/test_roads.py"],
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_a_broken_build_breaks_is_there(name):
    """In every quick run, so that who moves a line hears of it before the sweep does."""
    path, right, _ = BROKEN[name]
    assert (ROOT / path).read_text().count(right) == 1, f"{path} changed; mend the broken build"


@pytest.mark.broken
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_build_is_caught(name, tmp_path):
    path, right, wrong = BROKEN[name]
    copy = tmp_path / "build"
    shutil.copytree(
        ROOT,
        copy,
        ignore=shutil.ignore_patterns(
            ".git", ".venv", "var", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"
        ),
    )
    text = (copy / path).read_text()
    assert text.count(right) == 1, f"{path} changed; mend this test"
    (copy / path).write_text(text.replace(right, wrong))
    environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "BROKER_URL", "INTERLOCK_VAR")}
    words = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-m",
        "not sweep and not e2e and not broken",
        *next(tests for place, tests in NOTICED_BY.items() if path.startswith(place)),
    ]
    done = subprocess.run(words, cwd=copy, env=environment, capture_output=True, text=True)
    assert done.returncode == 1, f"Nobody noticed: {name}\n{done.stdout[-1500:]}"
    assert "error" not in done.stdout.splitlines()[-1], done.stdout[-1500:]
