"""The forms of the inventory, profiles, filters and tenants: saved once, or the mistake beside its field."""

import pytest

pytestmark = pytest.mark.django_db
PAGES = [
    ("/edit/networks/new/", {"name": "Lab"}, "/networks/"),
    ("/edit/agents/new/", {"name": "second"}, "/agents/"),
    ("/profiles/new/", {"name": "Lab", "values": "ntp_server = 192.0.2.1"}, "/profiles/"),
    ("/filters/new/", {"name": "Freeze", "time_zone": "UTC", "rules": "exclude yearly 12-24"}, "/filters/"),
]


@pytest.mark.parametrize("url,data,back", PAGES, ids=[row[0] for row in PAGES])
def test_a_form_saves_goes_back_and_refuses_the_same_name_again(url, data, back, browser, tenant):
    client, data = browser("acme-admin"), {"tenant": tenant("acme").pk, **data}
    answer = client.post(url, data)
    assert (answer.status_code, answer["Location"]) == (302, back)
    assert data["name"] in client.get(back).content.decode()
    again = client.post(url, data)
    assert again.status_code == 200 and "name" in again.context["form"].errors


def test_a_tenant_is_made_below_another_once(browser, tenant):
    client = browser("msp-admin")
    data = {"key": "newco", "name": "NewCo", "kind": "customer", "parent": tenant("msp_12").pk, "time_zone": "UTC"}
    assert client.post("/tenants/new/", data)["Location"] == "/tenants/"
    assert "key" in client.post("/tenants/new/", data).context["form"].errors
