"""Signing in: who guesses passwords is held off, and nobody else is."""

import re
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import F
from django.test import Client

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
    for _ in range(settings.AXES_FAILURE_LIMIT - 1):
        answer = sign_in("acme-operator", "guessed")
        assert answer.status_code == 200 and WRONG in answer.text
    return sign_in("acme-operator", "guessed")


def test_after_too_many_wrong_passwords_even_the_right_one_waits(guessed):
    assert guessed.status_code == 429 and "Too many wrong passwords" in guessed.text and "in 5 minutes" in guessed.text
    assert sign_in("acme-operator", "demo").status_code == 429
    assert sign_in("acme-operator", "demo", page="/admin/login/").status_code == 429


def test_who_is_held_off_is_told_to_the_operators(person, log_lines):
    person("acme-operator")
    for _ in range(settings.AXES_FAILURE_LIMIT):
        sign_in("acme-operator", "guessed")
    (line,) = [line for line in log_lines if line["action"] == "sign_in.held_off"]
    assert (line["account"], line["address"], line["level"]) == ("acme-operator", HERE, "warning")
    assert "guessed" not in str(log_lines)


def test_what_was_typed_and_where_it_should_lead_stay(person):
    words = {"username": "acme-operator", "password": "guessed", "next": "/jobs/"}
    for _ in range(settings.AXES_FAILURE_LIMIT):
        page = Client(REMOTE_ADDR=HERE).post("/sign-in/", words)
    assert page.status_code == 429 and 'value="acme-operator"' in page.text and 'value="/jobs/"' in page.text


def test_nobody_else_is_kept_out(guessed):
    assert sign_in("acme-operator", "demo", THERE).status_code == 302
    assert sign_in("acme-admin", "demo").status_code == 302


def test_it_is_over_after_a_while(guessed):
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - settings.AXES_COOLOFF_TIME - timedelta(seconds=1))
    assert sign_in("acme-operator", "demo").status_code == 302


def test_who_signs_in_starts_counting_anew(person):
    person("acme-operator")
    for _ in range(2):
        for _ in range(settings.AXES_FAILURE_LIMIT - 1):
            sign_in("acme-operator", "guessed")
        assert sign_in("acme-operator", "demo").status_code == 302


def test_an_unknown_account_is_answered_like_a_known_one(guessed):
    for _ in range(settings.AXES_FAILURE_LIMIT - 1):
        assert WRONG in sign_in("nobody", "guessed").text
    unknown = sign_in("nobody", "guessed")
    assert unknown.status_code == 429 and words(unknown) == words(guessed)
