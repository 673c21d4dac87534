"""Budgets of guesses. Each guess is paid before it is looked at, so that many at once are no more than one by one."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db.models import F, QuerySet

from config import limits
from devices.models import Guesses


class Scope(StrEnum):
    """What is counted together."""

    BROWSER = "browser"
    PAIR = "pair"
    ADDRESS = "address"
    ACCOUNT = "account"
    TOKEN = "token"


@dataclass(frozen=True, slots=True)
class Budget:
    """So many guesses (`most`) within the time of `INTERLOCK_SIGN_IN_MINUTES`."""

    scope: Scope
    account: str
    origin: str
    most: int


def budgets(*, account: str, address: str, browser: str) -> list[Budget]:
    """Return what a password for an account is paid from, the narrowest first.

    Who comes with a browser that the account has signed in from (its id, else empty) pays from that browser's own
    budget alone: whatever strangers guess elsewhere does not keep him out.
    """
    tries, origin = settings.SIGN_IN_TRIES, network_of(address)
    if browser:
        return [Budget(Scope.BROWSER, account, browser, tries)]
    return [
        Budget(Scope.PAIR, account, origin, tries),
        Budget(Scope.ADDRESS, "", origin, limits.MOST_GUESSES_OF_ADDRESS),
        Budget(Scope.ACCOUNT, account, "", limits.MOST_GUESSES_OF_ACCOUNT),
    ]


def of_tokens(address: str) -> list[Budget]:
    """Return what a wrong token is paid from."""
    return [Budget(Scope.TOKEN, "", network_of(address), limits.MOST_GUESSES_OF_TOKENS)]


def network_of(address: str) -> str:
    """Return what counts as one place: an IPv4 address, or the /64 of an IPv6 address, which one host has whole."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if found.version == 6 and found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))


def pay(of: Sequence[Budget], *, now: datetime) -> bool:
    """Take a guess out of each budget and say whether there was one in all; otherwise none is taken."""
    paid: list[Budget] = []
    for budget in of:
        if not _take(budget, now):
            for one in paid:
                _rows(one).filter(count__gt=0).update(count=F("count") - 1)
            return False
        paid.append(budget)
    return True


def give_back(of: Sequence[Budget]) -> None:
    """Give a guess back that was none: the narrowest budget begins anew, the wide ones forget this one alone."""
    _rows(of[0]).delete()
    for budget in of[1:]:
        _rows(budget).filter(count__gt=0).update(count=F("count") - 1)


def let_in(account: str) -> int:
    """Forget all guesses for an account, and return in how many budgets they were counted."""
    return Guesses.objects.filter(account=account).delete()[0]


def _rows(budget: Budget) -> QuerySet[Guesses]:
    return Guesses.objects.filter(scope=budget.scope, account=budget.account, origin=budget.origin)


def _take(budget: Budget, now: datetime) -> bool:
    over = now - timedelta(minutes=settings.SIGN_IN_MINUTES)
    rows = _rows(budget)
    left = rows.filter(at__gt=over, count__lt=budget.most)
    if left.update(count=F("count") + 1, at=now) or rows.filter(at__lte=over).update(count=1, at=now):
        return True
    names = {"scope": budget.scope, "account": budget.account, "origin": budget.origin}
    if Guesses.objects.get_or_create(**names, defaults={"at": now})[1]:
        Guesses.objects.filter(at__lte=over).delete()
        return True
    return bool(left.update(count=F("count") + 1, at=now))
