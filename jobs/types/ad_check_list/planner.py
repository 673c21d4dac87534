"""The checks of an Active Directory domain controller. Pure.

Sources: Microsoft's documentation of dcdiag, repadmin, sc and w32tm.
"""

from __future__ import annotations

from templates_app.domain.built_in import BuiltInTemplate
from templates_app.domain.content import StepKind, TemplateContent, TemplateStep

KEY = "ad_check_list"
_PASSED = (("fail", r"\bfailed test\b"), ("warn", r"(?i)^warning:"), ("pass", r"\bpassed test\b"))
_SERVICES = ("NTDS", "DNS", "Netlogon", "Kdc", "DFSR", "W32Time")
#: Name, command, and the patterns of lines by which its answer is judged.
_CHECKS = (
    ("Connectivity and advertising", "dcdiag /test:Advertising", _PASSED),
    (
        "Replication",
        "repadmin /replsummary",
        (
            ("fail", r"\s[1-9]\d*\s*/\s*\d+\s+\d+"),
            ("warn", r"\s\d+d\.|>\s*60 days"),
            ("pass", r"\s0\s*/\s*\d+\s+0\b"),
        ),
    ),
    *(
        (
            f"Service {name}",
            f"sc query {name}",
            (("fail", r"STATE\s*:\s*[1-3567]\b|FAILED"), ("pass", r"STATE\s*:\s*4\s+RUNNING")),
        )
        for name in _SERVICES
    ),
    ("DNS", "dcdiag /test:DNS", _PASSED),
    ("SYSVOL", "dcdiag /test:SysVolCheck", _PASSED),
    (
        "Time",
        "w32tm /query /status",
        (
            ("fail", r"Leap Indicator: 3|not been started|(?i:error)"),
            ("warn", r"^Source: (Local CMOS Clock|Free-running)"),
            ("pass", r"^Source: \S"),
        ),
    ),
)


def template() -> BuiltInTemplate:
    """Return the check list: one reading step for each check."""
    steps = tuple(
        TemplateStep(name=name, kind=StepKind.READ, commands={"windows": command}, timeout=120, checks=checks)
        for name, command, checks in _CHECKS
    )
    return BuiltInTemplate(
        key=KEY,
        name="AD check list",
        description="Checks the health of Active Directory domain controllers.",
        content=TemplateContent(steps),
    )
