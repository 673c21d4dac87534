"""Passwords are kept byte for byte, whichever form, API or channel they come in by."""

import importlib
import pkgutil

import pytest
from django import forms
from django.urls import reverse
from rest_framework import serializers

import approvals
import devices
import jobs
import templates_app
from devices.channels import CHANNELS
from devices.domain.secrets import Secret
from devices.models import Credential
from devices.services import channels, delivery, vault
from jobs.models import ServiceJob
from templates_app.domain.content import RuntimeVariable, StepKind, TemplateContent, TemplateStep, VariableType
from templates_app.services import authoring
from tests import make

#: Spaces around it, and inside.
AWKWARD = "  pass  word "
#: What fields that take a secret are called; what shows no typing is one as well.
NAMES = ("password", "secret", "private_key", "passphrase", "auth_key", "priv_key", "community")


def everything():
    """Import every module of the apps, so that all forms and serializers are known."""
    for app in (approvals, devices, jobs, templates_app):
        for found in pkgutil.walk_packages(app.__path__, f"{app.__name__}."):
            if "migrations" not in found.name and not found.name.endswith("__main__"):
                importlib.import_module(found.name)


def below(base):
    for found in base.__subclasses__():
        yield found
        yield from below(found)


def is_secret(name, field):
    hidden = isinstance(getattr(field, "widget", None), forms.PasswordInput)
    return hidden or any(name == word or name.endswith(f"_{word}") for word in NAMES)


def test_no_field_of_a_secret_cuts_what_is_typed():
    everything()
    found, wrong = set(), []
    for form in below(forms.BaseForm):
        for name, field in getattr(form, "base_fields", {}).items():
            if isinstance(field, forms.CharField) and is_secret(name, field):
                found.add(name)
                wrong += [f"{form.__name__}.{name}"] if field.strip else []
    for channel in CHANNELS.values():
        for name in channel.secrets:
            found.add(name)
            wrong += [f"{channel.key}.{name}"] if channel.fields[name].strip else []
    ours = [found for found in below(serializers.Serializer) if not found.__module__.startswith("rest_framework")]
    for serializer in ours:
        for name, field in getattr(serializer, "_declared_fields", {}).items():
            if isinstance(field, serializers.CharField) and (field.write_only or is_secret(name, field)):
                found.add(name)
                wrong += [f"{serializer.__name__}.{name}"] if field.trim_whitespace else []
    assert not wrong, wrong
    assert {"password", "enable_password", "private_key", "auth_key", "priv_key", "community", "secret"} <= found
    assert {"passphrase", "totp_secret"} <= found


@pytest.fixture
def secret_template(acme):
    content = TemplateContent(
        (TemplateStep(name="Say", kind=StepKind.EXEC, commands={"linux": "echo {{ phrase }}"}),),
        (RuntimeVariable(name="phrase", type=VariableType.SECRET),),
    )
    return authoring.save_template(by=None, tenant=acme, name="S", description="", status="ready", content=content)


def phrase_of(job):
    sealed = job.sealed_variables["phrase"]
    return vault.unseal(sealed, tenant_id=job.tenant_id, row=str(job.pk), field="phrase").reveal()


@pytest.mark.django_db
class TestByteForByte:
    def test_a_credential_by_form_and_api(self, acme, browser, api):
        given = {"tenant": acme.pk, "username": "u", "password": AWKWARD, "enable_password": AWKWARD}
        codes = {"totp_digits": 6, "totp_algorithm": "sha1"}
        made = browser("acme-admin").post(
            reverse("new-thing", args=["credentials"]), {**given, **codes, "name": "Form", "private_key": ""}
        )
        assert made.status_code == 302, made.content
        made = api("acme-admin").post("/api/v1/credentials/", {**given, "name": "API"}, format="json")
        assert made.status_code == 201
        for name in ("Form", "API"):
            login = vault.open_login(Credential.objects.get(name=name))
            assert (login.password.reveal(), login.enable_password.reveal()) == (AWKWARD, AWKWARD)

    @pytest.mark.parametrize(
        "key,values",
        [
            ("mail", {"host": "127.0.0.1", "port": 25, "security": "none", "sender": "a@b.example", "username": "u"}),
            (
                "trap",
                {"name": "NOC", "host": "127.0.0.1", "port": 162, "version": "v3", "username": "u"}
                | {"auth": "sha", "priv": "aes"},
            ),
            ("webhook", {"name": "Hook", "url": "https://hook.example/"}),
        ],
    )
    def test_a_channel(self, acme, browser, key, values):
        channel = CHANNELS[key]
        secrets = dict.fromkeys(channel.secrets, AWKWARD)
        made = browser("acme-admin").post(
            reverse("new-channel", args=[channel.slug]), {**values, **secrets, "tenant": acme.pk, "enabled": "on"}
        )
        assert made.status_code == 302, made.content.decode()[-3000:]
        row = channel.model._default_manager.get(tenant=acme)
        assert {name: text.reveal() for name, text in channels.opened(channel, row).items()} == secrets

    def test_a_job_by_api(self, acme, api, secret_template):
        body = {
            "template": secret_template.pk,
            "name": "By API",
            "description": "d",
            "agent": make.Agent.objects.filter(tenant=acme).first().pk,
            "selection": {"mode": "static", "devices": [str(make.devices(acme, "linux")[0].pk)]},
            "account": {"username": "u", "password": AWKWARD, "enable_password": AWKWARD},
            "variables": {"phrase": AWKWARD},
        }
        made = api("acme-admin").post("/api/v1/jobs/", body, format="json")
        assert made.status_code == 201, made.content
        job = ServiceJob.objects.get(pk=made.json()["id"])
        login = vault.open_login(job.account)
        assert (phrase_of(job), login.password.reveal(), login.enable_password.reveal()) == (AWKWARD,) * 3

    def test_a_job_by_the_wizard(self, acme, browser, person, secret_template):
        draft = make.draft(person("acme-admin"), secret_template, make.devices(acme, "linux")[:1])
        page = browser("acme-admin")
        details = {
            "name": "W",
            "description": "",
            "job_type": "regular",
            "agent": draft.agent_id,
            "selection_mode": "static",
            "username": "u",
            "password": AWKWARD,
            "enable_password": AWKWARD,
        }
        page.post(reverse("wizard-live", args=[draft.pk, "details"]), details)
        page.post(reverse("wizard-live", args=[draft.pk, "tasks"]), {"var_phrase": AWKWARD})
        draft.refresh_from_db()
        login = vault.open_login(draft.account)
        assert (phrase_of(draft), login.password.reveal(), login.enable_password.reveal()) == (AWKWARD,) * 3


@pytest.mark.django_db
def test_a_job_by_opsramp(acme, person):
    """Its parameters are texts, and stay what they are."""
    from jobs.domain.opsramp.reader import Reader
    from jobs.types.script.opsramp import read_parts

    read = Reader()
    given = {"customScript": {"id": 1}, "parameters": [{"paramId": 1, "value": AWKWARD}]}
    assert read_parts(read, {}, given)["parameters"] == {1: AWKWARD} and not read.fields
    assert Secret(AWKWARD).reveal() == AWKWARD


@pytest.mark.django_db
def test_a_form_that_is_wrong_does_not_show_again_what_was_typed(acme, browser):
    """Not even to whom typed it: the page stays in the browser's memory and on the screen."""
    secrets = {"password": "typed-pass-1", "enable_password": "typed-pass-2", "private_key": "typed-key-3"}
    secrets |= {"passphrase": "typed-phrase-4", "totp_secret": "typed-secret-5"}
    page = browser("acme-admin").post(reverse("new-thing", args=["credentials"]), {"tenant": acme.pk, **secrets})
    body = page.content.decode()
    assert page.status_code in (200, 400) and "typed-" not in body


@pytest.mark.django_db
def test_what_a_mail_server_says_again_is_not_shown(acme, person, browser, monkeypatch, log_lines):
    from django.utils import timezone

    from devices.channels.email import EMAIL
    from devices.domain.errors import DeliveryFailed
    from devices.models import OutboxMessage
    from devices.services import outbox

    admin = person("acme-admin")
    values = {"host": "127.0.0.1", "port": 25, "security": "none", "sender": "a@b.example", "username": "u"}
    channels.save_channel(by=admin, tenant=acme, channel=EMAIL, secrets={"password": Secret("mail-pass-99")}, **values)

    def refuse(self, receiver, secrets, message):
        raise DeliveryFailed(f"535 wrong password {secrets['password'].reveal()}")

    monkeypatch.setattr(type(EMAIL), "send", refuse)
    now = timezone.now()
    event = outbox.Event(tenant=acme, event="completed", key="k", subject="s", text="t", url="/", recipients=[admin])
    outbox.announce_all([event], now=now)
    delivery.deliver(now=now)
    assert OutboxMessage.objects.get(key="k").error == "535 wrong password ***"
    assert "mail-pass-99" not in str(log_lines) + browser("acme-admin").get(reverse("deliveries")).content.decode()
