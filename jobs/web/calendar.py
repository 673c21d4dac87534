"""The calendar: past and planned runs of a month or a week, and the same as a feed for calendar programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import icalendar
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from config.requests import Request
from devices import selectors as inventory
from devices.domain.zones import IS_ZONE
from devices.models import ApiToken
from devices.services import sign_in, tokens
from devices.web.scope import within
from jobs import selectors
from jobs.domain.recurrence import instant_of
from jobs.schedule import calendar

#: A cell of the month shows so many entries.
MOST_CELL_ENTRIES = 5
#: The feed begins so long ago, reaches so far ahead, and has so many entries.
FEED_PAST = timedelta(days=14)
FEED_AHEAD = timedelta(days=60)
MOST_FEED_ENTRIES = 2000


@dataclass
class Day:
    """One day of the page."""

    date: date
    entries: list[calendar.Entry] = field(default_factory=list)
    closed: list[tuple[str, list[int]]] = field(default_factory=list)
    outside: bool = False

    @property
    def shown(self) -> list[calendar.Entry]:
        """The entries that a month's cell shows."""
        return self.entries[:MOST_CELL_ENTRIES]

    @property
    def hidden(self) -> int:
        """How many it does not."""
        return max(0, len(self.entries) - MOST_CELL_ENTRIES)

    @property
    def shut(self) -> list[str]:
        """The filters that remove the whole day."""
        return [name for name, hours in self.closed if len(hours) == 24]

    @property
    def partly(self) -> list[str]:
        """The filters that remove a part of it."""
        return [name for name, hours in self.closed if len(hours) < 24]

    def hours(self) -> list[tuple[int, list[calendar.Entry], list[str]]]:
        """Return (hour, entries, filters that remove it) for the week's page."""
        names = [[name for name, closed in self.closed if hour in closed] for hour in range(24)]
        return [(hour, [e for e in self.entries if e.at.hour == hour], names[hour]) for hour in range(24)]


def calendar_page(request: Request) -> HttpResponse:
    """A month or a week of runs and plans, filters shaded."""
    zones = _zones(request)
    zone = ZoneInfo(request.GET["zone"] if request.GET.get("zone") in IS_ZONE else zones[0])
    today = timezone.now().astimezone(zone).date()
    view = "week" if request.GET.get("view") == "week" else "month"
    chosen = _day(request.GET.get("day", ""), today)
    first, days = _week(chosen) if view == "week" else _month(chosen)
    page = [Day(first + timedelta(days=n)) for n in range(days)]
    _fill(request, page, zone)
    for day in page:
        day.outside = view == "month" and day.date.month != chosen.month
    context = {
        "view": view,
        "days": page,
        "weeks": [page[n : n + 7] for n in range(0, len(page), 7)],
        "today": today,
        "chosen": chosen,
        "zone": zone.key,
        "zones": zones if zone.key in zones else [zone.key, *zones],
        "title": f"{chosen:%B %Y}" if view == "month" else f"Week of {first:%d %B %Y}",
        "before": first - timedelta(days=7) if view == "week" else chosen.replace(day=1) - timedelta(days=1),
        "after": first + timedelta(days=7) if view == "week" else chosen.replace(day=28) + timedelta(days=4),
        "hours": list(enumerate(zip(*(day.hours() for day in page), strict=True))) if view == "week" else [],
    }
    return render(request, "jobs/calendar.html", context)


def _fill(request: Request, page: list[Day], zone: ZoneInfo) -> None:
    begin = instant_of(datetime.combine(page[0].date, time()), zone)[0]
    end = instant_of(datetime.combine(page[-1].date + timedelta(days=1), time()), zone)[0]
    triggers = calendar.live_triggers(within(request, selectors.visible_jobs(request.user)))
    entries = calendar.past(within(request, selectors.visible_runs(request.user)), begin, end, zone)
    entries += calendar.planned(triggers, begin, end, zone)
    by_date = {day.date: day for day in page}
    for entry in sorted(entries, key=lambda entry: entry.at):
        by_date[entry.at.date()].entries.append(entry)
    shading = calendar.filters_in_use(request.user, triggers)
    for day in page:
        day.closed = calendar.closed_hours(shading, day.date, zone)


def feed(request: Request, token: str) -> HttpResponse:
    """The calendar of a token's owner as ICS; the secret in the address stands for the sign-in."""
    user = tokens.find_user(token, purpose=ApiToken.Purpose.CALENDAR)
    if user is None and not sign_in.pay(sign_in.of_tokens(request.META.get("REMOTE_ADDR", "")), now=timezone.now()):
        return HttpResponse("Too many wrong addresses were tried from yours; try again later.", status=429)
    if user is None:
        raise Http404
    now = timezone.now()
    zone = ZoneInfo("UTC")
    entries = calendar.past(selectors.visible_runs(user), now - FEED_PAST, now, zone)
    triggers = calendar.live_triggers(selectors.visible_jobs(user))
    entries += [e for e in calendar.planned(triggers, now, now + FEED_AHEAD, zone) if e.status == "Planned"]
    made = icalendar.Calendar()
    made.add("prodid", "-//Interlock//Service jobs//EN")
    made.add("version", "2.0")
    made.add("x-wr-calname", "Interlock")
    for entry in entries[:MOST_FEED_ENTRIES]:
        made.add_component(_event(request, entry, now))
    return HttpResponse(made.to_ical(), content_type="text/calendar; charset=utf-8")


def _event(request: Request, entry: calendar.Entry, now: datetime) -> icalendar.Event:
    event, at = icalendar.Event(), entry.at.astimezone(UTC)
    event.add("uid", f"{at:%Y%m%dT%H%M%SZ}{entry.url.replace('/', '-')}@interlock")
    event.add("dtstamp", now)
    event.add("dtstart", at)
    event.add("summary", f"{entry.title} ({entry.status.lower()})")
    event.add("description", "\n".join(filter(None, [entry.note, "More on this day." if entry.more else ""])))
    event.add("url", request.build_absolute_uri(entry.url))
    return event


def _zones(request: Request) -> list[str]:
    """Zones to choose from: the chosen customer's first, then those of the others, and UTC."""
    key = request.session.get("tenant")
    rows = sorted(inventory.visible_tenants(request.user), key=lambda tenant: tenant.key != key)
    found = [tenant.time_zone for tenant in rows]
    return list(dict.fromkeys([*found, "UTC"]))


def _day(text: str, today: date) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return today
    return found if 1990 <= found.year <= 2200 else today


def _week(day: date) -> tuple[date, int]:
    return day - timedelta(days=day.weekday()), 7


def _month(day: date) -> tuple[date, int]:
    first = day.replace(day=1)
    last = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    begin = first - timedelta(days=first.weekday())
    return begin, (last + timedelta(days=6 - last.weekday()) - begin).days + 1
