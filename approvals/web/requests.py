"""The Approval Log: every request the viewer sees.

Deciding happens beside the plan, on the page a request points to.
"""

from django.http import HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from approvals import selectors
from approvals.domain import COLOURS, LABELS, ApprovalStatus
from config import lists
from config.lists import Column, Filter, Listing
from config.requests import Request
from config.ui import ago, pill
from devices.web.scope import within


def approval_log(request: Request) -> HttpResponse:
    """The list, filtered by status."""
    columns = (
        Column(
            "Job", lambda r: format_html('<a href="{}approval/">{}</a>', r.url, r.title), sort="title", css="strong"
        ),
        Column("Approval Status", lambda r: status_pill(r.status), sort="status"),
        Column("Requested by", lambda r: r.requested_by.get_username(), sort="requested_by__username"),
        Column("Requested", lambda r: ago(r.created_at), sort="created_at"),
        Column("Customer", lambda r: r.tenant.name, sort="tenant__name"),
        Column("Content", lambda r: r.digest[:12], css="mono"),
    )
    choices = [(s.value, LABELS[s]) for s in ApprovalStatus if s is not ApprovalStatus.NOT_REQUESTED]
    filters = (Filter("status", "Approval Status", choices, lists.field("status")),)
    listing = Listing(
        title="Approval Log",
        columns=columns,
        search=("title", "summary"),
        empty="Nobody has asked for an approval yet.",
        filters=filters,
        order="-id",
        intro="A job that changes devices runs only after others have agreed to exactly what will be sent.",
        new_url=reverse("delegations"),
        new_label="Standing in",
    )
    return lists.show(request, within(request, selectors.visible_requests(request.user)), listing)


def status_pill(status: str) -> str:
    """Return an approval status as a pill."""
    found = ApprovalStatus(status)
    return pill(status, LABELS[found], COLOURS[found])
