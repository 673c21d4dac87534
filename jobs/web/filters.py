"""Pages of schedule filters."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from django import forms
from django.http import HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from config import limits, lists
from config.errors import Forbidden
from config.lists import Column, Listing
from config.pages import form_page
from config.requests import Request
from devices import access
from devices.domain.roles import Verb
from devices.domain.zones import ZONE_CHOICES
from devices.models import Tenant
from devices.web.forms import TenantForm
from devices.web.scope import within
from jobs import selectors
from jobs.domain.holidays import read_holidays
from jobs.domain.recurrence import ImpossibleRule
from jobs.schedule import filters

HELP = (
    "One rule a line: 'exclude 2027-12-24', 'exclude yearly 12-25', 'exclude 2027-12-24..2028-01-02', "
    "'exclude saturday sunday', 'only monday friday 22:00-06:00', 'exclude cron */5 2 * * *'."
)


class FilterForm(TenantForm):
    """A schedule filter."""

    name = forms.CharField(max_length=120)
    time_zone = forms.ChoiceField(choices=ZONE_CHOICES, initial="UTC")
    rules = forms.CharField(
        required=False,
        max_length=limits.MOST_TEXT_CHARACTERS,
        widget=forms.Textarea(attrs={"class": "code", "rows": 8}),
        help_text=HELP,
    )
    holidays = forms.FileField(
        label="Import holidays",
        required=False,
        help_text="A calendar (ICS), or a list (CSV: date, name). Its days are added to the rules as excluded ones.",
    )

    def clean(self) -> dict[str, object]:
        """Read the lines and the file into rules."""
        data = super().clean() or {}
        lines, upload = data.get("rules", ""), data.pop("holidays", None)
        try:
            rules = filters.rules_from_lines(lines) if lines.strip() or not upload else []
            data["rules"] = rules + (read_holidays(upload.read()) if upload else [])
        except ImpossibleRule as error:
            self.add_error(error.field, str(error))
        return data


def filter_list(request: Request) -> HttpResponse:
    """The schedule filters."""
    columns = (
        Column(
            "Name",
            lambda f: format_html('<a href="{}">{}</a>', reverse("edit-filter", args=[f.pk]), f.name),
            sort="name",
            css="strong",
        ),
        Column("Rules", lambda f: filters.lines_from_rules(f.rules), css="mono"),
        Column("Time zone", lambda f: f.time_zone),
        Column("Customer", lambda f: f.tenant.name, sort="tenant__name"),
    )
    may = access.tenants_where(request.user, Verb.ADMINISTER).exists()
    intro = (
        "Timings that match a filter are removed from a trigger: holidays, freezes, business hours. "
        "Customers below may use it too."
    )
    listing = Listing(
        title="Schedule Filters",
        columns=columns,
        search=("name",),
        empty="No schedule filter yet.",
        intro=intro,
        order="name",
    )
    if may:
        listing = replace(listing, new_url=reverse("new-filter"), new_label="New filter")
    return lists.show(request, within(request, selectors.visible_filters(request.user)), listing)


def edit_filter(request: Request, pk: int | None = None) -> HttpResponse:
    """Make or change a filter."""
    owners = access.tenants_where(request.user, Verb.ADMINISTER).order_by("path")
    instance = access.get_visible(request.user, selectors.visible_filters(request.user), pk=pk) if pk else None
    if instance:
        access.check_may(request.user, Verb.ADMINISTER, instance.tenant)
    elif not owners.exists():
        raise Forbidden("You administer no tenant, so there is nothing you could add here.")
    initial = None
    if instance:
        lines = filters.lines_from_rules(instance.rules)
        initial = {"name": instance.name, "time_zone": instance.time_zone, "rules": lines}
    tenant = instance.tenant if instance else None
    form = FilterForm(
        request.POST or None,
        request.FILES or None,
        user=request.user,
        tenants=owners,
        tenant=tenant,
        instance=instance,
        initial=initial,
    )

    def save() -> str:
        owner = cast(Tenant, form.tenant)
        filters.save_filter(by=request.user, tenant=owner, instance=instance, **form.cleaned_data)
        return "The filter was saved."

    title = f"Change filter {instance}" if instance else "New schedule filter"
    return form_page(request, form, save, title=title, back="filters", back_label="Schedule Filters")
