"""An approval in the browser: asked for, read, approved, voided by an edit, approved by two, run; the log tells the
whole story."""

from tests.e2e.conftest import sign_in
from tests.e2e.test_main_job import choose_template, details, go_on, pick


def as_(page, name):
    """Go on as somebody else."""
    page.context.clear_cookies()
    sign_in(page, name)


def approve(page, name, message):
    as_(page, name)
    assert "waits for you" in page.inner_text(".banner")
    page.click(".banner a >> nth=0")
    assert "ntp server" in page.inner_text("main")
    page.fill("#message", message)
    page.click("button:has-text('Approve')")
    page.wait_for_selector(f"text={message}")


def test_the_whole_story_of_an_approval(page, demo):
    sign_in(page, "acme-operator")
    choose_template(page, "Set NTP server")
    details(page, "Story of an approval")
    pick(page, "acme-sw01")
    go_on(page)
    page.fill("[name=var_ntp_server]", "198.51.100.61")
    go_on(page)
    page.wait_for_selector("legend:has-text('Request')")
    page.fill("[name=message]", "New time server.")
    page.click("button[value=request]:visible >> nth=-1")
    page.wait_for_selector("text=approval requested")
    job = page.url
    approve(page, "acme-approver-1", "Looks right.")
    assert page.locator(".pill-ok:has-text('Approved')").count()

    as_(page, "acme-operator")
    page.goto(job)
    page.click("button:has-text('Edit')")
    page.wait_for_selector("text=Add Service Details")
    go_on(page)
    page.fill("[name=var_ntp_server]", "198.51.100.62")
    go_on(page)
    page.wait_for_selector("text=Schedule Details")
    page.click("button[value=submit]:visible >> nth=-1")
    page.wait_for_selector("text=request its approval")
    assert page.locator(".pill:has-text('Not Requested')").count()

    as_(page, "acme-admin")
    page.goto("/approvals/policies/new/")
    page.select_option("[name=required_1]", "2")
    page.click("button.primary:has-text('Save')")
    page.wait_for_selector("text=2 approvals")

    as_(page, "acme-operator")
    page.goto(job)
    page.fill("[name=message]", "Once more, please.")
    page.click("button:has-text('Request Approval')")
    page.wait_for_selector("text=The approval was requested.")
    approve(page, "acme-approver-1", "Still right.")
    assert "1 of 2" in page.inner_text("main") and "Compared with request" in page.inner_text("main")
    approve(page, "acme-approver-2", "Right for me too.")
    assert "2 of 2" in page.inner_text("main")

    before = len(demo.executed())
    as_(page, "acme-operator")
    page.goto(job)
    page.click("button:has-text('Run now')")
    page.wait_for_selector("#board[data-run-status=succeeded]", timeout=30_000)
    sent = [row["command"] for row in demo.executed(before)]
    assert sent.count("ntp server 198.51.100.62") == 1 and "ntp server 198.51.100.61" not in sent
    page.click("text=Job Approval Log")
    story = page.inner_text("ul.log")
    for words in ("Requested", "Once more, please.", "Still right.", "Right for me too.", "Executed"):
        assert words in story
    page.click("text=/Other requests/ >> a >> nth=0")
    earlier = page.inner_text("ul.log")
    for words in ("New time server.", "Looks right.", "Voided", "the variables"):
        assert words in earlier

    as_(page, "acme-admin")
    page.goto("/approvals/policies/")
    page.click("td a >> nth=0")
    page.select_option("[name=required_1]", "1")
    page.click("button.primary:has-text('Save')")
    page.wait_for_selector("text=1 approval")
