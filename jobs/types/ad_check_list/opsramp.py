"""OpsRamp's `adCheckList`, which has no words of its own."""

from jobs.domain.opsramp.body import Words
from jobs.types.base import OpsRampType

WORDS = Words(kind="adCheckList", name="AD CheckList")
OPSRAMP = OpsRampType(
    words=WORDS,
    variables=lambda body: {},
    write=lambda job: {"jobType": WORDS.kind},
    title=lambda body: WORDS.kind,
)
