"""Templates: versions never change, problems stand beside their field, a read step must read."""

import pytest

from config.errors import Forbidden, Invalid
from templates_app.domain.content import RuntimeVariable, StepKind, TemplateContent, TemplateStep, VariableType
from templates_app.services import authoring
from tests import make

pytestmark = pytest.mark.django_db


def step(text="show version", kind=StepKind.READ, **more):
    return TemplateStep(name="Step", kind=kind, commands={"cisco_ios": text}, **more)


def save(tenant, content, by=None, name="T", instance=None, status="ready"):
    return authoring.save_template(
        by=by, tenant=tenant, name=name, description="", status=status, content=content, instance=instance
    )


def test_an_edit_makes_the_next_version_and_leaves_the_first_as_it_was(tenant, person):
    acme = tenant("acme")
    template = save(acme, TemplateContent((step(),)), by=person("acme-admin"))
    first = template.current
    again = save(acme, TemplateContent((step("show clock"),)), by=person("acme-admin"), instance=template)
    first.refresh_from_db()
    assert (first.number, again.current.number) == (1, 2)
    assert first.content.steps[0].commands == {"cisco_ios": "show version"}


def test_saving_the_same_content_makes_no_version(tenant):
    template = save(tenant("acme"), TemplateContent((step(),)))
    assert save(tenant("acme"), TemplateContent((step(),)), instance=template).current.number == 1


@pytest.mark.parametrize(
    "content,field,word",
    [
        (TemplateContent(()), "steps", "at least one step"),
        (TemplateContent((step("show {{ x }"),)), "steps.0.commands.cisco_ios", "Line 1"),
        (
            TemplateContent((step("show version\nconfigure terminal"),)),
            "steps.0.commands.cisco_ios",
            "Line 2: 'configure terminal' is not known",
        ),
        (
            TemplateContent((step("show run | redirect flash:x"),)),
            "steps.0.commands.cisco_ios",
            "not known as a reading command",
        ),
        (TemplateContent((step("show {{ other }}"),)), "steps.0.commands.cisco_ios", "'other' is not a variable"),
        (TemplateContent((step(timeout=0),)), "steps.0.timeout", "1 to 600"),
        (TemplateContent((step(),), (RuntimeVariable(name="Bad Name"),)), "variables.0.name", "small letters"),
        (
            TemplateContent((step(),), (RuntimeVariable(name="a"), RuntimeVariable(name="a"))),
            "variables.1.name",
            "twice",
        ),
        (
            TemplateContent((step(),), (RuntimeVariable(name="a", type=VariableType.CHOICE),)),
            "variables.0.choices",
            "List the choices",
        ),
        (
            TemplateContent((step(),), (RuntimeVariable(name="a", type=VariableType.INTEGER, default="x"),)),
            "variables.0.default",
            "whole number",
        ),
        (TemplateContent((step(),), platforms=("vax",)), "platforms", "vax"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(content, field, word, tenant):
    with pytest.raises(Invalid) as caught:
        save(tenant("acme"), content)
    assert word in caught.value.fields[field][0]


def test_names_are_taken_per_tenant_whatever_the_case(tenant):
    save(tenant("acme"), TemplateContent((step(),)), name="Backup")
    save(tenant("globex"), TemplateContent((step(),)), name="Backup")
    with pytest.raises(Invalid, match="exists in this tenant"):
        save(tenant("acme"), TemplateContent((step(),)), name="BACKUP")


def test_an_operator_writes_no_template(tenant, person):
    with pytest.raises(Forbidden):
        save(tenant("acme"), TemplateContent((step(),)), by=person("acme-operator"))


def test_a_job_keeps_the_version_it_was_made_with(tenant, person, wakeups):
    acme = tenant("acme")
    template = save(acme, TemplateContent((step(),)))
    job, _ = make.job(person("acme-operator"), template, make.devices(acme, "cisco_ios"))
    save(acme, TemplateContent((step("show clock"),)), instance=template)
    job.refresh_from_db()
    assert job.version.number == 1


@pytest.mark.parametrize("status", ["draft", "disabled"])
def test_only_a_ready_template_makes_a_job(status, tenant, person):
    template = save(tenant("acme"), TemplateContent((step(),)), status=status)
    with pytest.raises(Invalid, match="ready"):
        make.draft(person("acme-operator"), template)


def test_the_editor_page_adds_forms_and_keeps_what_was_typed(browser, tenant):
    client = browser("acme-admin")
    data = {
        "tenant": tenant("acme").pk,
        "name": "Typed",
        "status": "ready",
        "v-TOTAL_FORMS": 0,
        "v-INITIAL_FORMS": 0,
        "s-TOTAL_FORMS": 1,
        "s-INITIAL_FORMS": 0,
        "s-0-name": "First",
        "s-0-kind": "read",
        "s-0-timeout": 30,
        "s-0-body_linux": "uname -a",
    }
    body = client.post("/templates/new/", {**data, "add_step": "1"}).content.decode()
    assert 'value="Typed"' in body and 'name="s-1-name"' in body and "uname -a" in body
    answer = client.post("/templates/new/", {**data, "s-0-body_linux": "rm -rf /"})
    assert "not known as a reading command" in answer.content.decode()
    assert client.post("/templates/new/", data).status_code == 302
