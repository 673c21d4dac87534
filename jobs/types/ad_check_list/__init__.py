"""AD check list: is a domain controller well? Each check passes, warns or fails; a failed one fails the device."""

from jobs.types.ad_check_list.opsramp import OPSRAMP
from jobs.types.ad_check_list.planner import KEY, template
from jobs.types.ad_check_list.verdicts import verdicts_of
from jobs.types.base import JobType

AD_CHECK_LIST = JobType(
    key=KEY,
    label="AD check list",
    audience="For those who keep Active Directory: replication, services, DNS, SYSVOL and time of domain controllers.",
    icon="ok",
    families={"OpsRamp": "AD CheckList"},
    template=template,
    page="ad_check_list/page.html",
    show=verdicts_of,
    opsramp=OPSRAMP,
)
