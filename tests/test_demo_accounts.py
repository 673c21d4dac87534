"""The demo's accounts, tokens and passwords open nothing outside demo mode, on the same database and key."""

import base64
import itertools

import pytest
from django.conf import settings as configured
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from rest_framework.settings import api_settings

from devices import access
from devices.domain.roles import Verb
from devices.models import ApiToken, DemoAccount
from devices.services import tokens
from jobs.demo import world
from jobs.dispatch import admission
from tests import make

pytestmark = pytest.mark.django_db
EVERYBODY = ("admin", *world.PEOPLE)
#: Each back end and each way of the API to say who asks, with what is tried of it below.
BACKENDS = {"devices.web.sign_in.Guarded": "forms, sessions", "guardian.backends.ObjectPermissionBackend": "no sign-in"}
API_WAYS = {"BearerAuthentication": "tokens", "SessionAuthentication": "sessions"}
PAGES = {"/", "/jobs/", "/admin/", "/api/v1/devices/"}


def is_open(client, path, **headers):
    return client.get(path, **headers).status_code == 200


def form_of(path):
    def knock(name, _):
        client = Client()
        client.post(path, {"username": name, "password": world.PASSWORD})
        return any(is_open(client, page) for page in PAGES)

    return knock


def session(_, before):
    return any(is_open(before["client"], page) for page in PAGES)


def bearer(token_of):
    def knock(name, before):
        headers = {"HTTP_AUTHORIZATION": f"Bearer {token_of(name, before)}"}
        return any(is_open(Client(), page, **headers) for page in PAGES)

    return knock


def feed(_, before):
    return is_open(Client(), f"/calendar/feed/{before['feed']}.ics")


def basic(name, _):
    words = base64.b64encode(f"{name}:{world.PASSWORD}".encode()).decode()
    return any(is_open(Client(), page, HTTP_AUTHORIZATION=f"Basic {words}") for page in PAGES)


def by_password(name, _):
    return authenticate(username=name, password=world.PASSWORD) is not None


def with_a_new_password(name, _):
    """Somebody who may set passwords sets that of an account of the demo, outside of it: it stays the demo's."""
    person = User.objects.get(username=name)
    person.set_password("a new one, and long")
    person.save()
    client = Client()
    client.post("/sign-in/", {"username": name, "password": "a new one, and long"})
    return any(is_open(client, page) for page in PAGES)


WAYS = {
    "the sign-in page": form_of("/sign-in/"),
    "the admin's sign-in page": form_of("/admin/login/"),
    "a session of demo mode": session,
    "a token of the demo": bearer(lambda name, _: f"demo-{name}"),
    "a token made in demo mode": bearer(lambda _, before: before["token"]),
    "a calendar feed made in demo mode": feed,
    "basic authentication": basic,
    "the password itself": by_password,
    "a password that was changed": with_a_new_password,
}
NEVER = {"basic authentication"}


@pytest.fixture
def known(settings):
    """What somebody keeps of demo mode for each account."""
    found = {}
    for name in EVERYBODY:
        person = make.user(name)
        client = Client()
        client.post("/sign-in/", {"username": name, "password": world.PASSWORD})
        _, token = tokens.create_token(user=person, name="own")
        _, address = tokens.create_token(user=person, name="feed", purpose=ApiToken.Purpose.CALENDAR)
        found[name] = {"client": client, "token": token, "feed": address}
    return found


@pytest.mark.parametrize("way", WAYS)
def test_a_way_in_is_open_in_demo_mode_and_shut_outside(way, known, settings):
    settings.SIGN_IN_TRIES = 1000
    shut = NEVER | {"a password that was changed"}
    if way not in shut:
        assert [name for name in EVERYBODY if not WAYS[way](name, known[name])] == []
    settings.DEMO = False
    assert [name for name in EVERYBODY if WAYS[way](name, known[name])] == []


def test_these_are_all_the_ways_in():
    assert set(configured.AUTHENTICATION_BACKENDS) == set(BACKENDS)
    assert {way.__name__ for way in api_settings.DEFAULT_AUTHENTICATION_CLASSES} == set(API_WAYS)
    for name, space in itertools.product(("password_reset", "password_reset_confirm"), ("", "admin:")):
        with pytest.raises(NoReverseMatch):
            reverse(space + name, args=() if name == "password_reset" else ("x", "y"))


def test_who_is_no_account_of_the_demo_comes_in_outside(settings, person, tenant):
    settings.DEMO = False
    own = User.objects.create_user("own", password="of this installation", is_staff=True)
    client = Client()
    client.post("/sign-in/", {"username": "own", "password": "of this installation"})
    assert is_open(client, "/") and access.is_in_use(own)


def test_an_account_of_the_demo_holds_no_right_outside_and_nothing_runs_in_its_name(settings, person, tenant, wakeups):
    job, _ = make.job(person("acme-operator"), make.template(tenant("acme")), make.devices(tenant("acme"), "linux"))
    settings.DEMO = False
    assert not any(access.tenants_where(make.user(name), verb).exists() for name in EVERYBODY for verb in Verb)
    assert "may no longer run" in admission.reason_not_to_run(job, make.user("acme-operator"), timezone.now())
    assert not access.people_of(tenant("acme")).exists()


def test_who_is_made_or_changed_on_a_page_of_the_demo_is_an_account_of_the_demo(browser, settings):
    """Everybody is its administrator, and knows what they chose."""
    client = browser("admin")
    password = {"password1": "chosen in the demo", "password2": "chosen in the demo", "usable_password": "true"}
    client.post("/admin/auth/user/add/", {"username": "left-behind", **password})
    real = User.objects.create_user("real", password="known to one alone")
    client.post(f"/admin/auth/user/{real.pk}/password/", password)
    real.refresh_from_db()
    assert real.check_password("chosen in the demo"), "the page did what it is for"
    assert set(
        DemoAccount.objects.filter(user__username__in=["left-behind", "real"]).values_list("user__username")
    ) == {
        ("left-behind",),
        ("real",),
    }
    settings.DEMO = False
    for name in ("left-behind", "real"):
        assert authenticate(username=name, password="chosen in the demo") is None


def test_a_demo_of_before_is_marked_by_the_migration():
    """Its accounts are those that own a token of the demo."""
    from importlib import import_module

    from django.apps import apps

    DemoAccount.objects.all().delete()
    import_module("devices.migrations.0007_demo_accounts").mark(apps, None)
    assert set(DemoAccount.objects.values_list("user__username", flat=True)) == set(EVERYBODY)
