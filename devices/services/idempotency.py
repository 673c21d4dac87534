"""Do what a request asks for once, however often it comes: the answer is stored in the transaction of what it did."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from config.errors import Conflict, Invalid
from devices.models import IdempotentAnswer

#: Answers older than this are forgotten.
KEPT = timedelta(hours=24)
MOST_KEY_CHARACTERS = 120


def answer_once(*, by: User, key: str, digest: str, do: Callable[[], tuple[int, object]]) -> tuple[int, object, bool]:
    """Return (status, body, whether it is an earlier answer). A second one with the key waits for the first.

    What fails is not kept: it may be tried again. Conflict when the key was used for something else.
    """
    if not key.isprintable() or not 1 <= len(key) <= MOST_KEY_CHARACTERS:
        raise Invalid(fields={"Idempotency-Key": [f"Give 1 to {MOST_KEY_CHARACTERS} printable characters."]})
    with transaction.atomic():
        IdempotentAnswer.objects.filter(user=by, created_at__lt=timezone.now() - KEPT).delete()
        row, made = IdempotentAnswer.objects.get_or_create(user=by, key=key, defaults={"digest": digest})
        if not made:
            if row.digest != digest:
                raise Conflict("This Idempotency-Key was used for another request; use a new one for each.")
            return row.status, json.loads(row.body), True
        row.status, body = do()
        row.body = json.dumps(body)
        row.save(update_fields=["status", "body"])
        return row.status, body, False


def earlier_answer(*, by: User, key: str, digest: str) -> object:
    """Return the body of what was answered to a key before; None where nothing was. It waits for nobody."""
    row = IdempotentAnswer.objects.filter(user=by, key=key, digest=digest).exclude(body="").first()
    return json.loads(row.body) if row else None
