"""What every route of the API does with what it cannot read: it says so, by name, and changes nothing."""

import json
from types import SimpleNamespace

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from rest_framework import serializers

from config import api_body, limits
from config.api_json import StrictJson
from config.api_pages import Numbered, Pages
from config.api_resource import Strict
from devices.api import resources as inventory
from devices.api.scoped import Scoped, SeveralScoped
from devices.models import Agent, AssetTag, Device
from jobs.models import ServiceJob
from tests import make
from tests.test_tenant_isolation import something_of_every_kind

pytestmark = pytest.mark.django_db
UNSAFE = ("post", "put", "patch", "delete")
PEOPLE = ("acme-operator", "acme-admin")


@pytest.fixture(scope="module")
def things(shared_world):
    with shared_world():
        return something_of_every_kind()


@pytest.fixture
def made(things, db, wakeups):
    """Something of every kind that belongs to acme, by route name."""
    return things


def api_routes(resolver=None, namespace=""):
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from api_routes(entry, inner)
        elif isinstance(entry, URLPattern) and namespace == "api:":
            yield entry


ROUTES = sorted({entry.name: entry for entry in api_routes()}.items())
PAGES = ("schema", "docs", "api-root")


def view_of(entry):
    return getattr(entry.callback, "cls", None) or entry.callback.view_class


def methods_of(entry):
    actions = getattr(entry.callback, "actions", None)
    allowed = getattr(entry.callback, "initkwargs", {}).get("http_method_names", ("get", *UNSAFE))
    return actions or {m: m for m in allowed if hasattr(view_of(entry), m)}


def url_of(made, name):
    """Return an address of a route, of something of acme's."""
    arguments = made.get(f"api:{name}", [{}])
    known = arguments[0] if arguments else {"pk": 1}
    return reverse(f"api:{name}", kwargs={"key": "script"} if name == "job-type-detail" else known)


CHANGES = [
    (name, method) for name, entry in ROUTES if name not in PAGES for method in methods_of(entry) if method in UNSAFE
]


@pytest.fixture
def ask(api):
    """Send a body as each of the people, who would otherwise hide the answer behind a missing right."""

    def send(method, url, body):
        text = body if isinstance(body, bytes) else json.dumps(body)
        for who in PEOPLE:
            answer = api(who).generic(method.upper(), url, text, "application/json")
            if answer.status_code not in (403, 404):
                break
        return answer

    return send


def test_every_native_view_stands_on_the_one_base():
    """All but the pages of the document, which take nothing."""
    assert {name for name, entry in ROUTES if not issubclass(view_of(entry), Strict)} == set(PAGES)


@pytest.mark.parametrize(("name", "method"), CHANGES)
def test_an_unknown_field_is_named(made, ask, name, method):
    answer = ask(method, url_of(made, name), {"visiblity": "private"})
    assert answer.status_code == 400, answer.content
    assert "visiblity" in answer.json()["errors"], answer.content


NO_BODIES = [
    b"null",
    b"[]",
    b'"text"',
    b"5",
    b"{",
    b"[" * 100_000,
    b'{"a":' * limits.MOST_JSON_LEVELS + b"{}" + b"}" * limits.MOST_JSON_LEVELS,
    b'{"name": "\x00"}',
    b'{"name": "\\u0000"}',
    b'{"name": "\\ud800"}',
    b'{"name": "\xff"}',
    b'{"\\u0000": 1}',
    b'{"id": ' + b"9" * 5000 + b"}",
    b'{"id": 1e999}',
]


@pytest.mark.parametrize(("name", "method"), CHANGES)
def test_what_is_no_body_is_refused(made, ask, name, method):
    url = url_of(made, name)
    assert {body[:20]: ask(method, url, body).status_code for body in NO_BODIES} == {b[:20]: 400 for b in NO_BODIES}


def test_every_view_reads_bodies_the_same_way():
    assert {cls for name, entry in ROUTES for cls in view_of(entry).parser_classes} == {StrictJson}


def test_a_body_has_so_many_values(api):
    answer = api("acme-admin").post("/api/v1/networks/", {"name": [0] * limits.MOST_JSON_VALUES}, format="json")
    assert answer.status_code == 400 and "values" in answer.json()["errors"]["body"][0]


def test_a_body_has_a_size(api, monkeypatch):
    monkeypatch.setattr(limits, "MOST_BODY_BYTES", 100)
    answer = api("acme-admin").post("/api/v1/networks/", {"name": "x" * 100}, format="json")
    assert answer.status_code == 413 and answer.json()["title"] == "too_large"


def test_forms_are_no_bodies(api):
    answer = api("acme-admin").post("/api/v1/networks/", "name=x", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 415


def nested(body, path=()):
    """Return the path of every object inside a body, with a body that reaches it."""
    yield path
    for name, field in body.fields.items():
        inner = getattr(field, "child", field)
        if isinstance(inner, serializers.BaseSerializer) and not field.read_only:
            yield from nested(inner, (*path, name, *([0] if inner is not field else [])))


def reaching(path, end):
    for part in reversed(path):
        end = [end] if part == 0 else {part: end}
    return end


def bodies(cls=api_body.KnownNames):
    for below in cls.__subclasses__():
        if below not in (api_body.Body, api_body.ModelBody, inventory.Owned):
            yield below
        yield from bodies(below)


BODIES = sorted(set(bodies()), key=lambda cls: cls.__name__)


@pytest.mark.parametrize(("cls", "path"), [(cls, path) for cls in BODIES for path in nested(cls()) if path])
def test_an_unknown_field_is_named_wherever_it_stands(cls, path, person):
    view = SimpleNamespace(volatile=())
    context = {"request": SimpleNamespace(user=person("acme-admin")), "view": view}
    given = cls(data=reaching(path, {"visiblity": 1}), context=context)
    assert not given.is_valid()
    found = given.errors
    for part in path:
        found = found[part]
    assert "There is no such field" in found["visiblity"][0]


#: Free JSON that another reader checks whole: schedules (`schedule_json`) and rules of filters (`filters`).
READ_ELSEWHERE = {("JobInput", "triggers"), ("UpcomingInput", "triggers"), ("UpcomingInput", "filters")}
READ_ELSEWHERE |= {("TriggerDetail", "rule"), ("FilterSerializer", "rules")}
STRICT = (api_body.Text, api_body.Whole, api_body.YesNo, api_body.Choice, api_body.Uuid, api_body.Moment, api_body.Slug)
STRICT += (serializers.IPAddressField, Scoped, SeveralScoped)


def unlimited(field):
    """Say what is missing of a field's limits; empty where it has all."""
    if isinstance(field, serializers.ListField | serializers.ListSerializer):
        return "no max_length" if field.max_length is None else unlimited(field.child)
    if isinstance(field, api_body.Named):
        return unlimited(field.child)
    if isinstance(field, api_body.KnownNames):
        return ""
    if not isinstance(field, STRICT):
        return f"{type(field).__name__} takes other kinds of values too"
    if isinstance(field, serializers.CharField):
        return "" if field.max_length or isinstance(field, serializers.IPAddressField) else "no max_length"
    if isinstance(field, api_body.Whole):
        return "" if field.max_value is not None and field.min_value is not None else "no bounds"
    return ""


@pytest.mark.parametrize("cls", BODIES)
def test_every_field_takes_one_kind_of_value_and_has_a_limit(cls):
    wrong = {
        name: unlimited(field)
        for name, field in cls().fields.items()
        if not field.read_only and (cls.__name__, name) not in READ_ELSEWHERE and unlimited(field)
    }
    assert not wrong


#: Values of each kind of JSON; a field takes few of them.
SOME = [None, 10**30, "x" * 70_000, [{}]]
VALUES = [*SOME, True, 7, -1, 2**31, 2**63, 1.5, "", "7", [], [[]], [10**30], [[[]]], {}, {"x": {}}, {"x": "y"}]
EDITED = [(name, method) for name, method in CHANGES if method in ("patch", "put")]


@pytest.mark.parametrize(("name", "method"), EDITED)
def test_what_was_read_can_be_sent_back_and_no_value_breaks_it(made, ask, api, name, method):
    try_values(ask, *edited(made, api, name), method, SOME)


@pytest.mark.sweep
@pytest.mark.parametrize(("name", "method"), EDITED)
def test_no_value_of_any_kind_breaks_it(made, ask, api, name, method):
    try_values(ask, *edited(made, api, name), method, VALUES)


def edited(made, api, name):
    """Return the address of something, and the body that leaves it as it is."""
    url = url_of(made, name)
    shown = max((api(who).get(url) for who in PEOPLE), key=lambda one: one.status_code == 200).json()
    return url, shown["definition"] if name in ("job-detail", "draft-detail") else shown


def try_values(ask, url, body, method, values):
    assert ask(method, url, body).status_code == 200, ask(method, url, body).content
    for field, value in ((field, value) for field in body for value in values):
        with transaction.atomic():
            ask(method, url, {**body, field: value})
            transaction.set_rollback(True)


PAGED = ("page=", "cursor=")
LISTS = [n for n, e in ROUTES if n.endswith(("-list", "-devices", "-export")) and "get" in methods_of(e)]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    "query",
    ["statis=failed", "page_size=x", "page_size=0", "page_size=-1", "page_size=%C2%B2", "ordering=password", "tenant=x"]
    + ["search=" + "a+" * 1500, "page=0", "page=-1", "page=x", "page=" + "9" * 50, "cursor=x", "cursor=" + "9" * 5000],
)
def test_a_list_refuses_what_it_does_not_know(made, api, name, query):
    known = not name.endswith("export") and not (name.startswith("job-type") and query.startswith("cursor"))
    answer = api("acme-admin").get(f"{url_of(made, name)}?{query}")
    assert answer.status_code == (404 if query.startswith(("page=", "cursor")) and known else 400), answer


@pytest.mark.parametrize("name", [name for name in LISTS if not name.endswith("-export")])
def test_every_list_has_a_longest_page(made, api, name):
    assert Pages.max_page_size == Numbered.max_page_size == limits.MOST_PAGE_ROWS
    answer = api("acme-admin").get(f"{url_of(made, name)}?page_size=999999999")
    assert answer.status_code == 200 and len(answer.json()["results"]) <= limits.MOST_PAGE_ROWS


@pytest.mark.parametrize("name", [n for n, e in ROUTES if n not in (*PAGES, *LISTS) and "get" in methods_of(e)])
def test_a_query_that_nobody_reads_is_refused(made, api, name):
    answer = api("acme-operator").get(f"{url_of(made, name)}?statis=failed")
    assert answer.status_code == 400 and "statis" in answer.json()["errors"] or answer.status_code == 404, (
        answer.content
    )


@pytest.mark.parametrize(
    "url",
    ["v2/tenants/%00/jobs", "v2/tenants/acme/jobs/%00", "v1/devices/%00/", "v1/job-types/%00/", "v1/runs/%C2%B2/"],
)
def test_an_address_that_is_none_is_unknown(api, url):
    assert api("acme-admin").get(f"/api/{url}").status_code == 404
    assert api("acme-admin").get(f"/api/{url}".replace("%00", "9" * 40)).status_code == 404


class TestWhatAJobSays:
    @pytest.fixture
    def body(self, tenant, wakeups):
        acme = tenant("acme")
        return {
            "template": make.template(acme, "Set NTP server").pk,
            "name": "By API",
            "description": "x",
            "agent": Agent.objects.get(tenant=acme).pk,
            "selection": {"mode": "static", "devices": [str(make.devices(acme, "cisco_ios")[0].pk)]},
            "variables": {"ntp_server": "198.51.100.3"},
        }

    @pytest.mark.parametrize("pk", ["foreign", "00000000-0000-0000-0000-000000000000"])
    def test_a_task_names_no_device_of_others(self, body, api, tenant, pk):
        given = str(make.devices(tenant("globex"))[0].pk) if pk == "foreign" else pk
        tasks = [{"step": 0, "devices": [body["selection"]["devices"][0], given]}]
        answer = api("acme-operator").post("/api/v1/jobs/", {**body, "tasks": tasks}, format="json")
        assert answer.status_code == 400 and set(answer.json()["errors"]) == {"tasks.0.devices"}
        assert not ServiceJob.objects.filter(name="By API").exists()

    def test_a_device_that_was_switched_off_keeps_nobody_from_changing_the_job(self, body, api, acme):
        chosen = make.devices(acme, "cisco_ios", "linux")
        devices = [str(one.pk) for one in chosen]
        body["selection"], tasks = {"mode": "all"}, [{"step": 0, "devices": devices}]
        made = api("acme-operator").post("/api/v1/jobs/", {**body, "tasks": tasks}, format="json").json()
        Device.objects.filter(pk=devices[1]).update(enabled=False)
        url = f"/api/v1/jobs/{made['id']}/"
        whole = api("acme-operator").get(url).json()["definition"]
        answer = api("acme-operator").put(url, {**whole, "description": "y"}, format="json")
        assert answer.status_code == 200, answer.content
        assert answer.json()["definition"]["tasks"][0]["devices"] == devices[:1]

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"variables": {"ntp_servr": "198.51.100.3"}}, "variables.ntp_servr"),
            ({"tasks": [{"step": 49}]}, "tasks.49.step"),
            ({"tasks": [{"step": 0}, {"step": 0}]}, "tasks"),
            ({"selection": {"mode": "search", "search": {"platforms": ["cisco_isо"]}}}, "selection.search.platforms"),
            ({"selection": {"mode": "search", "search": {"networks": [999_999]}}}, "selection.search.networks"),
            ({"selection": {"mode": "search", "search": {"tags": ["foreign"]}}}, "selection.search.tags"),
            ({"triggers": [{"kind": "daily", "start_at": "2030-01-01T00:00:00", "evry": 2}]}, "triggers.evry"),
        ],
    )
    def test_what_it_cannot_mean_is_named(self, body, api, tenant, change, field):
        foreign = AssetTag.objects.filter(tenant=tenant("globex"))[0].pk
        given = json.loads(json.dumps(change).replace('"foreign"', str(foreign)))
        answer = api("acme-operator").post("/api/v1/jobs/", {**body, **given}, format="json")
        assert answer.status_code == 400 and field in answer.json()["errors"], answer.content


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ([{"mode": "exclude", "dates": ["2027-12-24"], "window": ["22:00", "06:00"]}], "rules.0.window"),
        ([{"mode": "exclude", "weekday": ["monday"], "window": ["22:00", "06:00"]}], "rules.0.weekday"),
        ([{"mode": "exclude", "dates": "2027-12-24"}], "rules"),
        ([{"mode": "exclude", "dates": {"2027-12-24": 1}}], "rules.0.dates"),
        ([{"mode": "exclude", "dates": ["2027-12-24"] * 10_001}], "rules.0.dates"),
        ([{"mode": "exclude", "weekdays": ["monday"]}] * 501, "rules"),
    ],
)
def test_a_rule_of_a_filter_says_one_thing(acme, api, rules, field):
    given = {"tenant": acme.pk, "name": "One", "rules": rules}
    answer = api("acme-admin").post("/api/v1/schedule-filters/", given, format="json")
    assert answer.status_code == 400 and field in answer.json()["errors"], answer.content
    shown = api("acme-admin").post(
        "/api/v1/upcoming/",
        {"triggers": [{"kind": "daily", "start_at": "2030-01-01T00:00:00"}], "filters": [{"rules": rules}]},
        format="json",
    )
    assert shown.status_code == 400 and f"filters.0.{field}" in shown.json()["errors"], shown.content


def test_a_rule_holds_no_name_of_its_trigger(made, api):
    url = url_of(made, "trigger-detail")
    rule = api("acme-operator").get(url).json()["rule"]
    answer = api("acme-operator").patch(url, {"rule": {**rule, "enabled": False}}, format="json")
    assert answer.status_code == 400 and "rule.enabled" in answer.json()["errors"]
