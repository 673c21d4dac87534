"""Talk to one claimed device as its plan says: connect, run the steps, wait while it restarts, look again after a
break."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings

from config.failpoints import reach
from devices.domain import configs
from devices.domain.errors import DeviceError, NotBack, PromptTimeout, SessionLost, Unreachable
from devices.domain.secrets import Login
from devices.drivers.conversation import AnySession, open_session
from devices.drivers.hub import sleep
from devices.drivers.platforms import BY_KEY
from devices.drivers.transport import Endpoint
from devices.models import Device
from jobs.domain.plan import CredentialChoice, DevicePlan, PlannedStep
from jobs.domain.states import RunStatus
from jobs.domain.step_runner import RESTARTED, DeviceResult, run_steps
from jobs.models import ServiceJob
from jobs.plan.job_mapping import secret_text
from jobs.worker import claims
from jobs.worker.claims import Assignment
from jobs.worker.journal import Journal
from templates_app.domain.rendering import SECRET_MARK

#: A reading step whose connection was lost begins again on a new one, so many times.
READ_AGAIN = 2
#: What a device says while it goes down or comes up.
AWAY = (Unreachable, SessionLost, PromptTimeout)


@dataclass(slots=True)
class Finished:
    """An executed device run; `result` is None when it was lost to another owner. `pinned` is a newly seen host key."""

    journal: Journal
    result: DeviceResult | None = None
    pinned: str = ""
    retry: bool = False


def converse(item: Assignment, finished: Finished) -> DeviceResult:
    """Run all steps of a plan; DeviceError, Cancelled and LeaseLost when it cannot go on."""
    device = item.device_run.device
    if device is None or not device.enabled:
        return DeviceResult(
            RunStatus.FAILED, "device_gone", "The device was removed or switched off; nothing was sent."
        )
    reveal = _revealer(item.job, finished.journal)
    result = DeviceResult(RunStatus.SUCCEEDED)
    for choice, steps in _sessions(item.plan):
        if choice.id not in item.logins:
            sentence = (
                f"The credential '{choice.name}' was deleted; nothing was sent with it. Choose another for the job."
            )
            return DeviceResult(RunStatus.FAILED, "credential_gone", sentence)
        login = item.logins[choice.id]
        reach("K1")
        finished.journal.secrets += login.secrets()
        result = _run_session(item, device, login, choice.id, steps, finished, reveal)
        if result.status is not RunStatus.SUCCEEDED:
            break
    return result


def _run_session(
    item: Assignment,
    device: Device,
    login: Login,
    credential: str,
    steps: tuple[PlannedStep, ...],
    finished: Finished,
    reveal: Callable[[str], str],
) -> DeviceResult:
    """Run neighbouring steps over one connection, or over a few when it is lost while only reading or by a restart."""
    journal, left = finished.journal, READ_AGAIN
    session = _connect(item, device, login, finished)
    while True:
        try:
            if not claims.is_proven(item.device_run.run, credential):
                journal.writer.do(partial(claims.prove, run=item.device_run.run, credential=credential))
            result = run_steps(session, steps, journal, reveal)
        finally:
            session.close()
        broken = result.step
        if broken is not None and result.reason == RESTARTED:
            session = _wait_until_back(item, device, login, finished)
            steps = steps[steps.index(broken) + 1 :]
            continue
        lost_reading = result.reason == SessionLost.code and broken is not None and not broken.journaled
        if not lost_reading or not left or broken is None:
            return result
        left -= 1
        steps = steps[steps.index(broken) :]
        journal.step_repeated(broken)
        session = _connect(item, device, login, finished)


def _connect(item: Assignment, device: Device, login: Login, finished: Finished) -> AnySession:
    host, _, port = item.device_run.endpoint.rpartition(":")
    journal = finished.journal

    def pin(shown: str) -> None:
        finished.pinned = device.host_key = shown

    journal.check()
    endpoint = Endpoint(
        host=host,
        port=int(port),
        host_key=device.host_key,
        legacy=device.legacy_ssh,
        telnet=item.plan.telnet,
        denied=tuple(settings.DENIED_TARGETS),
    )
    session = open_session(endpoint, login, pin, BY_KEY[device.platform], journal.check)
    journal.hang_up = session.close
    reach("W5")
    with ExitStack() as undo:
        undo.callback(session.close)
        session.open(login)
        undo.pop_all()
    reach("W6")
    return session


def _wait_until_back(item: Assignment, device: Device, login: Login, finished: Finished) -> AnySession:
    """Connect again to a device that restarts; NotBack when it does not answer in time."""
    minutes = settings.RESTART_MINUTES
    end = time.monotonic() + minutes * 60
    while True:
        _pause(settings.RESTART_PAUSE, finished.journal)
        try:
            return _connect(item, device, login, finished)
        except AWAY as error:
            if time.monotonic() > end:
                raise NotBack(
                    f"The device did not come back within {minutes:g} minutes of its restart. {error.message}"
                ) from error


def look_again(item: Assignment, finished: Finished) -> str:
    """Read the configuration of a device whose session broke within a change, and say which of its lines are there.

    Nothing but reading is sent. Returns sentences; empty where there is nothing to look for.
    """
    device, journal = item.device_run.device, finished.journal
    step, lines = journal.in_doubt
    if device is None or step is None or not lines:
        return ""
    platform = BY_KEY[device.platform]
    choice = step.credential or item.plan.credential
    if not platform.show_running or choice is None or choice.id not in item.logins:
        return ""
    guard = [line.format(minutes=step.guard) for line in (*platform.guard_enter, *platform.guard_leave)]
    around = {*platform.config_enter, *platform.config_leave, *platform.save, *guard}
    wanted = [line for line in lines if line not in around and not SECRET_MARK.search(line)]
    try:
        text = _read(platform.show_running, item, device, item.logins[choice.id], finished)
    except DeviceError as error:
        return f"It could not be read afterwards: {error.message}"
    journal.snapshots["after"] = text
    missing = [line for line in wanted if not configs.holds(text, line)]
    if not missing:
        return f"Read afterwards: all lines sent so far ({len(wanted)}) are in the running configuration."
    listed = ", ".join(f"'{line}'" for line in missing[:5])
    return (
        f"Read afterwards: of the lines sent so far ({len(wanted)}), {len(wanted) - len(missing)} are in the running "
        f"configuration; not there: {listed}{' …' if len(missing) > 5 else ''}."
    )


def _read(command: str, item: Assignment, device: Device, login: Login, finished: Finished) -> str:
    end = time.monotonic() + settings.LOOK_AGAIN_SECONDS
    while True:
        try:
            session = _connect(item, device, login, finished)
            try:
                return session.send(command, timeout=30)
            finally:
                session.close()
        except AWAY:
            if time.monotonic() > end:
                raise
        _pause(settings.LOOK_AGAIN_SECONDS / 10, finished.journal)


def _pause(seconds: float, journal: Journal) -> None:
    """Wait; Cancelled or LeaseLost within a second."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        journal.check()
        sleep(min(left, 1.0))


def _sessions(plan: DevicePlan) -> list[tuple[CredentialChoice, tuple[PlannedStep, ...]]]:
    """Split the steps into sessions: neighbours with the same credential share one, unless a step wants its own."""
    number = itertools.accumulate(step.fresh and bool(step.commands) for step in plan.steps)
    numbered = zip(plan.steps, number, strict=True)
    groups = itertools.groupby(numbered, key=lambda pair: (pair[0].credential or plan.credential, pair[1]))
    return [(choice, tuple(step for step, _ in pairs)) for (choice, _), pairs in groups if choice is not None]


def _revealer(job: ServiceJob | None, journal: Journal) -> Callable[[str], str]:
    """Return what puts secret variables into a command; what it opened is redacted from all output."""

    def opened(match: Any) -> str:
        assert job is not None, "a plan with secrets is claimed with its job"
        secret = secret_text(job, match.group(1)).reveal()
        if secret not in journal.secrets:
            journal.secrets += (secret,)
        return secret

    return lambda command: SECRET_MARK.sub(opened, command)
