"""Who owns the database cannot cut or rewrite the audit trail unnoticed; each test is an attack, with what he has."""

import io
import json
import os
import stat
import subprocess
import sys
from contextlib import contextmanager

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from config.sealed_text import seal_text
from devices.domain import audit_trail
from devices.models import AuditEvent, AuditHead
from devices.services import audit, audit_anchors, key_rotation
from tests.test_architecture import ROOT

pytestmark = pytest.mark.django_db
TABLE = AuditEvent._meta.db_table


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.AUDIT_KEY_FILE, settings.AUDIT_ANCHORS = tmp_path / "audit.key", tmp_path / "anchors.jsonl"
    return settings.AUDIT_ANCHORS


@pytest.fixture
def acme(tenant):
    """A tenant with a trail, of which all but the last two events are anchored."""
    found = tenant("acme")
    say(found, "one", "two", "three", "four")
    assert audit_anchors.anchor(now=timezone.now())[1] == []
    say(found, "five", "six")
    return found


def say(tenant, *subjects):
    for subject in subjects:
        audit.record(tenant=tenant, by=None, action="test", subject=subject)


@contextmanager
def owner_of_the_database():
    """What he does first: drop the triggers."""
    with connection.cursor() as cursor:
        for verb in ("update", "delete"):
            on = f" ON {TABLE}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER ao_{TABLE}_{verb}{on}")
        yield cursor


def events(tenant):
    return list(AuditEvent.objects.filter(tenant=tenant).order_by("pk"))


def delete(rows):
    AuditEvent.objects.filter(pk__in=[row.pk for row in rows])._raw_delete(using="default")


def chain_anew(tenant):
    """Work out the whole chain and its head anew, as anybody can who knows the code."""
    previous, count = audit_trail.NOTHING, 0
    for event in events(tenant):
        event.previous_hash = previous
        event.hash = previous = audit_trail.event_hash(audit.content_of(event))
        AuditEvent.objects.filter(pk=event.pk).update(previous_hash=event.previous_hash, hash=event.hash)
        count += 1
    AuditHead.objects.filter(tenant=tenant).update(hash=previous, count=count)


def problem(tenant, anchored=True):
    """Return what `verify_audit` says of a tenant, and check that it fails then."""
    out = io.StringIO()
    try:
        call_command("verify_audit", stdout=out)
        failed = False
    except CommandError:
        failed = True
    (line,) = [line for line in out.getvalue().splitlines() if line.startswith(f"{tenant.key}: ")]
    assert failed != line.endswith("unbroken"), out.getvalue()
    return "" if line.endswith("unbroken") else line


def test_a_trail_that_nobody_touched_is_whole(acme):
    assert problem(acme) == ""
    audit_anchors.anchor(now=timezone.now())
    assert problem(acme) == ""


def test_the_newest_rows_are_deleted(acme):
    with owner_of_the_database():
        delete(events(acme)[-1:])
    assert "newest audit events are missing" in problem(acme)


def test_rows_in_the_middle_are_deleted(acme):
    with owner_of_the_database():
        delete(events(acme)[3:4])
    assert "was changed, or one before it is missing" in problem(acme)


def test_a_row_is_edited(acme):
    with owner_of_the_database():
        AuditEvent.objects.filter(pk=events(acme)[2].pk).update(subject="else")
    assert "was changed, or one before it is missing" in problem(acme)


@pytest.mark.parametrize("column", ["tenant_id", "at", "actor_name", "action", "subject", "details", "hash"])
def test_each_column_of_a_row_counts(column, acme, tenant):
    others = {"at": timezone.now(), "details": {"x": 1}, "tenant_id": tenant("globex").pk, "hash": "1" * 64}
    new = others.get(column, "else")
    with owner_of_the_database() as cursor:
        if column == "tenant_id":
            on = f" ON {TABLE}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER tn_{TABLE}_pin{on}")
        AuditEvent.objects.filter(pk=events(acme)[2].pk).update(**{column: new})
    assert problem(acme)


@pytest.mark.parametrize("gone", [1, 2, 3, "all"])
def test_rows_are_deleted_and_the_head_is_put_back(gone, acme):
    """Without the key ring he cannot seal a head, whether the rows were anchored or not."""
    with owner_of_the_database():
        delete(events(acme) if gone == "all" else events(acme)[-gone:])
        chain_anew(acme)
    assert "was not written by this installation" in problem(acme)


@pytest.mark.parametrize(
    "row,said", [(2, "is not the one that was anchored"), (-2, "was not written by this installation")]
)
def test_a_row_is_edited_and_the_whole_chain_worked_out_anew(row, said, acme):
    with owner_of_the_database():
        AuditEvent.objects.filter(pk=events(acme)[row].pk).update(subject="else")
        chain_anew(acme)
    assert said in problem(acme)


@pytest.mark.parametrize("to", ["", "v2.0000000000000000.AAAA", "nonsense", "other"])
def test_whatever_he_puts_in_the_place_of_the_sealed_head(to, acme, tenant):
    if to == "other":
        to = AuditHead.objects.get(tenant=tenant("globex")).head_sealed
    AuditHead.objects.filter(tenant=acme).update(head_sealed=to)
    assert "was not written by this installation" in problem(acme)


def test_a_forged_head_is_not_made_good_by_what_is_written_after_it(acme):
    with owner_of_the_database():
        delete(events(acme)[-2:])
        chain_anew(acme)
    say(acme, "after")
    assert "was not written by this installation" in problem(acme)
    _, wrong = audit_anchors.anchor(now=timezone.now())
    assert wrong == ["acme: The stored head was not written by this installation."]


def old(tenant):
    """What he has kept of the table of heads: a head that was sealed once."""
    return AuditHead.objects.filter(tenant=tenant).values("hash", "count", "head_sealed").get()


def test_an_older_head_is_put_back_with_the_rows_after_it_deleted_or_an_old_database_is_restored(tenant):
    """All is as it was once; what was anchored since then is not."""
    acme = tenant("acme")
    say(acme, "one")
    head, count = old(acme), len(events(acme))
    say(acme, "two", "three")
    audit_anchors.anchor(now=timezone.now())
    with owner_of_the_database():
        delete(events(acme)[count:])
        AuditHead.objects.filter(tenant=acme).update(**head)
    assert f"{count} are left, and on" in problem(acme)
    assert audit_anchors.anchor(now=timezone.now())[1] == [f"acme: It had {count + 2} events, and has {count}."]
    say(acme, "two", "three")
    assert "is not the one that was anchored" in problem(acme), "nor are as many others in their place"
    say(acme, "four")
    assert "event number" in audit_anchors.anchor(now=timezone.now())[1][0]


def test_what_is_not_found_a_cut_to_a_head_that_he_kept_and_nobody_anchored_since(tenant):
    """Written down in the threat model: at most what happened since the last anchor, by who had read the head then."""
    acme = tenant("acme")
    head, count = old(acme), len(events(acme))
    say(acme, "two")
    with owner_of_the_database():
        delete(events(acme)[count:])
        AuditHead.objects.filter(tenant=acme).update(**head)
    assert problem(acme) == ""


def test_a_tenant_is_gone_with_its_trail(acme, files):
    anchors = audit_anchors.known()
    anchors[999_999] = {3: ("0" * 64, "2026-01-01")}
    assert ("tenant 999999", 0, "It has anchors, and is not there any more.") in audit.verify_all(anchors)


def last_time(files):
    return json.loads(files.read_text().splitlines()[-1])["at"]


class TestFile:
    def test_it_is_only_appended_to_and_nobody_elses(self, acme, files):
        before = files.read_text()
        assert stat.S_IMODE(files.stat().st_mode) == 0o600
        assert stat.S_IMODE(django_settings.AUDIT_KEY_FILE.stat().st_mode) == 0o600
        assert audit_anchors.anchor(now=timezone.now())[0] == 1, "one trail has grown"
        assert audit_anchors.anchor(now=timezone.now())[0] == 0
        assert files.read_text().startswith(before)

    @pytest.mark.parametrize("attack", ["edit", "drop first", "drop middle", "swap", "unsign", "resign", "repeat"])
    def test_who_edits_it_is_found(self, attack, acme, tenant, files):
        say(tenant("globex"), "x")
        audit_anchors.anchor(now=timezone.now())
        lines = files.read_text().splitlines()
        changed = {
            "edit": [lines[0].replace('"count":', '"count":1'), *lines[1:]],
            "drop first": lines[1:],
            "drop middle": [lines[0], *lines[2:]],
            "swap": [lines[1], lines[0], *lines[2:]],
            "unsign": [json.dumps({k: v for k, v in json.loads(lines[0]).items() if k != "signature"}), *lines[1:]],
            "resign": [json.dumps({**json.loads(lines[0]), "signature": "00" * 64}), *lines[1:]],
            "repeat": [*lines, lines[-1]],
        }[attack]
        files.write_text("\n".join(changed) + "\n")
        with pytest.raises(CommandError, match="broken"):
            call_command("verify_audit", stdout=io.StringIO())

    def test_another_key_makes_no_anchors(self, acme, files):
        django_settings.AUDIT_KEY_FILE.unlink()
        with pytest.raises(CommandError, match="broken"):
            call_command("verify_audit", stdout=io.StringIO())
        with pytest.raises(CommandError, match="not signed with this key"):
            call_command("anchor_audit", stdout=io.StringIO())

    def test_where_there_is_none_that_is_said(self, acme, files):
        files.unlink()
        out = io.StringIO()
        call_command("verify_audit", stdout=out)
        assert "There are no anchors" in out.getvalue()

    def test_a_copy_in_a_log_serves_as_well(self, acme, files, tmp_path):
        """Whoever cuts our file does not cut the log of another host."""
        log = tmp_path / "authpriv.log"
        log.write_text("".join(f"Nov 27 10:00:00 host interlock: {line}\n" for line in files.read_text().splitlines()))
        with owner_of_the_database():
            delete(events(acme)[-1:])
        files.write_text("")
        with pytest.raises(CommandError, match="1 audit trails are broken"):
            call_command("verify_audit", anchors=log, stdout=io.StringIO())

    def test_our_own_log_serves_as_well(self, acme, files, tmp_path, log_lines):
        say(acme, "seven")
        audit_anchors.anchor(now=timezone.now())
        log = tmp_path / "server.log"
        log.write_text("starting {\n" + "".join(json.dumps(line) + "\n" for line in log_lines))
        assert audit_anchors.known(log)[acme.pk] == {len(events(acme)): (events(acme)[-1].hash, last_time(files))}

    def test_a_line_that_was_torn_by_a_kill_spoils_nothing(self, acme, files):
        whole = files.read_text()
        files.write_text(whole + whole.splitlines()[-1][:40])
        assert audit_anchors.anchor(now=timezone.now())[0] == 1
        assert len(audit_anchors.known()[acme.pk]) == 2 and problem(acme) == ""

    @pytest.mark.parametrize("spoilt", ["", "{", "[" * 100_000, '{"kind":"anchor"}', "null"])
    def test_a_line_that_was_spoilt_is_missed_by_the_one_after_it(self, spoilt, acme, tenant, files):
        lines = files.read_text().splitlines()
        files.write_text("\n".join([lines[0], spoilt, *lines[2:]]) + "\n")
        with pytest.raises(audit_trail.Broken):
            audit_anchors.known()

    def test_syslog_and_the_log_are_told(self, acme, settings, monkeypatch, log_lines):
        said = []
        settings.AUDIT_SYSLOG = True
        monkeypatch.setattr("syslog.syslog", lambda level, text: said.append(text))
        audit_anchors.anchor(now=timezone.now())
        told = [line["anchor"] for line in log_lines if line["action"] == "audit.anchored"]
        assert said == told == settings.AUDIT_ANCHORS.read_text().splitlines()[-1:]

    def test_who_restored_a_backup_says_so_and_goes_on(self, tenant):
        acme = tenant("acme")
        say(acme, "one")
        head, count = old(acme), len(events(acme))
        say(acme, "two", "three")
        audit_anchors.anchor(now=timezone.now())
        with owner_of_the_database():
            delete(events(acme)[count:])
            AuditHead.objects.filter(tenant=acme).update(**head)
        assert problem(acme)
        call_command("anchor_audit", restored="Disk failure, backup of Sunday", stdout=io.StringIO())
        assert problem(acme) == ""
        last = events(acme)[-1]
        assert (last.action, last.details["reason"]) == ("audit.restored", "Disk failure, backup of Sunday")
        say(acme, "four")
        audit_anchors.anchor(now=timezone.now())
        assert problem(acme) == ""


def test_a_change_of_keys_seals_heads_anew_and_no_key_is_dropped_that_a_head_needs(acme, settings, tmp_path):
    columns = {str(column) for column in key_rotation.columns()}
    assert "devices.AuditHead.head_sealed" in columns
    before = AuditHead.objects.get(tenant=acme).head_sealed
    row = AuditHead.objects.get(tenant=acme)
    column = next(c for c in key_rotation.columns() if str(c) == "devices.AuditHead.head_sealed")
    renewed = column.renewed(row)
    AuditHead.objects.filter(tenant=acme).update(head_sealed=renewed)
    assert renewed != before and problem(acme) == ""
    assert audit.is_authentic(AuditHead.objects.get(tenant=acme))
    forged = seal_text(f"{row.count} {row.hash}", f"{acme.pk}|elsewhere|head")
    AuditHead.objects.filter(tenant=acme).update(head_sealed=forged)
    assert problem(acme)


def exported(tmp_path, **options):
    path = tmp_path / "trail.jsonl"
    call_command("export_audit", str(path), stdout=io.StringIO(), **options)
    return path


def check(path, *words):
    """Run the offline verifier as others do: without Django and without our settings."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "devices.domain.audit_trail", str(path), *words]
    done = subprocess.run(words, cwd=path.parent, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


class TestExport:
    def test_others_check_it_without_us(self, acme, tmp_path, files):
        path = exported(tmp_path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        code, said = check(path, "--key", audit_anchors.public_key(), "--anchors", str(files))
        assert code == 0 and f"acme: {len(events(acme))} events, unbroken" in said, said
        assert "compared with nothing" in check(path)[1]
        assert check(path, "--key", "00" * 32)[0] == 1
        assert check(tmp_path / "nothing.jsonl")[0] == 2

    def test_it_needs_no_django(self):
        code = (
            "import sys, devices.domain.audit_trail; sys.exit(any(name.startswith('django') for name in sys.modules))"
        )
        assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0

    def test_a_trail_that_is_not_whole_is_not_signed(self, acme, tmp_path):
        with owner_of_the_database():
            delete(events(acme)[-1:])
        with pytest.raises(CommandError, match="not whole"):
            exported(tmp_path)

    def test_one_tenant_alone(self, acme, tmp_path):
        path = exported(tmp_path, tenant=["acme"])
        _, said = audit_trail.read_trail(path.read_text().splitlines())
        assert len(said) == 1
        with pytest.raises(CommandError, match="There is no tenant nobody"):
            exported(tmp_path, tenant=["nobody"])

    def test_an_export_that_was_cut_together_with_its_database_is_found_by_the_anchors(self, acme, tmp_path, files):
        head, count = old(acme), len(events(acme))
        say(acme, "late")
        audit_anchors.anchor(now=timezone.now())
        with owner_of_the_database():
            delete(events(acme)[count:])
            AuditHead.objects.filter(tenant=acme).update(**head)
        path = exported(tmp_path)
        assert check(path)[0] == 0
        code, said = check(path, "--anchors", str(files))
        assert code == 1 and "newest audit events are missing" in said

    def test_whatever_one_line_says_instead_is_found(self, acme, tmp_path):
        """Each line: changed in each of its fields, dropped, repeated, moved; and the file cut at each line."""
        lines = exported(tmp_path, tenant=["acme"]).read_text().splitlines()
        public = audit_anchors.public_key()
        audit_trail.read_trail(lines, public)
        tried = 0
        for number, line in enumerate(lines):
            record = json.loads(line)
            others = [[*lines[:number], *lines[number + 1 :]], [*lines[: number + 1], *lines[number:]], lines[:number]]
            for name, value in record.items():
                new = {**record, name: value + 1 if isinstance(value, int) else f"{value}x"}
                gone = {key: one for key, one in record.items() if key != name}
                others += [[*lines[:number], json.dumps(one), *lines[number + 1 :]] for one in (new, gone)]
            more = json.dumps({**record, "more": 1})
            others += [[*lines[:number], more, *lines[number + 1 :]]]
            if number > 0:
                others += [[*lines[: number - 1], lines[number], lines[number - 1], *lines[number + 1 :]]]
            for other in others:
                tried += 1
                with pytest.raises((audit_trail.Broken, KeyError, ValueError)):
                    audit_trail.read_trail(other, public)
        assert tried > 150

    def test_two_exports_make_no_third(self, acme, tenant, tmp_path):
        """A tenant's older trail in the newer export, or one tenant twice and another not at all."""
        say(tenant("globex"), "x")
        first = exported(tmp_path, tenant=["acme", "globex"]).read_text().splitlines()
        say(acme, "late")
        second = exported(tmp_path, tenant=["acme", "globex"]).read_text().splitlines()
        end = [n for n, line in enumerate(first) if '"kind":"head"' in line]
        mine = first[1 : end[0] + 1]
        theirs = first[end[0] + 1 : end[1] + 1]
        end = [n for n, line in enumerate(second) if '"kind":"head"' in line]
        for body in ([*mine, *second[end[0] + 1 : end[1] + 1]], [*mine, *mine], [*theirs, *mine], mine):
            with pytest.raises(audit_trail.Broken):
                audit_trail.read_trail([second[0], *body, second[-1]])

    @pytest.mark.parametrize("text", ["", "{}", "[]", "null", "x", '{"kind":"trail","format":2}', "[" * 100_000])
    def test_what_is_no_trail(self, text):
        with pytest.raises(audit_trail.Broken):
            audit_trail.read_trail([text])
