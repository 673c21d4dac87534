"""Each request is one line of the log, without what must not be read there, and its id leads from answer to line."""

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpResponse
from django.utils.functional import SimpleLazyObject

from config.request_log import RequestLog
from devices.models import ApiToken
from devices.services import tokens

pytestmark = pytest.mark.django_db


def test_a_page_is_log_lines_with_who_asked_and_the_chosen_tenant(log_lines, browser):
    client = browser("acme-operator")
    client.post("/tenant/", {"tenant": "acme"})
    log_lines.clear()
    answer = client.get("/jobs/?search=something")
    (line,) = log_lines
    assert (line["action"], line["method"], line["path"], line["status"]) == ("http.request", "GET", "/jobs/", 200)
    assert (line["by"], line["tenant"], line["request_id"]) == ("acme-operator", "acme", answer["X-Request-ID"])
    assert line["ms"] > 0 and "something" not in str(line)


def test_a_refusal_carries_the_id_of_its_line_in_its_header_alone(log_lines, api):
    answer = api("acme-operator").get("/api/v1/jobs/6c0f3f2e-0000-4000-8000-000000000000/")
    (line,) = log_lines
    assert answer.status_code == line["status"] == 404 and line["by"] == "acme-operator"
    assert line["request_id"] == answer["X-Request-ID"]
    assert line["request_id"] not in answer.text, "what is not yours is answered exactly like what is not there"


def test_nobody_is_looked_up_for_the_log_alone(log_lines, rf):
    def answer(request):
        request.user, request.session = SimpleLazyObject(lambda: 1 / 0), SessionStore("unread")
        return HttpResponse()

    RequestLog(answer)(rf.get("/jobs/"))
    assert log_lines[0]["status"] == 200 and "by" not in log_lines[0] and "tenant" not in log_lines[0]


def test_nobody_reads_of_health_checks(log_lines, client):
    assert client.get("/healthz").status_code == 200 and log_lines == []


def test_the_token_of_a_calendar_stands_in_no_line(log_lines, client, person, monkeypatch):
    _, token = tokens.create_token(user=person("acme-operator"), name="Mine", purpose=ApiToken.Purpose.CALENDAR)
    assert client.get(f"/calendar/feed/{token}.ics").status_code == 200
    assert log_lines[0]["path"] == "/calendar/feed/***.ics"

    def broken(*given, **options):
        raise ValueError("of ours")

    monkeypatch.setattr("devices.services.tokens.find_user", broken)
    client.raise_request_exception = False
    answer = client.get(f"/calendar/feed/{token}.ics")
    failed, line = log_lines[1:]
    assert (failed["action"], failed["level"], line["status"]) == ("http.failed", "error", 500)
    assert failed["request_id"] == line["request_id"] == answer["X-Request-ID"]
    assert "ValueError: of ours" in failed["error"] and token not in str(log_lines)
