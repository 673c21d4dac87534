"""Every field of every form has a limit, and no posted or asked value breaks a page."""

import pytest
from django import forms
from django.urls import reverse

from devices.channels import CHANNELS
from jobs.domain.spec import OPTIONS
from jobs.web.wizard.forms import _variable_field, option_field
from templates_app.domain.content import RuntimeVariable, VariableType
from templates_app.web.forms import StepForm
from tests import make
from tests.test_api_bodies import made, things  # noqa: F401 - fixtures
from tests.test_tenant_isolation import ADMIN, OPEN, routes

pytestmark = pytest.mark.django_db
OURS = ("approvals", "devices", "jobs", "templates_app", "config")


def forms_below(cls=forms.BaseForm):
    for below in cls.__subclasses__():
        if below.__module__.split(".")[0] in OURS:
            yield below
        yield from forms_below(below)


def fields():
    """Every field with its name: those that classes declare, and those that are made for content."""
    for form in forms_below():
        yield from ((f"{form.__name__}.{name}", field) for name, field in form.base_fields.items())
    yield from ((f"option {option.name}", option_field(option)) for option in OPTIONS)
    for kind in VariableType:
        yield f"variable {kind}", _variable_field(RuntimeVariable(name="x", type=kind), False)
    yield from ((f"StepForm.{name}", field) for name, field in StepForm().fields.items())
    for channel in CHANNELS.values():
        yield from ((f"{channel.slug} {name}", field) for name, field in channel.fields.items())


def test_every_field_of_a_form_has_a_limit():
    wrong = []
    for name, field in fields():
        if isinstance(field, forms.IntegerField | forms.FloatField):
            if field.max_value is None or field.min_value is None:
                wrong.append(name)
        elif isinstance(field, forms.GenericIPAddressField):
            continue
        elif isinstance(field, forms.CharField) and field.max_length is None:
            wrong.append(name)
    assert not wrong, wrong


#: What a page's query or a form may be sent: nothing of it is an error of ours.
JUNK = ["", "x", "\x00", "-1", "0", "9" * 30, "9" * 5000, "²", "'\"<", "[" * 5000, "x" * 200_000, "1.5", "2027-13-45"]
WORDS = ["page", "sort", "q", "tenant", "status", "only", "day", "zone", "view", "version", "a", "b", "request", "next"]
WORDS += ["platform", "network", "tag", "kind", "template", "job_type", "enabled", "agent", "from", "until", "actor"]
WORDS += ["order", "execute", "action", "message", "name", "devices", "csv", "find", "t0-kind", "t0-at", "t0-interval"]
WORDS += ["canary", "window", "max_parallel", "notifier", "selection_mode", "search_tags", "expires_at", "rules"]
WORDS += ["which", "digest", "late", "one_run", "steps-TOTAL_FORMS", "steps-INITIAL_FORMS", "variables-TOTAL_FORMS"]
PAGES = sorted({name for name in routes() if not ADMIN.match(name) and not name.startswith("api:")} - {"sign-out"})


def addresses(made, name):  # noqa: F811
    if name in ("channels", "new-channel"):
        return [reverse(name, kwargs={"kind": channel.slug}) for channel in CHANNELS.values()]
    if name == "new-thing":
        return [reverse(name, kwargs={"kind": k}) for k in ("devices", "networks", "tags", "agents", "credentials")]
    return [reverse(name, kwargs=given) for given in ([{}] if name in OPEN else made[name])]


@pytest.mark.parametrize("name", PAGES)
def test_no_junk_breaks_a_page(made, browser, name):  # noqa: F811
    send_junk(browser, addresses(made, name), ["acme-admin"], ["\x00²", "9" * 30, "x" * 200_000])


@pytest.mark.sweep
@pytest.mark.parametrize("name", PAGES)
def test_no_junk_of_any_kind_breaks_a_page(made, browser, name):  # noqa: F811
    send_junk(browser, addresses(made, name), ["acme-operator", "acme-admin"], JUNK)


def send_junk(browser, urls, people, values):
    for who in people:
        client = browser(who)
        for url, junk in ((url, junk) for url in urls for junk in values):
            given = dict.fromkeys(WORDS, junk)
            assert client.get(url, given).status_code < 500
            assert client.post(url, given).status_code < 500


@pytest.mark.parametrize("action", ["next", "add-trigger", "drop-trigger-²", "back", "request", "import", "x"])
@pytest.mark.parametrize("order", ["²", "9" * 5000, "0," * 9000, "٣", "-1", "0,0,0", "\x00"])
def test_the_wizard_s_hidden_order_may_be_anything(browser, acme, action, order):
    draft = make.draft(make.user("acme-operator"), make.template(acme))
    url = reverse("wizard", kwargs={"pk": draft.pk, "step": "schedule"})
    answer = browser("acme-operator").post(url, {"action": action, "order": order, "execute": "schedule"})
    assert answer.status_code in (200, 302)


def test_a_form_has_so_many_fields(browser, acme):
    answer = browser("acme-operator").post("/jobs/new/", {f"x{n}": "" for n in range(100_000)})
    assert answer.status_code == 400


@pytest.mark.parametrize("query", ["password_sealed__startswith=A", "tenant__parent__name__startswith=M", "x=1", "e=1"])
def test_the_admin_filters_by_what_it_offers_alone(browser, query):
    answer = browser("msp-admin").get(f"/admin/devices/credential/?{query}")
    assert answer.status_code in (302, 400) if query != "e=1" else answer.status_code == 200
