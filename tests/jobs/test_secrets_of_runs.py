"""A secret that a device says again: it stands nowhere in the database, and on no face, now or in any later run."""

import base64
import contextlib
import json
import zlib

import pytest
from django.apps import apps
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from devices.channels.email import EMAIL
from devices.domain.secrets import Secret
from devices.models import ConfigSnapshot, OutboxMessage
from devices.services import channels
from jobs.results.transcripts import follow
from templates_app.domain.content import RuntimeVariable, StepKind, TemplateContent, TemplateStep, VariableType
from templates_app.services import authoring
from tests import make

pytestmark = pytest.mark.django_db
CANARY = "correct-Horse-7"


@pytest.fixture
def acme(tmp_path, tenant, wakeups):
    with make.fleet(tmp_path, "acme"):
        yield tenant("acme")


def template_with_secret(tenant, kind, commands, name="With a secret"):
    content = TemplateContent(
        (TemplateStep(name="Say", kind=StepKind(kind), commands=commands),),
        (RuntimeVariable(name="phrase", type=VariableType.SECRET),),
    )
    return authoring.save_template(by=None, tenant=tenant, name=name, description="", status="ready", content=content)


@pytest.fixture
def told(acme, person):
    """Two runs that had the secret (a device echoes it, a configuration has it), and two of others that read it."""
    linux, ios = make.devices(acme, "linux", "cisco_ios")
    by, secret = person("acme-admin"), {"phrase": Secret(CANARY)}
    said = template_with_secret(acme, "exec", {"linux": "echo {{ phrase }}"})
    kept = template_with_secret(acme, "config", {"cisco_ios": "snmp-server location {{ phrase }}"}, name="Kept")
    reading = make.new_template(acme, {"cisco_ios": "show running-config"}, name="Reads")
    mail = {"host": "127.0.0.1", "port": 25, "security": "none", "sender": "interlock@acme.example"}
    channels.save_channel(by=by, tenant=acme, channel=EMAIL, secrets={"password": None}, **mail)
    runs = [
        make.job(by, said, [linux], snapshots=False, secret_variables=secret)[1],
        make.job(by, kept, [ios], snapshots=True, secret_variables=secret, notify_users=(by.pk,))[1],
    ]
    runs = [make.finish(run) for run in runs]
    later = make.finish(make.job(person("acme-operator"), reading, [ios], snapshots=True)[1])
    assert {run.status for run in (*runs, later)} == {"succeeded"}
    return [*runs, later]


def forms_of(secret):
    """The secret itself and what anybody can turn back into it."""
    return [secret.encode(), base64.b64encode(secret.encode())]


def unpacked(value):
    """Yield the bytes of a stored value, and those that it unpacks to."""
    data = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
    yield data
    with contextlib.suppress(zlib.error):
        yield zlib.decompress(data)


def stored():
    """Yield (table.column, bytes) of every value in the database, as the database has it."""
    for model in apps.get_models(include_auto_created=True):
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    for data in unpacked(value):
                        yield f"{model._meta.db_table}.{name}", data


def test_the_database_holds_no_plain_value_of_a_secret_that_a_device_said(told):
    assert {place for place, data in stored() for form in forms_of(CANARY) if form in data} == set()
    if connection.vendor == "sqlite":
        data = connection.connection.serialize()
        assert b"snmp-server location" in data and CANARY.encode() not in data


def pages(told):
    """Every address that shows output or configurations of the runs."""
    devices = {row.device_id for run in told for row in run.device_runs.all()}
    urls = []
    for run in told:
        urls.append(reverse("run", args=[run.pk]))
        for row in run.device_runs.all():
            urls += [reverse("device-run", args=[run.pk, row.pk]), reverse("device-run-raw", args=[run.pk, row.pk])]
            urls.append(reverse("device-run", args=[run.pk, row.pk]) + "?view=side")
            urls += [reverse(f"api:device-run-{name}", args=[row.pk]) for name in ("detail", "diff", "output")]
    for device in devices:
        found = list(ConfigSnapshot.objects.filter(device=device).order_by("pk").values_list("pk", flat=True))
        urls.append(reverse("device", args=[device]))
        urls += [reverse("api:snapshot-detail", args=[pk]) for pk in found]
        for old in found:
            for view in ("one", "side"):
                urls.append(reverse("device", args=[device]) + f"?a={old}&b={found[-1]}&view={view}")
            urls.append(reverse("api:snapshot-diff", args=[old]) + f"?other={found[-1]}")
    return urls


@pytest.mark.parametrize("name", ["acme-admin", "acme-viewer", "msp-admin"])
def test_no_page_and_no_answer_shows_it(told, browser, name):
    client, shown = browser(name), {}
    for url in pages(told):
        response = client.get(url)
        assert response.status_code == 200, url
        shown[url] = (response.getvalue() if response.streaming else response.content).decode()
    found = [url for url, text in shown.items() if CANARY in text]
    assert not found, found
    assert any("***" in text for text in shown.values())


def test_what_is_sent_does_not_say_it(told):
    assert CANARY not in str(list(OutboxMessage.objects.values()))
    assert OutboxMessage.objects.filter(details__contains="***").exists()
    for run in told:
        for row in run.device_runs.all():
            assert CANARY not in b"".join(follow(row, seconds=0)).decode()


def test_another_value_of_the_variable_does_not_uncover_the_former_one(told, person, browser):
    from dataclasses import replace

    from jobs.authoring import drafts
    from jobs.plan.job_mapping import spec_of

    job = told[1].job
    spec = replace(spec_of(job), secret_variables={"phrase": Secret("another-value-8")})
    drafts.change_job(by=person("acme-admin"), job=job, spec=spec)
    test_no_page_and_no_answer_shows_it(told, browser, "acme-admin")


def test_a_changed_secret_still_shows_as_a_change(told, browser):
    row = told[1].device_runs.get()
    body = json.loads(browser("acme-admin").get(reverse("api:device-run-diff", args=[row.pk])).content)
    assert "+snmp-server location ***" in body["unified"]


def test_a_sentence_that_quotes_a_device_has_no_secret_of_its_tenant(acme, person, told):
    """Not even that of another job, and not a part of it where the quotation is cut."""
    from jobs.domain.states import RunStatus
    from jobs.domain.step_runner import DeviceResult
    from jobs.worker import claims, executor
    from jobs.worker.journal import Journal

    device = make.devices(acme, "linux")[0]
    _, run = make.job(person("acme-operator"), make.template(acme), [device])
    (item,) = claims.claim(worker=make.worker(), now=timezone.now(), limit=1, only=run.pk)
    journal = Journal(item.device_run)
    step = item.plan.steps[0]
    journal.step_started(step)
    journal.step_ended(step, RunStatus.FAILED, f"It said '{CANARY}' and '{CANARY[:9]}")
    result = DeviceResult(RunStatus.FAILED, "session_lost", f"Last text: 'banner {CANARY}'")
    executor.store([executor.DeviceOutcome(journal, result)])
    row = run.device_runs.get()
    assert row.message == "Last text: 'banner ***'" and row.steps.get().message == "It said '***' and '***"


def test_live_output_shows_no_beginning_of_a_secret(acme, person, monkeypatch):
    from jobs.worker import claims, journal
    from jobs.worker.journal import Journal

    device = make.devices(acme, "linux")[0]
    _, run = make.job(person("acme-operator"), make.template(acme), [device])
    (item,) = claims.claim(worker=make.worker(), now=timezone.now(), limit=1, only=run.pk)
    monkeypatch.setattr(journal, "FLUSH_AFTER", 0)
    watched, step = Journal(item.device_run, item.plan.commands), item.plan.steps[0]
    watched.secrets = (CANARY,)
    watched.step_started(step)
    for length in range(1, len(CANARY) + 1):
        watched.arriving(step, 0, f"banner {CANARY[:length]}")
        ((_, shown, _),) = make.shown(run.device_runs.get().steps.get()).exchanges
        assert shown == ("banner ***" if length == len(CANARY) else "banner ")


@pytest.mark.parametrize("value", ["12", "cisco", "enable"])
def test_a_short_or_common_secret_is_hidden_within_what_it_was_sent_with(acme, person, value):
    linux = make.devices(acme, "linux")[0]
    said = template_with_secret(acme, "exec", {"linux": "echo the pin is {{ phrase }} now 12 cisco enable"})
    secret = {"phrase": Secret(value)}
    _, run = make.job(person("acme-admin"), said, [linux], snapshots=False, secret_variables=secret)
    step = make.shown(make.finish(run).device_runs.get().steps.get())
    assert "the pin is *** now 12 cisco enable" in step.output, "other words that are the same stay readable"


@pytest.mark.parametrize("value", ["x\nreload", "x\r\nreload", "x\x00y", "x\x1b[2J", "x\u2028y", "x\u202ey"])
def test_no_line_comes_from_a_secret(acme, person, value):
    """Who approves sees a mark in its place: behind it must not stand a command."""
    from config.errors import Invalid

    said = template_with_secret(acme, "exec", {"linux": "echo {{ phrase }}"})
    with pytest.raises(Invalid) as refused:
        make.job(
            person("acme-admin"), said, make.devices(acme, "linux")[:1], secret_variables={"phrase": Secret(value)}
        )
    assert "variables.phrase" in refused.value.fields


def test_a_secret_has_no_value_in_plain_in_a_template_or_profile(acme):
    from config.errors import Invalid
    from templates_app.domain.variables import resolve

    variable = RuntimeVariable(name="phrase", type=VariableType.SECRET, default="in plain", required=True)
    content = TemplateContent(
        (TemplateStep(name="Say", kind=StepKind.EXEC, commands={"linux": "echo {{ phrase }}"}),), (variable,)
    )
    with pytest.raises(Invalid) as refused:
        authoring.save_template(by=None, tenant=acme, name="D", description="", status="ready", content=content)
    assert "variables.0.default" in refused.value.fields
    values, problems = resolve((variable,), {"phrase": "of a profile"}, {})
    assert "phrase" in problems and not values.get("phrase")


@pytest.mark.parametrize("field", ["username", "password", "enable_password"])
def test_no_line_comes_from_an_account(acme, person, field):
    """What follows a line break would be typed into the session, approved by nobody."""
    from config.errors import Invalid
    from jobs.domain.spec import Account

    linux = make.devices(acme, "linux")[:1]
    account = Account(**{"username": "u", field: "x\nreload" if field == "username" else Secret("x\nreload")})
    with pytest.raises(Invalid) as refused:
        make.job(person("acme-operator"), make.template(acme), linux, account=account)
    assert field in refused.value.fields


def test_another_customer_hides_nothing_of_this_one(acme, tenant, person, told):
    """What one customer calls a secret is no secret of another: output stays readable, and tells him nothing."""
    from devices.services import vault
    from devices.services.masking import masker_of_tenant

    vault.know(Secret("transport input"), tenant_id=tenant("globex").pk)
    vault.know(Secret("secret-of-the-msp"), tenant_id=acme.parent_id or acme.pk)
    shown = masker_of_tenant(acme.pk).hide_all(f"transport input secret-of-the-msp {CANARY}")
    assert shown == "transport input *** ***"
    step = told[2].device_runs.get().steps.order_by("position").first()
    assert "transport input ssh" in make.shown(step).output
