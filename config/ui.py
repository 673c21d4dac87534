"""Template tags and filters of the theme: status pills, icons, times, links that keep the query."""

import re
import secrets
import unicodedata
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django import template
from django.http import HttpRequest
from django.template import Context
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from config import one_line

register = template.Library()

#: Stroke icons on a 24 by 24 grid, drawn for this product.
ICONS = {
    "dashboard": "M4 4h7v7H4zM13 4h7v4h-7zM13 11h7v9h-7zM4 14h7v6H4z",
    "plus": "M12 5v14M5 12h14",
    "jobs": "M5 6h14M5 12h14M5 18h9",
    "history": "M4 12a8 8 0 1 0 3-6.2M4 4v4h4M12 8v4l3 2",
    "calendar": "M4 6h16v14H4zM4 10h16M8 3v4M16 3v4",
    "approval": "M5 12l4 4 10-10M4 20h16",
    "template": "M6 3h9l4 4v14H6zM14 3v5h5M9 13h7M9 17h5",
    "device": "M4 8h16v8H4zM8 12h.01M12 12h.01M7 20h10M12 16v4",
    "settings": "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z"
    "M12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.1 2.1M16.3 16.3l2.1 2.1M5.6 18.4l2.1-2.1M16.3 7.7l2.1-2.1",
    "key": "M14 10a4 4 0 1 0-3.5 4L12 15.5h2V18h2v2h4v-3l-6-6",
    "agent": "M5 5h14v9H5zM9 19h6M12 14v5M9 9h.01M15 9h.01",
    "network": "M12 4v5M12 15v5M5 20h14M9 9h6v6H9zM5 20v-3M19 20v-3",
    "tag": "M4 4h8l8 8-8 8-8-8zM8 8h.01",
    "profile": "M4 6h10M18 6h2M4 12h4M12 12h8M4 18h12M20 18h0M16 4v4M10 10v4M18 16v4",
    "user": "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM5 20c1-4 4-5 7-5s6 1 7 5",
    "bell": "M6 17h12l-2-3V10a4 4 0 0 0-8 0v4zM10 20h4",
    "menu": "M4 6h16M4 12h16M4 18h16",
    "search": "M11 5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM16 16l4 4",
    "ok": "M5 12l5 5 9-10",
    "fail": "M6 6l12 12M18 6L6 18",
    "run": "M8 5l10 7-10 7z",
    "warn": "M12 5v9M12 18h.01",
    "idle": "M7 12h10",
    "audit": "M6 3h12v18H6zM9 8h6M9 12h6M9 16h3",
    "api": "M8 8l-4 4 4 4M16 8l4 4-4 4M13 6l-2 12",
    "theme": "M12 4a8 8 0 1 0 8 8 6 6 0 0 1-8-8z",
    "building": "M5 21V4h9v17M14 9h5v12M8 8h3M8 12h3M8 16h3",
    "edit": "M4 20l1-4L16 5l3 3L8 19z",
    "trash": "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",
    "download": "M12 4v11M8 11l4 4 4-4M5 20h14",
    "out": "M14 4h5v16h-5M4 12h10M10 8l4 4-4 4",
}


@register.simple_tag
def once() -> SafeString:
    """Return the hidden field by which a form acts once (`devices.web.once`)."""
    return format_html('<input type="hidden" name="once" value="{}">', secrets.token_urlsafe(18))


@register.simple_tag
def icon(name: str) -> SafeString:
    """Return one icon; it is decoration, the words beside it say the same."""
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="{}"/></svg>', ICONS[name]
    )


@register.simple_tag
def pill(status: str, label: str, colour: str) -> SafeString:
    """Return a status as icon and word."""
    return format_html('<span class="pill pill-{}" data-status="{}">{}{}</span>', colour, status, icon(colour), label)


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """Return a time relative to now, with the exact one on hover and for machines."""
    if moment is None:
        return mark_safe('<span class="none">—</span>')
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(timespec="seconds"),
        local.strftime("%Y-%m-%d %H:%M:%S %Z"),
        _relative(moment - timezone.now()),
    )


@register.filter
def wall(moment: datetime) -> str:
    """Return a moment as the wall clock of its own zone, which Django's date filter would replace by the server's."""
    return f"{moment:%a %Y-%m-%d %H:%M} {moment.tzname()}"


@register.filter
def clock(moment: datetime) -> str:
    """Return the time of day in the moment's own zone."""
    return f"{moment:%H:%M}"


@register.filter
def duration(span: timedelta | None) -> str:
    """Return a length of time in words: 4.2 s, 3 min 10 s, 2 h 5 min."""
    if span is None:
        return "—"
    seconds = span.total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


@register.simple_tag
def elapsed(start: datetime | None, end: datetime | None) -> str:
    """Return how long something took, or has taken so far."""
    return duration((end or timezone.now()) - start) if start else "—"


@register.simple_tag(takes_context=True)
def query(context: Context, **changes: object) -> str:
    """Return the present query string with some keys changed (None removes)."""
    request: HttpRequest = context["request"]
    values = request.GET.copy()
    for key, value in changes.items():
        if value in (None, ""):
            values.pop(key, None)
        else:
            values[key] = str(value)
    return f"?{values.urlencode()}" if values else "?"


def _relative(span: timedelta) -> str:
    seconds = span.total_seconds()
    size = abs(seconds)
    for limit, unit, name in ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h"), (86400 * 60, 86400, "d")):
        if size < limit:
            words = f"{int(size // unit)} {name}"
            break
    else:
        words = f"{int(size // (86400 * 30))} months"
    if size < 2:
        return "now"
    return f"in {words}" if seconds > 0 else f"{words} ago"


@register.filter
def lines(texts: Iterable[str]) -> str:
    """Return texts one under the other, as boxes that keep their line ends show them."""
    return "\n".join(texts)


#: A page shows at most this much of one answer; the download has all of it.
MOST_SHOWN_CHARACTERS = 200_000


@register.filter
def visible(text: str) -> str:
    """Return device text with control and direction characters made visible, cut where a browser would suffer."""
    cut = text[:MOST_SHOWN_CHARACTERS]
    marked = one_line.visible(cut, keep="\n\t")
    more = len(text) - len(cut)
    return marked + (f"\n… {more} more characters; download the raw text to read them." if more else "")


@register.filter
def visible_lines(texts: Iterable[str]) -> str:
    """Return lines like `lines`, hidden characters made visible. However many they are, none is left out."""
    return lines(map(visible, texts))


#: They stand around the name of a secret whose value is put into a line right before it is sent.
SECRET_BRACKETS = "\u27e6\u27e7"


@register.filter
def marked(text: object) -> SafeString:
    """Return a text for somebody who decides by it: hidden characters visible, letters that look like others marked.

    Those are letters of another script within a Latin word, and what is written for an ASCII character (full width).
    """
    return format_html_join("", "{}", ((_marked_word(word),) for word in re.split(r"(\s+)", str(text))))


@register.filter
def marked_lines(texts: Iterable[str]) -> SafeString:
    """Return lines like `visible_lines`; every character of theirs that is not ASCII is marked."""
    return format_html_join(
        "\n", "{}", ((_marked(text, lambda char: char > "\x7e" and char not in SECRET_BRACKETS),) for text in texts)
    )


def _marked_word(word: str) -> SafeString:
    mixed = bool(re.search("[A-Za-z]", word))

    def is_strange(char: str) -> bool:
        if char <= "\x7e":
            return False
        foreign = char.isalpha() and not unicodedata.name(char, "").startswith("LATIN")
        return (mixed and foreign) or unicodedata.normalize("NFKC", char).isascii()

    return _marked(word, is_strange)


def _marked(text: str, is_strange: Callable[[str], bool]) -> SafeString:
    if text.isascii() and text.isprintable():
        return format_html("{}", text)
    return format_html_join("", "{}", ((_mark_strange(char, is_strange(char)),) for char in text))


def _mark_strange(char: str, strange: bool) -> SafeString | str:
    shown = one_line.visible(char, keep="\n\t")
    if shown != char or not strange:
        return shown
    words = f"U+{ord(char):04X} {unicodedata.name(char, '')}".strip()
    return format_html('<mark class="strange" title="{}">{}</mark>', words, char)
