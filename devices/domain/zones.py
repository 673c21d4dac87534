"""The IANA time zones, read once: listing them walks the whole zone database."""

from zoneinfo import available_timezones

ZONES = tuple(sorted(available_timezones() - {"localtime", "Factory"}))
ZONE_CHOICES = [(name, name) for name in ZONES]
IS_ZONE = frozenset(ZONES)
