"""One device at a port of this machine, and one job on it through the product, as a person would make it."""

from devices.domain.secrets import Secret
from devices.models import Network
from devices.services import inventory
from jobs.results.transcripts import with_maskers
from templates_app.domain.content import StepKind, TemplateContent, TemplateStep
from templates_app.services import authoring
from tests import make

_names = iter(range(1, 100_000))


def device(tenant, port, platform, user, password):
    """Put a device of the tenant that listens on a port of this machine into the inventory."""
    number = next(_names)
    secrets = {"password": Secret(password), "enable_password": Secret("")}
    credential = inventory.save_credential(
        by=None, tenant=tenant, name=f"real {number}", username=user, secrets=secrets
    )
    return inventory.save_device(
        by=None,
        tenant=tenant,
        name=f"real-{number}",
        address=f"10.202.{number // 250}.{number % 250 + 1}",
        connect_host="127.0.0.1",
        connect_port=port,
        platform=platform,
        network=Network.objects.filter(tenant=tenant).first(),
        credential=credential,
    )


def step(kind, commands, **more):
    """Return what a step of a template is made of."""
    return {"kind": kind, "commands": commands, "timeout": 15, **more}


class Result:
    """What the product says of a device run."""

    def __init__(self, row):
        self.row, self.status = row, row.status
        self.steps = with_maskers(row.steps.all())
        self.said = "\n".join([row.message, *(one.message for one in self.steps)])

    def answer(self, line):
        """Return the answer to a line; None where it was not sent."""
        return next((text for one in self.steps for sent, text, _ in one.exchanges if sent == line), None)

    @property
    def sent(self):
        """The lines that were sent, as the page shows them."""
        return [sent for one in self.steps for sent, _, _ in one.exchanges]


def template(tenant, name, platform, steps):
    """Make a template of these steps, for one platform."""
    made = tuple(
        TemplateStep(
            name=f"Step {number}",
            kind=StepKind(one["kind"]),
            commands={platform: one["commands"]},
            timeout=one["timeout"],
            save=one.get("save", False),
            answers=tuple(map(tuple, one.get("answers", ()))),
        )
        for number, one in enumerate(steps, 1)
    )
    return authoring.save_template(
        by=None, tenant=tenant, name=name, description="", status="ready", content=TemplateContent(made)
    )


def run(tenant, on, *steps, snapshots=False):
    """Run one job with these steps on the device."""
    of = template(tenant, f"Real {next(_names)}", on.platform, steps)
    _, begun = make.job(make.user("acme-admin"), of, [on], snapshots=snapshots)
    return Result(make.finish(begun).device_runs.get())
