"""The audit trail as administrators read it."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.html import format_html_join

from config import lists
from config.lists import Column, Filter, Listing
from config.requests import Request
from config.ui import ago
from devices import selectors
from devices.web.scope import TENANT, tenant_filter, within


def audit_list(request: Request) -> HttpResponse:
    """The audit trail of the tenants that the user administers."""
    columns = (
        Column("Time", lambda e: ago(e.at), css="nowrap"),
        Column("Who", lambda e: e.actor_name, sort="actor_name"),
        Column("Action", lambda e: e.action, css="mono", sort="action"),
        Column("Subject", lambda e: e.subject),
        TENANT,
        Column("Details", lambda e: format_html_join(", ", "{}: {}", e.details.items()) or "—"),
    )
    filters = (Filter("tenant", "Customer", tenant_filter(request.user), lists.field("tenant")),)
    listing = Listing(
        title="Audit",
        columns=columns,
        search=("actor_name", "action", "subject"),
        empty="Nothing has been recorded yet.",
        filters=filters,
        intro="Append-only, chained by hash: who did what, when.",
    )
    return lists.show(request, within(request, selectors.visible_audit(request.user)), listing)
