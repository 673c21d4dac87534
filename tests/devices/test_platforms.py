"""A platform is one file and one line: one of the test's own is offered, planned, driven, and never shadows another."""

import importlib
import re
from dataclasses import replace

import pytest
from django.urls import get_resolver

from devices.drivers import platforms
from devices.drivers.platforms import PLATFORMS, cisco_ios, netmiko
from devices.simulator.cli_ios import EosCli
from devices.simulator.clis import CLIS
from jobs.demo import world
from templates_app.domain.content import StepKind
from tests import make

#: What a platform's file says: the dialect of Arista EOS, but for the word that saves.
ACME_OS = replace(
    PLATFORMS["arista_eos"],
    key="acme_os",
    label="Acme OS",
    vendor="Acme",
    save=("keep configuration",),
    config_prompt=re.compile(r"\(config[^)]*\)#\s?$"),
)


class AcmeCli(EosCli):
    """What a simulated command line's file says."""

    platform, prefix, tag = "acme_os", "acme", "Switches"

    def execute(self, line):
        return super().execute("write memory" if line == "keep configuration" else line)


@pytest.fixture
def acme_os(monkeypatch):
    """The lines that the two registries would have; what faces make at their import they have made before."""
    assert get_resolver().url_patterns
    monkeypatch.setitem(PLATFORMS, "acme_os", ACME_OS)
    monkeypatch.setitem(CLIS, "acme_os", AcmeCli)


@pytest.mark.django_db
def test_a_platform_of_ones_own_is_chosen_planned_and_driven(acme_os, tmp_path, acme, person, browser, monkeypatch):
    device = make.devices(acme, "arista_eos")[0]
    specs = {"acme": [replace(s, platform="acme_os") if s.name == device.name else s for s in world.fleet(24)["acme"]]}
    monkeypatch.setattr(world, "fleet", lambda count: specs)
    with make.fleet(tmp_path, "acme") as (_, executed):
        device.refresh_from_db()
        client, url = browser("acme-admin"), f"/edit/devices/{device.pk}/"
        form = {k: v for k, v in client.get(url).context["form"].initial.items() if v is not None}
        answer = client.post(
            url,
            {
                **form,
                "platform": "acme_os",
                "network": device.network_id,
                "tags": [tag.pk for tag in form["tags"]],
                "enabled": "on",
            },
        )
        assert answer.status_code == 302
        assert "Acme OS" in client.get(f"/devices/{device.pk}/").content.decode()
        assert 'name="s-0-body_acme_os"' in client.get("/templates/new/").content.decode()
        lines = {"acme_os": "ntp server 198.51.100.9"}
        change = make.new_template(acme, lines, kind=StepKind.CONFIG, save=True)
        device.refresh_from_db()
        _, run = make.job(person("acme-admin"), change, [device], snapshots=False)
        done = make.finish(run).device_runs.get()
        assert (done.status, done.platform) == ("succeeded", "acme_os"), done.message
        assert executed(device)[-4:] == ["configure terminal", "ntp server 198.51.100.9", "end", "keep configuration"]
        assert "ntp server 198.51.100.9" in executed.state(device).startup


def test_a_key_given_twice_is_refused_at_import(monkeypatch):
    again = replace(cisco_ios.CISCO_IOS, label="Shadow", netmiko=True)
    monkeypatch.setattr(netmiko, "NETMIKO", (*netmiko.NETMIKO, again))
    with pytest.raises(ValueError, match="The platform 'cisco_ios' is given twice; give each one a key of its own."):
        importlib.reload(platforms)
    assert PLATFORMS["cisco_ios"] is cisco_ios.CISCO_IOS


def test_what_people_read_is_derived_from_the_platforms():
    assert platforms.own_choices()[0] == ("cisco_ios", "Cisco IOS") and ("a10", "A10 ACOS") in platforms.choices()
    assert [key for key in PLATFORMS if not platforms.is_only_by_name(key)] == [
        "cisco_ios",
        "arista_eos",
        "juniper_junos",
        "linux",
    ]
    assert platforms.label("of tomorrow") == "of tomorrow" and not platforms.is_only_by_name("of tomorrow")
    assert platforms.script_families() == {
        "LINUX": ("linux",),
        "NETWORK": ("cisco_ios", "arista_eos", "juniper_junos"),
        "WINDOWS": ("windows",),
    }
    assert platforms.interpreters("PYTHON") == {"linux": "python3 -", "windows": "python -"}
