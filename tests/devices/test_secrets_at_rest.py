"""Secrets: sealed, bound to their row, never shown by any face; the type gives nothing away."""

import copy
import logging
import pickle

import pytest

from devices.domain.masking import Masker
from devices.domain.secrets import Login, Secret
from devices.models import Credential
from devices.services import vault
from devices.services.inventory import save_credential
from tests.ways.servers import a_key

CANARY = "canary-7f3a-do-not-show"


def test_a_secret_shows_itself_nowhere():
    secret = Secret(CANARY)
    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret:>40}",
        repr(Login("u", secret)),
        str([secret]),
        f"{secret}",
    ]
    assert not [text for text in shown if CANARY in text]
    for serialize in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            serialize(secret)


def test_redaction_takes_out_every_known_secret_and_the_longest_first():
    assert Masker(("hunter22", "hunter22x")).hide("a hunter22x b hunter22") == "a *** b ***"


@pytest.mark.django_db
def test_a_sealed_text_opens_only_in_its_own_place(tenant):
    acme, globex = tenant("acme"), tenant("globex")
    sealed = vault.seal(Secret(CANARY), tenant_id=acme.pk, row="r", field="password")
    assert CANARY not in sealed
    assert vault.unseal(sealed, tenant_id=acme.pk, row="r", field="password").reveal() == CANARY
    for place in ({"tenant_id": globex.pk}, {"row": "other"}, {"field": "enable_password"}):
        with pytest.raises(vault.KeyMissing):
            vault.unseal(sealed, **{"tenant_id": acme.pk, "row": "r", "field": "password", **place})


@pytest.mark.django_db
def test_planted_secrets_are_found_in_no_answer_log_audit_or_message(tenant, person, browser, api, caplog, wakeups):
    """Every page and API answer that an administrator can open, searched for what was planted."""
    from django.urls import reverse

    from devices.channels import CHANNELS
    from devices.models import AuditEvent
    from devices.services import channels
    from jobs.domain.spec import Account
    from jobs.plan import builder
    from tests import make
    from tests.test_tenant_isolation import OPEN

    acme, channel_pages = tenant("acme"), []
    caplog.set_level(logging.DEBUG)
    secrets = {name: Secret(f"{CANARY}-{name}") for name in ("password", "enable_password", "passphrase")}
    secrets["private_key"] = Secret(a_key(passphrase=f"{CANARY}-passphrase")[1])
    secrets["totp_secret"] = Secret(f"{CANARY}TOTP".upper().translate(str.maketrans("01", "OI", "-89")) + "A" * 16)
    credential = save_credential(by=person("acme-admin"), tenant=acme, name="Planted", username="u", secrets=secrets)
    answer = api("acme-admin").post(
        "/api/v1/credentials/",
        {"tenant": acme.pk, "name": "By API", "username": "u", "password": f"{CANARY}-api"},
        format="json",
    )
    assert answer.status_code == 201
    device = make.devices(acme)[0]
    account = Account("u", Secret(f"{CANARY}-job"), Secret(f"{CANARY}-job-enable"))
    job, run = make.job(
        person("acme-admin"), make.template(acme), [device], credential=str(credential.pk), account=account
    )
    draft = make.draft(person("acme-admin"), make.template(acme), [device], account=account)
    texts = {"api create": answer.content.decode()}
    client = browser("acme-admin")
    for channel, values in (
        (CHANNELS["mail"], {"host": "127.0.0.1", "sender": "a@b.example"}),
        (CHANNELS["trap"], {"name": "NOC", "host": "127.0.0.1", "username": "u"}),
        (CHANNELS["webhook"], {"name": "Hook", "url": "https://hook.example/"}),
    ):
        planted = {name: Secret(f"{CANARY}-{channel.key}-{name}") for name in channel.secrets}
        row = channels.save_channel(by=person("acme-admin"), tenant=acme, channel=channel, secrets=planted, **values)
        channel_pages.append(reverse("channels", args=[channel.slug]))
        channel_pages.append(reverse("edit-channel", args=[channel.slug, row.pk]))
    urls = [
        reverse(name)
        for name in OPEN
        - {
            "sign-out",
            "choose-tenant",
            "sign-in",
            "new-thing",
            "channels",
            "new-channel",
            "api:upcoming",
            "api:device-bring-in",
        }
    ] + channel_pages
    urls += [
        reverse("edit-thing", args=["credentials", credential.pk]),
        reverse("job", args=[job.pk]),
        reverse("run", args=[run.pk]),
    ]
    urls += [reverse("wizard", args=[draft.pk, s]) for s in ("details", "tasks", "schedule")] + [
        reverse("api:credential-detail", args=[credential.pk])
    ]
    urls += [
        reverse("device-run", args=[run.pk, run.device_runs.get().pk]),
        reverse("api:device-run-detail", args=[run.device_runs.get().pk]),
    ]
    urls += ["/admin/devices/credential/", f"/admin/devices/credential/{credential.pk}/change/"]
    for url in urls:
        response = client.get(url)
        assert response.status_code == 200, url
        texts[url] = (response.getvalue() if response.streaming else response.content).decode()
    texts["audit"] = str(list(AuditEvent.objects.values_list("subject", "details")))
    texts["log"], texts["wakeups"] = caplog.text, str(wakeups)
    texts["rows"] = (
        str(list(Credential.objects.values()))
        + repr(credential)
        + str(vars(run))
        + str(builder.plan_of(job, person("acme-admin")))
    )
    assert not [place for place, text in texts.items() if CANARY in text]
    assert vault.open_login(credential).password.reveal() == f"{CANARY}-password"


def test_a_login_is_opened_when_it_is_asked_for_and_once(tenant, monkeypatch):
    credentials = [
        save_credential(
            by=None, tenant=tenant("acme"), name=name, username="netops", secrets={"password": Secret(name)}
        )
        for name in ("first", "second")
    ]
    opened = []
    open_login = vault.open_login
    monkeypatch.setattr(vault, "open_login", lambda row: opened.append(row.name) or open_login(row))
    logins, pk = vault.Logins(credentials), str(credentials[0].pk)
    assert pk in logins and "0" not in logins and opened == []
    assert {logins[pk].password.reveal(), logins[pk].password.reveal()} == {"first"} and opened == ["first"]
    with pytest.raises(KeyError):
        logins["0"]
