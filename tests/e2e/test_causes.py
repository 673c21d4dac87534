"""Four devices, four fates, through web, broker and worker: partial, and each cause in plain words everywhere."""

from tests.e2e.conftest import sign_in


def test_each_cause_is_named_on_the_run_page_in_the_api_and_in_history(page, demo):
    sign_in(page, "acme-admin")
    devices = {d["name"]: d for d in page.request.get("/api/v1/devices/?page_size=200").json()["results"]}
    good, wrong, gone, picky = (devices[n] for n in ("acme-leaf02", "acme-sw02", "acme-srv01", "acme-rt01"))
    demo.faults(of={wrong["connect_host"]: {"password": "other"}, picky["connect_host"]: {"reject": "ntp server"}})
    _unreachable(page, gone)
    before = len(demo.executed())
    template = page.request.get("/api/v1/service-templates/?search=Set+NTP").json()["results"][0]
    agent = page.request.get("/api/v1/agents/?search=acme").json()["results"][0]
    body = {
        "template": template["id"],
        "name": "Four fates",
        "description": "x",
        "agent": agent["id"],
        "execute": "now",
        "without_approval": "A test of causes.",
        "selection": {"devices": [d["id"] for d in (good, wrong, gone, picky)]},
        "variables": {"ntp_server": "198.51.100.60"},
    }
    token = {"Authorization": "Bearer demo-acme-admin"}
    made = page.request.post("/api/v1/jobs/", data=body, headers=token).json()
    page.goto(f"/runs/{made['run']}/")
    page.wait_for_selector("#board[data-run-status=partial]", timeout=40_000)
    board = page.inner_text("#board")
    for sentence in (
        "refused the login of 'netops'",
        "No connection to",
        "rejected 'set system ntp server 198.51.100.60'",
    ):
        assert sentence in board
    rows = {r["device_name"]: r for r in page.request.get(f"/api/v1/runs/{made['run']}/devices/").json()["results"]}
    reasons = {name: (row["status"], row["reason"]) for name, row in rows.items()}
    assert reasons == {
        good["name"]: ("succeeded", ""),
        wrong["name"]: ("failed", "login_refused"),
        gone["name"]: ("failed", "unreachable"),
        picky["name"]: ("failed", "rejected"),
    }
    sent = [r["command"] for r in demo.executed(before) if r["device"] == picky["connect_host"]]
    assert "set system ntp server 198.51.100.60" in sent and "commit" not in sent
    assert sent[-1] == "show configuration | display set", "what is on it now is read, over a new connection"
    page.goto("/runs/")
    row = page.locator("tbody tr", has_text="Four fates").inner_text()
    for words in ("Partial", "login refused: acme-sw02", "unreachable: acme-srv01", "rejected: acme-rt01"):
        assert words in row
    page.goto("/")
    assert "Four fates" in page.inner_text("main")
    demo.faults(of={})


def _unreachable(page, device):
    """Point the device at a port where nobody listens, as an administrator would."""
    page.goto(f"/edit/devices/{device['id']}/")
    page.fill("#id_connect_port", "9")
    page.click("button:has-text('Save')")
    page.wait_for_selector("text=was saved")
