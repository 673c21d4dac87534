"""Deliver what waits in the outbox: receivers side by side, tenants in turn, and whatever happens is one message's
failure."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber

from config.failpoints import failpoint
from config.logs import bound
from devices.domain.errors import DeliveryFailed
from devices.models import OutboxMessage
from devices.services import channels
from devices.services.masking import masker_of_tenant
from devices.services.outbox import EVENTS

log = logging.getLogger(__name__)
#: How long (seconds) after each failed attempt; after the last one the message is given up.
PAUSES = (10, 30, 60, 300, 900, *[3600] * 48)
#: What the log calls a message that was not delivered: given up, or to be tried again.
NOT_DELIVERED = {True: "message.failed", False: "message.postponed"}
#: A sender that has not come back for this long is taken as dead.
SENDING = timedelta(minutes=2)
#: A message that was taken so long ago (seconds) is not begun any more: somebody else is about to take it.
MOST_HELD_SECONDS = 60.0
MESSAGES_PER_CLAIM = 50
#: So many messages are on their way at once, and so many of one tenant.
SENDERS = 16
SENDERS_OF_A_TENANT = 2
#: A receiver that took so many seconds to fail is not tried again in the same delivery.
SLOW_SECONDS = 2.0
#: So often (seconds) is looked for what has come meanwhile.
LOOK_SECONDS = 0.5


def deliver(*, now: datetime) -> int:
    """Send what is due; return how many were delivered. Any number of callers may do this at once."""
    with ThreadPoolExecutor(SENDERS, thread_name_prefix="message") as pool:
        return _Delivery(now, pool).run()


class _Delivery:
    """One delivery: what it has taken, what is on its way, and which receivers are away."""

    def __init__(self, now: datetime, pool: ThreadPoolExecutor) -> None:
        self._pool, self._from, self._begun = pool, now, time.monotonic()
        self._held: list[tuple[float, OutboxMessage]] = []
        self._looked, self._found = 0.0, False
        self._busy: dict[Future[tuple[DeliveryFailed | None, float]], tuple[OutboxMessage, object]] = {}
        self._away: dict[object, str] = {}
        self._sent = 0

    @property
    def now(self) -> datetime:
        return self._from + timedelta(seconds=time.monotonic() - self._begun)

    def run(self) -> int:
        """Go on until nothing is due and nothing on its way."""
        while True:
            self._take()
            self._begin()
            if self._busy:
                self._end(wait(self._busy, LOOK_SECONDS, FIRST_COMPLETED).done)
            elif not self._held and not self._found:
                return self._sent

    def _take(self) -> None:
        """Take messages of tenants that wait with none, as often as is looked for them."""
        if self._held and time.monotonic() - self._looked < LOOK_SECONDS:
            self._found = True  # nobody knows: who has begun all that he holds looks again before he ends
            return
        taken = _claim(self.now, {message.tenant_id for _, message in self._held} | self._crowded())
        self._looked, self._found = time.monotonic(), bool(taken)
        self._held += [(self._looked, message) for message in taken]

    def _crowded(self) -> set[int]:
        """Return the tenants (ids) of which so many messages are on their way as may be."""
        counts = Counter(message.tenant_id for message, _ in self._busy.values())
        return {tenant for tenant, count in counts.items() if count >= SENDERS_OF_A_TENANT}

    def _begin(self) -> None:
        """Begin what may be begun of what was taken; what was held for too long is somebody else's."""
        held, self._held = self._held, []
        for since, message in held:
            if len(self._busy) >= SENDERS or message.tenant_id in self._crowded():
                self._held.append((since, message))
            elif time.monotonic() - since < MOST_HELD_SECONDS:
                self._try(message)

    def _try(self, message: OutboxMessage) -> None:
        failure, found = _prepared(message)
        if found is None:
            self._sent += _ended(message, failure, self.now)
        elif found.receiver in self._away:
            reason = f"Not tried, for another message just failed: {self._away[found.receiver]}"
            self._sent += _ended(message, DeliveryFailed(reason), self.now)
        else:
            self._busy[self._pool.submit(_timed, message, found)] = message, found.receiver

    def _end(self, done: Collection[Future[tuple[DeliveryFailed | None, float]]]) -> None:
        for future in done:
            message, receiver = self._busy.pop(future)
            failure, seconds = future.result()
            if failure and seconds > SLOW_SECONDS:
                self._away[receiver] = failure.message
            self._sent += _ended(message, failure, self.now)


def _claim(now: datetime, crowded: Collection[int] = ()) -> list[OutboxMessage]:
    """Take due messages for as long as a sending may last: nobody else sends them meanwhile.

    Tenants are served in turn, each with what was tried least.
    """
    due = OutboxMessage.objects.filter(status=OutboxMessage.Status.WAITING, next_at__lte=now)
    turn = Window(RowNumber(), partition_by=[F("tenant")], order_by=[F("attempts").asc(), F("pk").asc()])
    chosen = due.exclude(tenant__in=crowded).annotate(turn=turn).order_by("turn", "pk")
    pks = list(chosen.values_list("pk", flat=True)[:MESSAGES_PER_CLAIM])
    if not pks:
        return []
    with transaction.atomic():
        free = due.filter(pk__in=pks).select_for_update(skip_locked=True, of=("self",)).select_related("tenant")
        rows = {row.pk: row for row in free.order_by("pk")}
        OutboxMessage.objects.filter(pk__in=rows).update(attempts=F("attempts") + 1, next_at=now + SENDING)
    for row in rows.values():
        row.attempts += 1
    return [rows[pk] for pk in pks if pk in rows]


def _prepared(message: OutboxMessage) -> tuple[DeliveryFailed | None, channels.Sending | None]:
    try:
        return None, channels.sending(message, EVENTS[message.event])
    except DeliveryFailed as failure:
        return failure, None
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this message's failure
        return _defect(message, error), None


def _timed(message: OutboxMessage, found: channels.Sending) -> tuple[DeliveryFailed | None, float]:
    """Send; return why it failed, if it did, and how many seconds it took."""
    begun, failure = time.monotonic(), None
    try:
        with bound(**_log_fields(message)):
            found.send()
    except DeliveryFailed as error:
        failure = error
    except BaseException as error:  # noqa: BLE001 - also what is no Exception: it would end the delivery for all others
        failure = _defect(message, error)
    return failure, time.monotonic() - begun


def _defect(message: OutboxMessage, error: BaseException) -> DeliveryFailed:
    words = "Message %s could not be sent."
    log.error(words, message.pk, exc_info=error, extra={"action": "message.errored", **_log_fields(message)})
    return DeliveryFailed(
        f"Interlock itself failed while sending ({type(error).__name__}); the server log has details."
    )


def _ended(message: OutboxMessage, failure: DeliveryFailed | None, now: datetime) -> int:
    """Note how a sending ended; return 1 when it was delivered. It never reaches the event that is told of."""
    if failure is None:
        failpoint("delivery_not_marked")
        _mine(message).update(status=OutboxMessage.Status.SENT, sent_at=now, error="")
        log.info("Message %s was delivered.", message.pk, extra={"action": "message.delivered", **_log_fields(message)})
        return 1
    over = message.attempts > len(PAUSES) or failure.final
    pause = timedelta(seconds=PAUSES[min(message.attempts, len(PAUSES)) - 1])
    status = OutboxMessage.Status.FAILED if over else OutboxMessage.Status.WAITING
    said, cause = _fit_to_show(message, failure.message, failure.cause)
    _mine(message).update(status=status, error=said[:300], next_at=now + pause)
    about = {**_log_fields(message), "tries": message.attempts, **({"cause": cause[:500]} if cause else {})}
    log.warning("Message %s was not delivered: %s", message.pk, said, extra={"action": NOT_DELIVERED[over], **about})
    return 0


def _fit_to_show(message: OutboxMessage, *texts: str) -> list[str]:
    """Return what a receiver may have said, without what it was given and what no database takes."""
    masked = map(masker_of_tenant(message.tenant_id).hide_quoted, texts)
    return ["".join(sign if sign.isprintable() else "\ufffd" for sign in text) for text in masked]


def _mine(message: OutboxMessage) -> QuerySet[OutboxMessage]:
    """Return the message's row as long as nobody else has taken it meanwhile."""
    return OutboxMessage.objects.filter(pk=message.pk, status=OutboxMessage.Status.WAITING, attempts=message.attempts)


def _log_fields(message: OutboxMessage) -> dict[str, object]:
    """Return what names a message in the log; `about` begins with what it tells of: `run:12:completed`."""
    return {
        "tenant": message.tenant.key,
        "message_id": message.pk,
        "channel": message.channel,
        "event": message.event,
        "about": message.key,
    }
