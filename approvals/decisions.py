"""The one place where a posted decision becomes a verb: pages, Django's admin and the API come through here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User

from approvals import services
from approvals.domain import Action, Late
from approvals.models import ApprovalRequest
from config.errors import Invalid

#: What can be posted.
CHOICES = ("approve", "reject", "comment", "close")
VOTES = {"approve": Action.APPROVE, "reject": Action.REJECT}


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody posted about a request: one of `CHOICES`, on the content whose `digest` he read.

    `one_run` narrows a series to one run; `late` (of `Late`, or empty) says what is wanted where its time has passed.
    """

    action: str
    message: str = ""
    digest: str = ""
    one_run: bool = False
    late: str = ""

    @classmethod
    def posted(cls, data: Mapping[str, object]) -> Decision:
        """Read a form, or the checked body of an API call."""
        late = str(data.get("late", ""))
        return cls(
            action=str(data.get("action", "")),
            message=str(data.get("message", "")),
            digest=str(data.get("digest", "")),
            one_run=bool(data.get("one_run")),
            late=late if late in list(Late) else "",
        )


def dispatch(*, by: User, request: ApprovalRequest, decision: Decision, now: datetime) -> None:
    """Do what was decided: approve, reject, comment or close; Invalid when it is nothing of these."""
    if decision.action == "comment":
        services.comment(by=by, request=request, message=decision.message, now=now)
    elif decision.action == "close":
        services.close(by=by, request=request, message=decision.message, now=now)
    elif decision.action in VOTES:
        services.decide(
            by=by,
            request=request,
            action=VOTES[decision.action],
            message=decision.message,
            digest=decision.digest,
            now=now,
            one_run=decision.one_run,
            late=decision.late,
        )
    else:
        raise Invalid("Choose Approve, Reject, Comment or Close.")
