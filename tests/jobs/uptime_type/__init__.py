"""A job type that is none of the product's: what a new one needs, in one folder."""

from dataclasses import replace

from jobs.domain.planner import Planner
from jobs.domain.states import RunStatus
from jobs.domain.step_runner import DeviceResult
from jobs.types.base import JobType
from templates_app.domain.built_in import BuiltInTemplate
from templates_app.domain.checks import Verdict
from templates_app.domain.content import RuntimeVariable, StepKind, TemplateContent, TemplateStep, VariableType

KEY = "uptime"
STEP = TemplateStep(
    name="Uptime",
    kind=StepKind.READ,
    commands={"cisco_ios": "show version"},
    checks=(("warn", r"uptime is .*minute"), ("pass", "uptime")),
)
PARAMETERS = (
    RuntimeVariable(name="least_days", type=VariableType.INTEGER, label="At least so many days", default="1"),
)


def template():
    content = TemplateContent((STEP,), PARAMETERS, platforms=("cisco_ios",))
    return BuiltInTemplate(key=KEY, name="Device uptime", description="Reads how long devices run.", content=content)


class UptimePlanner(Planner):
    """Puts the limit into the note of the step, as a planner of its own would plan by its parameters."""

    def plan(self, device, credential):
        plan = super().plan(device, credential)
        note = f"At least {self.variables.get('least_days') or 1} days."
        return replace(plan, steps=tuple(replace(step, note=note) for step in plan.steps))


def judge(findings):
    """Here a warning is a failure, in words of its own."""
    if any(finding.verdict is not Verdict.PASS for finding in findings):
        return DeviceResult(RunStatus.FAILED, "restarted_lately", f"It runs for a short time: {findings[0].text}")
    return DeviceResult(RunStatus.SUCCEEDED)


def show(run):
    return {"rows": list(run.device_runs.values_list("device_name", "reason"))}


UPTIME = JobType(
    key=KEY,
    label="Uptime watch",
    audience="For a test.",
    icon="ok",
    families={"None": "None"},
    template=template,
    planner=UptimePlanner,
    judge=judge,
    page="uptime_type/page.html",
    show=show,
)
