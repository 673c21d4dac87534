"""Django's admin: who may not see an object sees none of its pages, its history among them; no history has secrets."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.test import RequestFactory
from django.urls import reverse

from jobs.models import ServiceJob
from tests import make
from tests.test_api_bodies import made, things  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db
MODELS = sorted(admin.site._registry, key=lambda model: model.__name__)


def pages(model, pk):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    return {page: reverse(f"{name}_{page}", args=[pk]) for page in ("change", "history")}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("who", ["acme-admin", "acme-operator", "acme-viewer", "globex-operator", "msp-admin"])
def test_the_history_of_an_object_is_shown_to_whom_the_object_is(made, browser, person, model, who):  # noqa: F811
    ServiceJob.objects.filter(created_by=person("acme-operator")).update(visibility="private")
    client, site = browser(who), admin.site._registry[model]
    asked = RequestFactory().get("/")
    asked.user = person(who)
    visible = set(site.get_queryset(asked).values_list("pk", flat=True)) if site.has_view_permission(asked) else set()
    kind = ContentType.objects.get_for_model(model)
    for row in model._default_manager.order_by("-pk")[:12]:
        LogEntry.objects.create(
            user=person("msp-admin"),
            content_type=kind,
            object_id=row.pk,
            object_repr="told",
            action_flag=CHANGE,
            change_message="history-of-it",
        )
        found = {page: client.get(url) for page, url in pages(model, row.pk).items()}
        statuses = {page: answer.status_code for page, answer in found.items()}
        if row.pk in visible:
            assert statuses == {"change": 200, "history": 200}, (row, statuses)
        else:
            assert found["history"].status_code in (302, 403, 404) and len(set(statuses.values())) == 1, statuses
            assert "history-of-it" not in found["history"].content.decode()


def test_a_password_is_in_no_history(client, person):
    chief = person("msp-admin")
    chief.is_staff = chief.is_superuser = True
    chief.save()
    client.force_login(chief)
    secret = "correct-horse-battery-1"
    words = {"username": "fresh", "password1": secret, "password2": secret, "usable_password": "true"}
    assert client.post("/admin/auth/user/add/", words).status_code == 302
    pk = make.user("fresh").pk
    client.post(f"/admin/auth/user/{pk}/password/", {"password1": secret + "2", "password2": secret + "2"})
    told = " ".join(map(str, LogEntry.objects.values_list("change_message", "object_repr")))
    assert LogEntry.objects.filter(action_flag=ADDITION).exists() and secret not in told
    assert secret not in client.get(f"/admin/auth/user/{pk}/history/").content.decode()
