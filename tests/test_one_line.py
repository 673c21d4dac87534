"""One line is one line, in every text that becomes a command line or a name, through every face."""

import json
import re
import unicodedata
from dataclasses import fields, replace
from functools import partial

import pytest
from django.apps import apps
from django.db import models
from django.db.models.fields.related import ForeignKey

from config.errors import Invalid
from config.one_line import HIDDEN, flaw, visible
from devices.domain.secrets import Secret
from devices.models import Device, Network
from devices.models.texts import OneLine
from devices.services import inventory, tenants
from devices.services.device_csv import import_devices
from jobs.domain.plan import PlannedStep
from jobs.domain.spec import Account, JobSpec, TaskSpec, TriggerKind, TriggerSpec
from templates_app.domain.content import RuntimeVariable, StepKind, TemplateContent, TemplateStep, VariableType
from templates_app.domain.scripts import Parameter
from templates_app.services import authoring, library
from tests import make
from tests.ways.servers import a_key

#: One of each class.
SIGNS = "\n\r\t\v\f\0\x1b\x7f\x85\xad\u061c\u200b\u200d\u200e\u2028\u2029\u202e\u2060\u2066\u3164\ufe0f\ufeff\U000e0041"
#: Text columns that are free text, written by the product itself, a choice, a hash, or checked by a form of their own.
OTHERS = {
    "approvals.approvalpolicy": "applies_to",
    "approvals.approvalrequest": "digest late status summary title url",
    "approvals.approvalevent": "action message",
    "devices.agent": "queue worker",
    "devices.apitoken": "digest purpose",
    "devices.auditevent": "action actor_name hash previous_hash subject",
    "devices.audithead": "hash head_sealed",
    "devices.configsnapshot": "kind reason sha256",
    "devices.credential": (
        "certificate enable_password_sealed passphrase_sealed password_sealed private_key_sealed totp_algorithm"
        " totp_secret_sealed"
    ),
    "devices.device": "host_key platform protocol",
    "devices.guesses": "account origin scope",
    "devices.idempotentanswer": "body digest key",
    "devices.jumphost": "host_key",
    "devices.knownsecret": "value_sealed",
    "devices.mailserver": "password_sealed security sender",
    "devices.network": "description",
    "devices.notice": "key text url",
    "devices.outboxmessage": "actor channel details error event key status subject target text url",
    "devices.role": "key",
    "devices.sighting": "called endpoint host_key reached",
    "devices.tenant": "key kind path time_zone",
    "devices.trapreceiver": "auth auth_key_sealed community_sealed priv priv_key_sealed version",
    "devices.usedcode": "account",
    "devices.webhook": "secret_sealed url",
    "devices.worker": "host name version",
    "jobs.devicelock": "key",
    "jobs.devicerun": "address credential_key credential_name device_name endpoint message platform reason status",
    "jobs.jobrun": "bypass digest job_name job_type network_names pause_reason reason status template_name",
    "jobs.jobtask": "connection_protocol transfer_protocol",
    "jobs.lineplace": "key",
    "jobs.schedulefilter": "time_zone",
    "jobs.servicejob": "description job_type overlap selection_mode status visibility",
    "jobs.stepresult": "kind message name status verdict",
    "jobs.trigger": "cause kind missed",
    "templates_app.configurationprofile": "description",
    "templates_app.script": "body description execution_type",
    "templates_app.scriptparameter": "data_type description",
    "templates_app.servicetemplate": "built_in description status",
}


def test_every_control_format_and_separating_character_is_hidden():
    categories = ("Cc", "Cf", "Zl", "Zp", "Cs")
    missed = [
        hex(n) for n in range(0x110000) if unicodedata.category(chr(n)) in categories and not HIDDEN.match(chr(n))
    ]
    assert not missed


@pytest.mark.parametrize("sign", SIGNS)
def test_what_is_wrong_is_said_with_its_place(sign):
    said = flaw(f"a{sign}b")
    assert "at position 2" in said and said.isprintable() and sign not in visible(f"a{sign}b")


def test_an_ordinary_text_is_one_line():
    texts = ("", "show version", "Firmware Upgrade – Core Switches", "Zürich", "東京", "a\xa0b", "naïve\u0301")
    assert not any(map(flaw, texts))


def text_columns():
    ours = ("devices", "templates_app", "approvals", "jobs")
    for model in (m for app in ours for m in apps.get_app_config(app).get_models()):
        texts = [f for f in model._meta.concrete_fields if isinstance(f, models.CharField | models.TextField)]
        yield model, [f for f in texts if not isinstance(f, ForeignKey)]


def others(model):
    return set(OTHERS.get(model._meta.label_lower, "").split())


def test_each_text_column_is_one_line_or_named_among_the_others():
    wrong = {
        model._meta.label_lower: extra
        for model, found in text_columns()
        if (extra := {f.name for f in found if not isinstance(f, OneLine)} ^ others(model))
    }
    assert not wrong, "a new text column is OneLine, or stands in OTHERS for a reason"


def test_each_name_that_people_give_is_one_line():
    given = {"name", "host", "username", "connect_host", "category", "default"}
    written = {"devices.worker", "jobs.stepresult"}  # by the product
    wrong = [
        f"{model._meta.label_lower}.{field.name}"
        for model, found in text_columns()
        if model._meta.label_lower not in written
        for field in found
        if field.name in given and not isinstance(field, OneLine)
    ]
    assert not wrong, wrong


def test_each_text_of_a_specification_is_known():
    """Names go to columns, values are looked at with their variable; a description is free text."""
    texts = {
        f"{spec.__name__}.{f.name}"
        for spec in (JobSpec, TaskSpec, TriggerSpec, Account)
        for f in fields(spec)
        if f.type in ("str", "dict[str, str]")
    }
    assert texts == {
        "JobSpec.name",
        "JobSpec.description",
        "JobSpec.job_type",
        "JobSpec.variables",
        "TriggerSpec.name",
        "Account.username",
    }


@pytest.mark.django_db
@pytest.mark.parametrize("sign", ["\n", "\t", "\u2028", "\u202e", "\u200b"])
@pytest.mark.parametrize("model", [m for m, found in text_columns() if any(isinstance(f, OneLine) for f in found)])
def test_a_row_is_not_written_whoever_writes_it(model, sign):
    names = [f.name for f in model._meta.concrete_fields if isinstance(f, OneLine)]
    row = model(**dict.fromkeys(names, f"a{sign}b"))
    for write in (row.save, partial(model.objects.bulk_create, [row])):
        with pytest.raises(Invalid) as caught:
            write()
        assert set(caught.value.fields) == set(names)


@pytest.mark.django_db
@pytest.mark.parametrize("sign", SIGNS)
def test_no_face_takes_a_device_whose_name_or_host_is_not_one_line(sign, acme, person, browser, api):
    network = Network.objects.filter(tenant=acme).first()
    bad, admin = f"sw{sign}reload", person("acme-admin")
    given = {"address": "192.0.2.77", "platform": "cisco_ios", "network": network}
    for field in ("name", "connect_host"):
        with pytest.raises(Invalid) as caught:
            inventory.save_device(by=admin, tenant=acme, **{"name": "sw-new", **given, field: bad})
        assert field in caught.value.fields
    body = {"tenant": acme.pk, "name": bad, "address": "192.0.2.77", "platform": "cisco_ios", "network": network.pk}
    answer = api("acme-admin").post("/api/v1/devices/", body, format="json")
    assert answer.status_code == 400 and set(answer.json()["errors"]) == {"name"}
    typed = {**body, "connect_port": 22, "protocol": "ssh"}
    page = browser("acme-admin").post("/edit/devices/new/", typed)
    assert page.status_code == 200 and re.search("at position 3|Null characters", page.content.decode())
    if sign not in "\0":
        cells = f'"{bad}",192.0.2.77,cisco_ios,{network.name}'
        with pytest.raises(Invalid):
            import_devices(by=admin, tenant=acme, data=f"name,address,platform,network\r\n{cells}\r\n".encode())
    assert not Device.objects.filter(address="192.0.2.77").exists()


STEP = TemplateStep(name="Step", kind=StepKind.EXEC, commands={"linux": "true"})
VARIABLE = RuntimeVariable(name="a", required=False)


@pytest.mark.django_db
@pytest.mark.parametrize("sign", ["\t", "\v", "\x85", "\u2028", "\u202e", "\u200b", "\x1b"])
@pytest.mark.parametrize(
    ("field", "content"),
    [
        ("steps.0.name", lambda bad: TemplateContent((replace(STEP, name=bad),))),
        ("steps.0.commands.linux", lambda bad: TemplateContent((replace(STEP, commands={"linux": bad}),))),
        ("steps.0.answers", lambda bad: TemplateContent((replace(STEP, answers=((bad, "y"),)),))),
        ("steps.0.answers", lambda bad: TemplateContent((replace(STEP, answers=(("ask", bad),)),))),
        ("variables.0.label", lambda bad: TemplateContent((STEP,), (replace(VARIABLE, label=bad),))),
        ("variables.0.help", lambda bad: TemplateContent((STEP,), (replace(VARIABLE, help=bad),))),
        ("variables.0.default", lambda bad: TemplateContent((STEP,), (replace(VARIABLE, default=bad),))),
        (
            "variables.0.choices",
            lambda bad: TemplateContent((STEP,), (replace(VARIABLE, type=VariableType.CHOICE, choices=(bad,)),)),
        ),
        ("variables.0.name", lambda bad: TemplateContent((STEP,), (replace(VARIABLE, name=bad),))),
    ],
)
def test_each_text_of_a_template_is_one_line(field, content, sign):
    assert field in authoring.content_problems(content(f"ab{sign}cd"))


def test_each_text_of_a_template_is_tried_above():
    """A new field of text joins the table."""
    texts = {
        f"{kind.__name__}.{f.name}" for kind in (TemplateStep, RuntimeVariable) for f in fields(kind) if "str" in f.type
    }
    assert texts == {
        *(f"TemplateStep.{name}" for name in "name commands answers keep checks script language".split()),
        *(f"RuntimeVariable.{name}" for name in "name label help default choices".split()),
    }
    assert {f.name for f in fields(PlannedStep)} >= {"changing"}


def test_a_variable_name_that_ends_with_a_line_break_is_none():
    assert "variables.0.name" in authoring.content_problems(TemplateContent((STEP,), (replace(VARIABLE, name="a\n"),)))


def test_a_question_mark_is_refused_in_a_template_only_where_the_device_acts_on_it():
    ask = lambda key, text: authoring.content_problems(  # noqa: E731
        TemplateContent((replace(STEP, commands={key: text}),))
    )
    assert "acts while it is typed" in str(ask("cisco_ios", "description why?")) and ask("*", "x ?")
    assert not ask("linux", "ls /tmp/?") and not ask("cisco_ios", "{# why? #}\nshow version")


@pytest.mark.django_db
@pytest.mark.parametrize("sign", ["\t", "\v", "\u2028", "\u202e", "\x1b"])
def test_profiles_and_scripts_take_no_such_text(sign, acme, person):
    admin, bad = person("acme-admin"), f"a{sign}b"
    with pytest.raises(Invalid) as caught:
        authoring.save_profile(by=admin, tenant=acme, name="P", values={"text": bad})
    assert "'text' " in caught.value.fields["values"][0]
    authoring.save_profile(by=admin, tenant=acme, name="Lines", values={"acl": "permit a\npermit b"})
    script = {"name": "S", "execution_type": "COMMAND", "body": "show version", "platforms": []}
    for change, field in (
        ({"name": bad}, "name"),
        ({"category": bad}, "category"),
        ({"body": bad}, "body"),
        ({"parameters": [Parameter(1, bad, "STRING", False)]}, "parameters.0.name"),
        ({"parameters": [Parameter(1, "a", "STRING", False, bad)]}, "parameters.0.default"),
    ):
        with pytest.raises(Invalid) as caught:
            library.save_script(by=admin, tenant=acme, **{**script, **change})
        assert field in caught.value.fields, caught.value.fields


@pytest.mark.django_db
def test_a_secret_is_one_line_and_a_key_has_several(acme, person):
    admin = person("acme-admin")
    for field in ("password", "enable_password"):
        with pytest.raises(Invalid) as caught:
            inventory.save_credential(
                by=admin, tenant=acme, name="C", username="u", secrets={field: Secret("a\nreload")}
            )
        assert field in caught.value.fields and "reload" not in str(caught.value.fields)
    inventory.save_credential(
        by=admin, tenant=acme, name="C", username="u", secrets={"private_key": Secret(a_key()[1])}
    )
    with pytest.raises(Invalid, match="line break"):
        inventory.save_credential(by=admin, tenant=acme, name="D", username="u\nreload", secrets={})


@pytest.mark.django_db
def test_a_job_takes_no_such_name_value_or_secret(acme, person):
    kinds = {"text": VariableType.TEXT, "hidden": VariableType.SECRET}
    content = TemplateContent(
        (replace(STEP, commands={"linux": "true {{ text }} {{ hidden }}"}),),
        tuple(RuntimeVariable(name=name, type=kind) for name, kind in kinds.items()),
    )
    of = authoring.save_template(by=None, tenant=acme, name="T", description="", status="ready", content=content)
    good = {"variables": {"text": "x"}, "secret_variables": {"hidden": Secret("y")}}
    for change, field in (
        ({"name": "a\u202eb"}, "name"),
        ({"triggers": (TriggerSpec(kind=TriggerKind.NOW, name="a\u202eb"),)}, "triggers.name"),
        ({"variables": {"text": "a\nreboot"}}, "variables.text"),
        ({"variables": {"text": "a\tb"}}, "variables.text"),
        ({"secret_variables": {"hidden": Secret("a\nreboot")}}, "variables.hidden"),
        ({"account": Account(username="u\nreboot", password=Secret("p"))}, "username"),
        ({"account": Account(username="u", password=Secret("p\nreboot"))}, "password"),
    ):
        with pytest.raises(Invalid) as caught:
            make.job(person("acme-admin"), of, make.devices(acme, "linux"), **{**good, **change})
        assert field in caught.value.fields, caught.value.fields


@pytest.mark.django_db
def test_a_customer_is_named_in_one_line(acme, person):
    with pytest.raises(Invalid, match="line break"):
        tenants.change_tenant(by=person("admin"), tenant=acme, name="A\nB")


@pytest.mark.django_db
def test_the_api_names_the_field(acme, api):
    answer = api("acme-admin").post("/api/v1/asset-tags/", {"tenant": acme.pk, "name": "a\u202eb"}, format="json")
    assert answer.status_code == 400 and "U+202E" in json.dumps(answer.json()["errors"]["name"])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("url", "typed"),
    [
        ("/account/", {"purpose": "api"}),
        ("/edit/networks/new/", {}),
        ("/edit/tags/new/", {}),
        ("/edit/agents/new/", {}),
        ("/edit/credentials/new/", {"username": "u"}),
        ("/profiles/new/", {"values": "a = b"}),
        ("/filters/new/", {"time_zone": "UTC", "rules": "exclude 2027-01-01"}),
        ("/settings/webhooks/new/", {"url": "https://example.com/x", "secret": "x" * 40}),
    ],
)
def test_each_form_says_it_beside_the_name(url, typed, acme, browser):
    page = browser("acme-admin").post(url, {"tenant": acme.pk, "name": "a\u202eb", **typed})
    assert page.status_code == 200 and "(U+202E) at position 2" in page.content.decode()
