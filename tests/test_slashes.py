"""Each address of the API works with and without its slash, by every method, and has no twin in .json."""

import pytest
from django.conf import settings
from django.urls import reverse

from devices.models import Network
from tests.test_api_bodies import CHANGES, LISTS, made, things, url_of  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("name", "method"), [*CHANGES, *((name, "get") for name in LISTS)])
def test_with_and_without_slash_it_is_the_same(made, api, name, method):  # noqa: F811
    url = url_of(made, name)
    other = url.removesuffix("/") if url.endswith("/") else f"{url}/"
    found = [api("acme-admin").generic(method.upper(), u, '{"visiblity": 1}', "application/json") for u in (url, other)]
    assert found[0].status_code == found[1].status_code and found[0].status_code != 301
    assert method == "get" or found[0].content == found[1].content


def test_a_post_without_slash_makes_what_it_says(api, acme):
    answer = api("acme-admin").post("/api/v1/networks", {"tenant": acme.pk, "name": "Without"}, format="json")
    assert answer.status_code == 201 and Network.objects.filter(name="Without").exists()


def test_a_posted_page_without_slash_is_posted(browser):
    client = browser("acme-operator")
    assert client.post(reverse("choose-tenant").removesuffix("/"), {"tenant": "acme"}).status_code == 302
    assert client.session["tenant"] == "acme"
    assert client.get("/jobs").status_code == 301


@pytest.mark.parametrize("name", LISTS)
def test_there_are_no_twins(made, api, name):  # noqa: F811
    assert api("acme-admin").get(f"{url_of(made, name).rstrip('/')}.json").status_code == 404
    assert api("acme-admin").get(f"{url_of(made, name).rstrip('/')}//").status_code == 404


def test_over_https_a_body_is_never_asked_for_again_in_the_clear(api, monkeypatch):
    monkeypatch.setattr(settings, "SECURE_SSL_REDIRECT", True)
    assert api("acme-admin").get("/api/v1/networks/").status_code == 301
    answer = api("acme-admin").post("/api/v1/networks/", {"name": "x"}, format="json")
    assert answer.status_code == 400
