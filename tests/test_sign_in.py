"""Signing in: who guesses passwords is held off, and nobody else is."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from unittest.mock import patch

import pytest
from django.conf import settings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.test import Client, RequestFactory
from django.utils import timezone

from config import limits
from config.proxies import TrustedProxies
from devices.models import Guesses
from devices.services.sign_in import Budget, Scope, let_in, pay
from devices.web.sign_in import remembered

pytestmark = pytest.mark.django_db
HERE, THERE = "192.0.2.10", "192.0.2.11"
WRONG = "Both are case-sensitive."


def words(page):
    return re.sub(r'value="(\w{64}|nobody|acme-operator)"', "", page.text)


def sign_in(account, password, address=HERE, page="/sign-in/"):
    return Client(REMOTE_ADDR=address).post(page, {"username": account, "password": password})


@pytest.fixture
def guessed(person):
    person("acme-operator"), person("acme-admin")
    for _ in range(settings.SIGN_IN_TRIES):
        answer = sign_in("acme-operator", "guessed")
        assert answer.status_code == 200 and WRONG in answer.text
    return sign_in("acme-operator", "guessed")


def test_after_too_many_wrong_passwords_even_the_right_one_waits(guessed):
    assert guessed.status_code == 429 and "Too many wrong passwords" in guessed.text and "in 5 minutes" in guessed.text
    assert sign_in("acme-operator", "demo").status_code == 429
    assert sign_in("acme-operator", "demo", page="/admin/login/").status_code == 429


def test_who_is_held_off_is_told_to_the_operators(person, log_lines):
    person("acme-operator")
    for _ in range(settings.SIGN_IN_TRIES + 1):
        sign_in("acme-operator", "guessed")
    (line,) = [line for line in log_lines if line["action"] == "sign_in.held_off"]
    assert (line["account"], line["address"], line["level"]) == ("acme-operator", HERE, "warning")
    assert "guessed" not in str(log_lines)


def test_what_was_typed_and_where_it_should_lead_stay(person):
    words = {"username": "acme-operator", "password": "guessed", "next": "/jobs/"}
    for _ in range(settings.SIGN_IN_TRIES + 1):
        page = Client(REMOTE_ADDR=HERE).post("/sign-in/", words)
    assert page.status_code == 429 and 'value="acme-operator"' in page.text and 'value="/jobs/"' in page.text


def test_nobody_else_is_kept_out(guessed):
    assert sign_in("acme-operator", "demo", THERE).status_code == 302
    assert sign_in("acme-admin", "demo").status_code == 302


def test_it_is_over_after_a_while(guessed):
    Guesses.objects.update(at=F("at") - timedelta(minutes=settings.SIGN_IN_MINUTES, seconds=1))
    assert sign_in("acme-operator", "demo").status_code == 302


def test_who_signs_in_starts_counting_anew(person):
    person("acme-operator")
    for _ in range(2):
        for _ in range(settings.SIGN_IN_TRIES - 1):
            sign_in("acme-operator", "guessed")
        assert sign_in("acme-operator", "demo").status_code == 302


def test_an_unknown_account_is_answered_like_a_known_one(guessed):
    for _ in range(settings.SIGN_IN_TRIES):
        assert WRONG in sign_in("nobody", "guessed").text
    unknown = sign_in("nobody", "guessed")
    assert unknown.status_code == 429 and words(unknown) == words(guessed)


@pytest.fixture
def few(monkeypatch):
    """Budgets that a test can use up."""
    monkeypatch.setattr(limits, "MOST_GUESSES_OF_ADDRESS", 4)
    monkeypatch.setattr(limits, "MOST_GUESSES_OF_ACCOUNT", 4)
    monkeypatch.setattr(limits, "MOST_GUESSES_OF_TOKENS", 3)


def test_one_address_guesses_at_many_accounts_only_so_often(person, few):
    found = [sign_in(f"nobody-{n}", "guessed").status_code for n in range(6)]
    assert found == [200] * 4 + [429] * 2
    assert sign_in("acme-admin", "demo", THERE).status_code == 302


def test_a_network_of_ipv6_is_one_address(person, few):
    found = [sign_in(f"nobody-{n}", "guessed", f"2001:db8::{n + 1}").status_code for n in range(5)]
    assert found == [200] * 4 + [429]


def test_many_addresses_guess_at_one_account_only_so_often_and_keep_its_owner_not_out(person, few):
    mine = Client(REMOTE_ADDR="198.51.100.7")
    assert mine.post("/sign-in/", {"username": "acme-admin", "password": "demo"}).status_code == 302
    mine.post("/sign-out/")
    found = [sign_in("acme-admin", "guessed", f"192.0.2.{n}").status_code for n in range(6)]
    assert found == [200] * 4 + [429] * 2
    assert sign_in("acme-admin", "demo", "192.0.2.99").status_code == 429
    for page in ("/sign-in/", "/admin/login/"):
        mine.defaults["REMOTE_ADDR"] = "203.0.113.9"
        assert mine.post(page, {"username": "acme-admin", "password": "demo"}).status_code == 302
        mine.post("/sign-out/")
    call_command("let_in", "acme-admin", stdout=StringIO())
    assert sign_in("acme-admin", "demo", "192.0.2.99").status_code == 302


def test_a_remembered_browser_has_a_budget_too_and_is_one_account_s(person):
    mine = Client(REMOTE_ADDR=HERE)
    mine.post("/sign-in/", {"username": "acme-admin", "password": "demo"})
    mine.post("/sign-out/")
    (name,) = [name for name in mine.cookies if name.startswith("browser-")]
    assert mine.cookies[name]["httponly"] and "acme-admin" not in name
    found = [mine.post("/sign-in/", {"username": "acme-admin", "password": "x"}).status_code for _ in range(11)]
    assert found == [200] * 10 + [429]
    other = Client(REMOTE_ADDR=HERE)
    other.cookies[name] = mine.cookies[name].value[:-2] + "xx"
    assert remembered(other.get("/sign-in/").wsgi_request, "acme-admin") == ""


def test_guesses_at_once_are_no_more_than_one_after_the_other(person):
    """Each is paid before any password is looked at: while one is checked, the others find the budget used."""
    account, seen = Budget(Scope.PAIR, "acme-admin", HERE, 3), []
    for _ in range(5):
        seen.append(pay([account], now=timezone.now()))
    assert seen == [True] * 3 + [False] * 2
    Guesses.objects.all().delete()
    order = []
    with patch.object(User, "check_password", lambda *given: order.append(Guesses.objects.get(scope="pair").count)):
        sign_in("acme-admin", "guessed")
    assert order == [1]


def test_wrong_tokens_are_counted_and_right_ones_pass(api, few, client):
    answers = [client.get("/api/v1/jobs/", headers={"authorization": f"Bearer x{n}"}).status_code for n in range(5)]
    assert answers == [401] * 3 + [429] * 2
    assert client.get("/calendar/feed/ilk_unknown.ics").status_code == 429
    assert api("acme-operator").get("/api/v1/jobs/").status_code == 200


@pytest.mark.parametrize("account", ["acme-operator", "nobody"])
def test_one_password_is_looked_at_for_each_guess(account, person):
    """So that the time of an answer does not say whether there is such an account."""
    with patch.object(MD5PasswordHasher, "encode", autospec=True, side_effect=MD5PasswordHasher.encode) as encode:
        sign_in(account, "guessed")
    assert encode.call_count == 1


def test_a_password_of_ten_megabytes_is_not_looked_at(person):
    answer = sign_in("acme-operator", "x" * 10_000_000)
    assert answer.status_code == 200 and not Guesses.objects.exists()


def test_who_may_not_enter_the_admin_is_not_sent_in_circles(browser, person):
    User.objects.filter(username="acme-viewer").update(is_staff=False)
    answer = browser("acme-viewer").get("/admin/", follow=True)
    assert answer.status_code == 200 and 'value="/admin/"' in answer.text


class TestProxies:
    @pytest.mark.parametrize(
        ("trusted", "peer", "forwarded", "client"),
        [
            ([], "192.0.2.1", "198.51.100.1", "192.0.2.1"),
            (["192.0.2.1"], "192.0.2.1", "198.51.100.1", "198.51.100.1"),
            (["192.0.2.1"], "192.0.2.2", "198.51.100.1", "192.0.2.2"),
            (["192.0.2.0/24"], "192.0.2.1", "203.0.113.9, 198.51.100.1, 192.0.2.7", "198.51.100.1"),
            (["192.0.2.1"], "192.0.2.1", "203.0.113.9, junk", "192.0.2.1"),
            (["192.0.2.1"], "192.0.2.1", "", "192.0.2.1"),
            (["192.0.2.1"], "192.0.2.1", "127.0.0.1, 2001:db8::5", "2001:db8::5"),
            (["unix"], "", "198.51.100.1", "198.51.100.1"),
            ([], "", "198.51.100.1", ""),
            (["::1"], "::1", "198.51.100.1", "198.51.100.1"),
        ],
    )
    def test_an_address_is_believed_from_a_named_proxy_alone(self, settings, trusted, peer, forwarded, client):
        settings.TRUSTED_PROXIES = trusted
        found = {}
        request = RequestFactory().get("/", REMOTE_ADDR=peer, headers={"x-forwarded-for": forwarded})
        TrustedProxies(lambda asked: found.update(asked.META))(request)
        assert found["REMOTE_ADDR"] == client

    def test_a_forged_address_buys_no_guesses(self, person, few):
        client = Client(REMOTE_ADDR=HERE)
        words = {"username": "acme-operator", "password": "guessed"}
        found = [
            client.post("/sign-in/", words, headers={"x-forwarded-for": f"198.51.100.{n}", "x-real-ip": f"10.0.0.{n}"})
            for n in range(5)
        ]
        assert found[-1].status_code == 429
        assert {row.origin for row in Guesses.objects.exclude(origin="")} == {HERE}

    def test_a_forged_scheme_is_not_believed(self, settings):
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        ask = lambda: Client(REMOTE_ADDR=HERE).get("/sign-in/", headers={"x-forwarded-proto": "https"})  # noqa: E731
        assert not ask().wsgi_request.is_secure()
        settings.TRUSTED_PROXIES = [HERE]
        assert ask().wsgi_request.is_secure()


@pytest.mark.skipif(
    "postgresql" not in settings.DATABASES["default"]["ENGINE"],
    reason="Two writers at once need PostgreSQL; SQLite lets one in at a time.",
)
def test_of_many_guesses_at_once_so_many_are_looked_at_as_there_are():
    """Each thread has a connection of its own, outside of the test's transaction."""
    budget, now = Budget(Scope.PAIR, "somebody", HERE, 5), timezone.now()

    def in_its_own(work):
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        try:
            assert sum(pool.map(in_its_own, [lambda: pay([budget], now=now)] * 24)) == 5
        finally:
            assert pool.submit(in_its_own, lambda: let_in("somebody")).result() == 1
