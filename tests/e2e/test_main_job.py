"""The main job in a browser: login → wizard → Execute Now → live page → output → history; the fleet's log agrees."""

import re

import pytest

from tests.e2e.conftest import sign_in


def choose_template(page, label):
    page.goto("/jobs/new/")
    option = page.locator("#id_template option", has_text=label)
    page.select_option("#id_template", value=option.get_attribute("value"))
    page.click("button.primary:has-text('Next')")
    page.wait_for_selector("text=Add Service Details")


def pick(page, *names):
    for name in names:
        page.locator("#picker label.choice", has_text=name).locator("input").check()


def details(page, name):
    page.fill("#id_name", name)
    page.fill("#id_description", "Made by a browser test.")
    page.select_option("#id_agent", label="acme-agent-1")


def go_on(page):
    page.locator("button.primary[name=action]").click()


def test_a_new_user_runs_a_job_on_three_platforms_and_reads_every_line(page, demo):
    before = len(demo.executed())
    sign_in(page, "acme-operator")
    choose_template(page, "Compliance Check – Routers")
    details(page, "Browser check – core")
    pick(page, "acme-sw01", "acme-leaf01", "acme-rt01")
    page.wait_for_selector("#device-count:has-text('3')")
    assert "show ip interface brief" in page.inner_text("#panel") or "show version" in page.inner_text("#panel")
    assert "Fleet login" in page.inner_text("#panel")
    go_on(page)
    page.wait_for_selector("legend:has-text('Tasks')")
    go_on(page)
    page.wait_for_selector("text=Schedule Details")
    go_on(page)
    page.wait_for_selector("#board[data-run-status=succeeded]", timeout=30_000)
    assert page.locator("#board tbody tr").count() == 3
    page.click("text=acme-sw01")
    page.wait_for_selector("#drawer .transcript")
    assert "Cisco IOS Software" in page.inner_text("#drawer")
    page.keyboard.press("Escape")
    page.goto("/runs/")
    row = page.locator("tbody tr", has_text="Browser check – core").first
    for word in ("Succeeded", "acme-operator", "Regular Job", "3/3"):
        assert word in row.inner_text()
    _the_fleet_executed_the_plan(page, demo, before)


def _the_fleet_executed_the_plan(page, demo, before):
    run = page.locator("tbody tr a", has_text="Browser check – core").first.get_attribute("href").split("/")[2]
    answer = page.request.get(f"/api/v1/runs/{run}/devices/").json()["results"]
    hosts = {d["id"]: d["connect_host"] for d in page.request.get("/api/v1/devices/?page_size=200").json()["results"]}
    for item in answer:
        plan = page.request.get(f"/api/v1/device-runs/{item['id']}/").json()["plan"]
        planned = plan["preparation"] + [c for step in plan["steps"] for c in step["commands"]]
        executed = [
            r["command"]
            for r in demo.executed(before)
            if r["device"] == hosts[item["device"]] and r["command"] != "enable"
        ]
        assert executed == planned


def test_bad_input_is_said_beside_its_field_and_nothing_is_lost(page, tmp_path):
    sign_in(page, "acme-operator")
    choose_template(page, "Set NTP server")
    page.fill("#id_name", "version SURVEY")
    page.fill("#id_description", "Keeps what was typed.")
    page.select_option("#id_agent", label="acme-agent-1")
    go_on(page)
    field = page.locator(".field", has=page.locator("#id_name"))
    page.wait_for_selector(".field.bad")
    assert "exists in Acme" in field.inner_text()
    assert page.input_value("#id_name") == "version SURVEY"
    assert page.input_value("#id_description") == "Keeps what was typed."
    page.fill("#id_name", f"Named otherwise {tmp_path.name}")
    addresses = [re.search(r"[\d.]+", t).group() for t in page.locator("#picker label.choice").all_inner_texts()[:2]]
    page.set_input_files(
        "#csv",
        {
            "name": "d.csv",
            "mimeType": "text/csv",
            "buffer": (
                "\ufeffIP address\r\n" + "\r\n".join([*addresses, addresses[0], "nonsense", "203.0.113.9"])
            ).encode(),
        },
    )
    page.click("text=Import from CSV")
    page.wait_for_selector("#import-result:has-text('2 of 5')")
    body = page.inner_text("form#wizard-form")
    for sentence in (
        "The same address stands in line 2",
        "'nonsense' is not an IP address",
        "No device that you can choose here has this address",
    ):
        assert sentence in body
    go_on(page)
    page.wait_for_selector("#id_var_ntp_server")
    page.fill("#id_var_ntp_server", "not an address")
    go_on(page)
    page.wait_for_selector("text=Schedule Details")
    page.click(".sticky-foot button[value=submit]")
    page.wait_for_selector("text=Give an IP address")


def test_a_draft_survives_signing_out(page, tmp_path):
    sign_in(page, "acme-operator")
    choose_template(page, "Show version")
    details(page, f"Half done {tmp_path.name}")
    page.click("text=Save draft")
    page.wait_for_selector("text=The draft was saved")
    page.context.clear_cookies()
    sign_in(page, "acme-operator")
    page.goto("/jobs/?status=draft")
    page.click(f"text=Half done {tmp_path.name}")
    assert page.input_value("#id_description") == "Made by a browser test."


def test_the_wizard_works_by_keyboard(page, tmp_path):
    sign_in(page, "acme-operator")
    page.goto("/jobs/new/")
    page.focus("#id_template")
    page.keyboard.type("Show version")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Add Service Details")
    page.focus("#id_name")
    page.keyboard.type(f"By keyboard {tmp_path.name}")
    page.keyboard.press("Tab")
    page.keyboard.type("No mouse was used.")
    page.focus("#id_agent")
    page.keyboard.type("acme")
    box = page.locator("#picker label.choice input").first
    box.focus()
    page.keyboard.press("Space")
    page.focus("#id_name")
    page.keyboard.press("Enter")
    page.wait_for_selector("legend:has-text('Tasks')")


def test_a_change_is_requested_approved_by_another_and_run(page, chromium, demo, tmp_path):
    name = f"Change {tmp_path.name}"
    sign_in(page, "acme-operator")
    choose_template(page, "Set NTP server")
    details(page, name)
    pick(page, "acme-sw01")
    go_on(page)
    page.wait_for_selector("#id_var_ntp_server")
    page.fill("#id_var_ntp_server", "198.51.100.44")
    go_on(page)
    page.wait_for_selector("text=Schedule Details")
    page.fill("[name=message]", "Please look at this.")
    page.click(".sticky-foot button[value=request]")
    page.wait_for_selector("text=its approval requested")
    assert page.locator("button:has-text('Run now')").is_disabled()
    other = chromium.new_context(base_url=demo.url).new_page()
    sign_in(other, "acme-approver-1")
    other.click(f".banner a:has-text('{name}')") if other.locator(
        f".banner a:has-text('{name}')"
    ).count() else other.goto("/approvals/?status=requested")
    if other.locator("button[value=approve]").count() == 0:
        other.click(f"text={name}")
    assert "ntp server 198.51.100.44" in other.inner_text("main")
    other.click("button[value=approve]")
    other.wait_for_selector(".pill:has-text('Approved')")
    other.context.close()
    page.reload()
    page.click("button:has-text('Run now')")
    page.wait_for_selector("#board[data-run-status=succeeded]", timeout=30_000)
    assert "approved by request" in page.inner_text("#board")
    page.click("text=acme-sw01")
    page.wait_for_selector("#drawer .diff .add:has-text('ntp server 198.51.100.44')")
    page.click("#drawer .close")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/jobs/",
        "/runs/",
        "/devices/",
        "/templates/",
        "/credentials/",
        "/agents/",
        "/jobs/new/",
        "/approvals/",
        "/calendar/",
        "/calendar/?view=week",
    ],
)
@pytest.mark.parametrize("scheme,width", [("light", 1280), ("dark", 390)])
def test_pages_are_accessible_and_do_not_overflow(chromium, demo, path, scheme, width):
    from axe_core_python.sync_playwright import Axe

    page = chromium.new_context(
        base_url=demo.url, color_scheme=scheme, viewport={"width": width, "height": 800}
    ).new_page()
    sign_in(page, "acme-admin")
    page.goto(path)
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})["violations"]
    assert not [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in found]
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.context.close()
