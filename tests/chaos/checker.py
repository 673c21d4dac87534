"""The independent judge: the fleet's own log against the database, read with plain SQL."""

import json
import re
from collections import Counter, defaultdict

from django.db import connection

from devices.simulator.state import DeviceSpec

MARK = re.compile(r"\b(mark\d+)-(\d)$")
OPEN = ("queued", "waiting", "running")
#: Seconds that a line may be on its way to a busy fleet.
SLACK = 0.3


def rows(statement, *values):
    """Run SQL; return dictionaries."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def executed(path):
    """Return what the fleet executed: (mark, number) → list of (when it came in, device), and per device the marks
    in order."""
    found, order = defaultdict(list), defaultdict(list)
    for line in path.read_text().splitlines():
        row = json.loads(line)
        hit = MARK.search(row.get("command", ""))
        if hit:
            found[hit[1], int(hit[2])].append((row["received"], row["device"]))
            order[row["device"]].append(hit[1])
    return found, order


def device_runs():
    """Return every device run of the marked jobs with its run and trigger."""
    return rows("""
        SELECT d.id, d.status, d.reason, d.intended, d.confirmed, d.plan_data, d.message, d.lease_expires_at,
               d.endpoint, EXTRACT(epoch FROM d.ended_at) AS ended, j.variables ->> 'mark' AS mark,
               r.id AS run, r.status AS run_status,
               EXTRACT(epoch FROM r.scheduled_for) AS due, EXTRACT(epoch FROM r.created_at) AS made,
               EXTRACT(epoch FROM GREATEST(r.cancel_requested_at, d.cancel_requested_at)) AS cancelled
        FROM jobs_devicerun d JOIN jobs_jobrun r ON r.id = d.run_id JOIN jobs_servicejob j ON j.id = r.job_id
        WHERE j.name LIKE 'Chaos %%'""")


def refused(path):
    """Return how many passwords each device of the fleet refused: address → count."""
    rows = map(json.loads, path.read_text().splitlines())
    return Counter(row["device"] for row in rows if row.get("accepted") is False)


def check(path, promised=(), decided=(), posted=()):
    """Return (counts, violations): what was looked at, and each broken invariant in words.

    `promised` are runs (ids) and `decided` approval requests (ids) of which the web said that they are made and
    approved; `posted` is what the webhook was given.
    """
    found, order = executed(path)
    wrong, statuses = [], defaultdict(int)
    for row in device_runs():
        statuses[row["status"]] += 1
        wrong += _of_device_run(row, found)
    wrong += [f"I-1 {mark}-{n} was executed {len(at)} times" for (mark, n), at in found.items() if len(at) > 1]
    wrong += _interleavings(order)
    wrong += _schedule()
    wrong += [
        f"I-17 {row['key']} is still held"
        for row in rows("SELECT key FROM jobs_devicelock WHERE quarantined_at IS NULL")
    ]
    wrong += [
        f"I-12 run {pk} was promised and is not there"
        for pk in set(promised) - {row["id"] for row in rows("SELECT id FROM jobs_jobrun")}
    ]
    wrong += [*_decisions(decided), *_messages(posted)]
    logins = refused(path)
    wrong += [*_logins(logins), *_audit(), *_rights(), *_secrets(path.parent), *_tenants(), *_counts()]
    commands, logins = sum(map(len, found.values())), sum(logins.values())
    counts = {"commands": commands, "refused logins": logins, "device runs": sum(statuses.values())}
    return {**counts, **dict(statuses)}, wrong


def _of_device_run(row, found):
    plan = json.loads(row["plan_data"]) if isinstance(row["plan_data"], str) else row["plan_data"]
    commands = [command for step in plan["steps"] for command in step["commands"]]
    marked = [(n, MARK.search(command)) for n, command in enumerate(commands, 1)]
    name = f"{row['mark']} (device run {row['id']}, {row['status']})"
    for position, hit in marked:
        if not hit:
            continue
        times = found.get((hit[1], int(hit[2])), [])
        if position <= row["confirmed"] and not times:
            yield f"I-2 {name}: command {position} is confirmed and was never executed"
        if times and position > row["intended"] and row["status"] not in OPEN:
            yield f"I-2 {name}: command {position} was executed without an intent (intended {row['intended']})"
        if row["status"] == "succeeded" and not times:
            yield f"I-3 {name}: it succeeded without command {position}"
        if row["ended"] and any(at > float(row["ended"]) + SLACK for at, _ in times):
            late = times[-1][0] - float(row["ended"])
            yield f"I-5 {name}: command {position} was executed {late:.3f} s after its end"
        if row["cancelled"] and any(at > float(row["cancelled"]) + 1 for at, _ in times):
            yield f"I-18 {name}: command {position} was executed more than 1 s after the cancel"
    if row["intended"] - row["confirmed"] > 1 and row["status"] not in ("cancelled", "queued"):
        first = next((n for n, hit in marked if hit), 0)
        if row["confirmed"] >= first - 1:
            yield f"I-2 {name}: {row['confirmed']} confirmed, {row['intended']} intended"
    if row["status"] in OPEN or row["run_status"] in OPEN:
        yield f"I-6 {name}: still open (run {row['run']} is {row['run_status']})"


def _interleavings(order):
    for device, marks in order.items():
        done, last = set(), None
        for mark in marks:
            if mark != last and mark in done:
                yield f"I-4 {device}: {mark} came again after another run's command"
            done.add(mark)
            last = mark


def _schedule():
    triggers = rows("""
        SELECT t.id, t.next_run_at, count(r.id) AS runs, min(r.created_at - r.scheduled_for) < interval '0' AS early
        FROM jobs_trigger t LEFT JOIN jobs_jobrun r ON r.trigger_id = t.id WHERE t.name = 'chaos' GROUP BY t.id""")
    for row in triggers:
        if row["early"]:
            yield f"I-8 trigger {row['id']} fired early"
        if row["runs"] != 1:
            yield f"I-8 trigger {row['id']} has {row['runs']} runs"


def _decisions(decided):
    """I-11: what the web took as a decision is in the log of the request, once."""
    votes = rows(
        "SELECT request_id FROM approvals_approvalevent WHERE action = 'approved' GROUP BY 1 HAVING count(*) = 1"
    )
    lost = set(decided) - {row["request_id"] for row in votes}
    yield from (f"I-11 the approval of request {pk} was promised and is not there" for pk in sorted(lost))


def _logins(refusals):
    """I-19: a device that refuses a password has seen it at most once in each device run."""
    begun = {
        row["host"]: row["n"]
        for row in rows("""SELECT split_part(endpoint, ':', 1) AS host, count(*) AS n FROM jobs_devicerun
            WHERE token > 0 GROUP BY 1""")
    }
    for device, n in refusals.items():
        if n > begun.get(device, 0):
            yield f"I-19 {device} refused {n} passwords in {begun.get(device, 0)} device runs"


def _messages(posted):
    """I-14: one message for each event, of each run that ended; what is marked as sent has come."""
    came = {message["id"] for message in posted}
    sent = rows("SELECT key FROM devices_outboxmessage WHERE channel = 'webhook' AND status = 'sent'")
    yield from (f"I-14 {row['key']} is marked as sent and never came" for row in sent if row["key"] not in came)
    for row in rows(
        "SELECT key, channel, target, count(*) AS n FROM devices_outboxmessage GROUP BY 1, 2, 3 HAVING count(*) > 1"
    ):
        yield f"I-14 {row['key']} is {row['n']} times in the outbox"
    ended = rows(
        "SELECT id FROM jobs_jobrun r WHERE ended_at IS NOT NULL AND status <> 'skipped' "
        "AND planned_at IS NOT NULL AND trigger_id IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM devices_outboxmessage m WHERE m.key = 'run:' || r.id || ':completed')"
    )
    yield from (f"I-14 nobody was told of the end of run {row['id']}" for row in ended)


def _audit():
    from devices.services import audit

    yield from (f"I-13 {name}: {problem}" for name, _, problem in audit.verify_all() if problem)


def _rights():
    """I-10: what changed a device ran by an approval that it alone used, or by a right that is noted."""
    changing = """SELECT r.id, r.approval_id, r.bypass,
            (SELECT count(*) FROM jobs_jobrun o WHERE o.approval_id = r.approval_id) AS uses,
            (SELECT a.series FROM approvals_approvalrequest a WHERE a.id = r.approval_id) AS series
        FROM jobs_jobrun r WHERE EXISTS (SELECT 1 FROM jobs_devicerun d WHERE d.run_id = r.id AND d.intended > 0
            AND (d.plan_data::text LIKE '%%"kind": "config"%%' OR d.plan_data::text LIKE '%%"kind": "exec"%%'))"""
    for row in rows(changing):
        if not (row["approval_id"] or row["bypass"]):
            yield f"I-10 run {row['id']} changed devices by no right"
        if row["approval_id"] and row["uses"] > 1 and not row["series"]:
            yield f"I-10 the approval of run {row['id']} was used {row['uses']} times"


def _secrets(folder):
    """I-15: the devices' passwords stand in no table and in no log."""
    spec = DeviceSpec("", "", "")
    tables = [
        row["name"]
        for row in rows("SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'")
    ]
    for secret in (spec.password, spec.enable):
        for table in tables:
            statement = f'SELECT count(*) AS n FROM "{table}" t WHERE t::text LIKE %s'  # noqa: S608
            found = rows(statement, f"%{secret}%")[0]["n"]
            if found:
                yield f"I-15 '{secret}' stands in {found} rows of {table}"
        for log in folder.rglob("*.log"):
            if secret in log.read_text(errors="replace"):
                yield f"I-15 '{secret}' stands in {log.name}"


def _tenants():
    """I-16: no row refers to a row of another tenant, or outside its own branch where that is allowed."""
    from devices.models import integrity

    for app in ("devices", "templates_app", "approvals", "jobs"):
        for rule in integrity.rules(app):
            if not rule.column:
                continue
            meant = integrity.CONDITIONS[rule.scope].replace("NEW.", "n.")
            found = rows(
                f'SELECT count(*) AS n FROM "{rule.table}" n JOIN "{rule.target}" r '  # noqa: S608
                f'ON r."{rule.target_key}" = n."{rule.column}" WHERE NOT ({meant})'
            )[0]["n"]
            if found:
                yield f"I-16 {found} rows of {rule.table} refer to another tenant by {rule.column}"


def _counts():
    """I-20: a run counts the devices that it has."""
    wrong = rows("""SELECT r.id, r.device_count, count(d.id) AS n
        FROM jobs_jobrun r LEFT JOIN jobs_devicerun d ON d.run_id = r.id
        WHERE r.planned_at IS NOT NULL GROUP BY r.id HAVING r.device_count <> count(d.id)""")
    yield from (f"I-20 run {row['id']} counts {row['device_count']} devices and has {row['n']}" for row in wrong)
