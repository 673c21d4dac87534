"""Talk to one claimed device as its plan says: connect, run the steps, wait while it restarts, look again after a
break."""

from __future__ import annotations

import itertools
import logging
import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from django.conf import settings
from django.utils import timezone

from config.failpoints import failpoint
from devices.domain import boxes, configs
from devices.domain.boxes import Seen
from devices.domain.configs import HIDDEN
from devices.domain.endpoints import parsed
from devices.domain.errors import (
    CommandRejected,
    DeviceError,
    EchoMissing,
    EnableRefused,
    NotBack,
    NotConfirmed,
    NotOneLine,
    PromptTimeout,
    SessionLost,
    Unreachable,
)
from devices.domain.secrets import Login, Secret
from devices.drivers.console import ConsoleSession
from devices.drivers.conversation import AnySession, open_session
from devices.drivers.doors import installations
from devices.drivers.handshake import Endpoint
from devices.drivers.hub import sleep
from devices.drivers.platforms import PLATFORMS, line_flaw
from devices.drivers.session import Session
from devices.models import Device
from devices.services import vault, workers
from jobs import types
from jobs.domain.plan import SNAPSHOT, CredentialChoice, DevicePlan, PlannedStep
from jobs.domain.states import RunStatus
from jobs.domain.step_runner import RESTARTED, Cancelled, DeviceResult, Finding, run_steps
from jobs.models import ServiceJob
from jobs.worker import claims, device_locks
from jobs.worker.claims import Assignment
from jobs.worker.journal import Journal
from jobs.worker.ways import Ways
from templates_app.domain.rendering import SECRET_MARK

log = logging.getLogger(__name__)
#: A reading step whose connection was lost begins again on a new one, so many times.
READ_AGAIN = 2
#: So many characters around a secret, on each side, are looked for with it in what the device says.
MOST_AROUND = 12
#: With fewer around it a short secret would be hidden wherever it stands.
LEAST_AROUND = 3
#: What a device says while it goes down or comes up.
AWAY = (Unreachable, SessionLost, PromptTimeout)
#: After such an end, what the device was given before is in it.
REFUSED = (CommandRejected.code, NotConfirmed.code, EchoMissing.code)
#: The configurations that are read after the steps.
AFTER = ("after", "startup_after")
GONE = DeviceResult(RunStatus.FAILED, "device_gone", "The device was removed or switched off; nothing was sent.")


class DeviceSession:
    """All that is said to one device for one device run, over as many connections as that takes.

    `pinned` is a newly seen host key (empty when none was), `seen` what the box showed when it last accepted the login;
    `findings` are what the checks found so far.
    """

    def __init__(self, item: Assignment, journal: Journal) -> None:
        self.item, self.journal = item, journal
        self.pinned = ""
        self.seen: Seen | None = None
        self._held = item.device_run.keys
        self.findings: list[Finding] = []
        self.remarks: list[str] = []
        self._changes = any(step.change for step in item.plan.steps)
        self.ways = Ways(item, journal)
        self._reveal = _revealer(item.job, journal, item.plan.platform)

    def run(self) -> DeviceResult:
        """Run all steps of the plan; DeviceError, Cancelled and LeaseLost when it cannot go on."""
        device = self.item.device_run.device
        if device is None or not device.enabled:
            return GONE
        if problem := self.ways.problem():
            return DeviceResult(RunStatus.FAILED, "jump_host_gone", problem)
        for choice, steps in _sessions(self.item.plan):
            if choice.id not in self.item.logins:
                sentence = (
                    f"The credential '{choice.name}' was deleted; nothing was sent with it. Choose another for the job."
                )
                return DeviceResult(RunStatus.FAILED, "credential_gone", sentence)
            login = self.ways.login(choice.id)
            failpoint("credential_opened")
            result = self._run_session(device, login, choice.id, steps)
            if result.status is not RunStatus.SUCCEEDED:
                return self._with_what_is_there(device, result)
        judged = types.get(self.item.device_run.run.job_type).judge(self.findings)
        return replace(judged, message=" ".join(filter(None, (judged.message, *self.remarks))))

    def _with_what_is_there(self, device: Device, result: DeviceResult) -> DeviceResult:
        """Read the configuration after a change that the device refused in its middle, over a new connection."""
        steps = tuple(step for step in self.item.plan.steps if step.kind == SNAPSHOT and step.keep in AFTER)
        choice = self.item.plan.credential
        if result.reason not in REFUSED or not steps or choice is None or not self.journal.changed:
            return result
        login = self.ways.login(choice.id)
        try:
            read = self._run_session(device, login, choice.id, steps)
            said = read.message
        except Cancelled:
            said = "The run was stopped."
        except DeviceError as error:
            said = error.message
        if "after" in self.journal.snapshots:
            return result
        words = f"What is on it now was not read: {said or ' '.join(self.remarks[-1:])}"
        return replace(result, message=f"{result.message} {words}".strip())

    def look_again(self) -> str:
        """Read the configuration of a device whose session broke within a change, and say which of its lines are there.

        Nothing but reading is sent. Returns sentences; empty where there is nothing to look for.
        """
        device = self.item.device_run.device
        step, lines = self.journal.in_doubt
        if device is None or step is None or not lines or self.ways.problem():
            return ""
        platform = PLATFORMS[device.platform]
        choice = step.credential or self.item.plan.credential
        if not platform.show_running or choice is None or choice.id not in self.item.logins:
            return ""
        guard = [line.format(minutes=step.guard) for line in (*platform.guard_enter, *platform.guard_leave)]
        around = {*platform.config_enter, *platform.config_leave, *platform.save, *guard}
        wanted = [line for line in lines if line not in around and not SECRET_MARK.search(line)]
        try:
            text = self._read(platform.show_running, device, self.ways.login(choice.id))
        except DeviceError as error:
            return f"It could not be read afterwards: {error.message}"
        self.journal.snapshots["after"] = text
        return _found_of(wanted, text)

    def _run_session(
        self, device: Device, login: Login, credential: str, steps: tuple[PlannedStep, ...]
    ) -> DeviceResult:
        """Run neighbouring steps over one connection, or over a few when it is lost while only reading or by a
        restart."""
        journal, left = self.journal, READ_AGAIN
        session = self._connect(device, login)
        while True:
            try:
                if not claims.is_proven(self.item.device_run.run, credential):
                    journal.writer.do(partial(claims.prove, run=self.item.device_run.run, credential=credential))
                result = run_steps(session, steps, journal, self._reveal, self.findings)
            finally:
                self.seen = _seen(device, session, self.item.plan)
                self._end(session)
                self.remarks += [words for words in session.remarks if words not in self.remarks]
            broken = result.step
            if broken is not None and result.reason == RESTARTED:
                log.info("The device restarts.", extra={"action": "device.restarting", "step": broken.position})
                session = self._wait_until_back(device, login)
                steps = steps[steps.index(broken) + 1 :]
                continue
            lost_reading = result.reason == SessionLost.code and broken is not None and not broken.journaled
            if not lost_reading or not left or broken is None:
                return self._without_evidence(result)
            left -= 1
            steps = steps[steps.index(broken) :]
            journal.step_repeated(broken)
            words = "The connection was lost while reading; it is made anew."
            log.warning(words, extra={"action": "connection.lost", "step": broken.position})
            session = self._connect(device, login)

    def _without_evidence(self, result: DeviceResult) -> DeviceResult:
        """A change that is in and was confirmed has not failed because it could not be looked at afterwards."""
        step = result.step
        if result.status is RunStatus.SUCCEEDED or step is None or step.kind != SNAPSHOT or step.keep not in AFTER:
            return result
        self.remarks.append(f"The configuration could not be read afterwards: {result.message}")
        return DeviceResult(RunStatus.SUCCEEDED)

    def _connect(self, device: Device, login: Login) -> AnySession:
        host, port = parsed(self.item.device_run.endpoint)
        journal = self.journal

        def pin(shown: str) -> None:
            self.pinned = device.host_key = shown

        journal.check()
        endpoint = Endpoint(
            host=host,
            port=port,
            host_key=device.host_key,
            legacy=self.item.plan.legacy,
            telnet=self.item.plan.telnet,
            console=self.item.plan.console,
            via=self.ways.hops(),
            reach=installations(devices=True),
            login_timeout=settings.LOGIN_SECONDS,
        )
        session = open_session(endpoint, login, pin, PLATFORMS[device.platform], journal.check)
        journal.hang_up = session.transport.close
        failpoint("login_accepted")
        try:
            with ExitStack() as undo:
                undo.callback(self._end, session)
                session.open(login, changes=self._changes)
                self._hold_box(device, session)
                undo.pop_all()
        except EnableRefused as refused:
            if self._changes:
                raise
            # What only reads may not need it. The device may still ask for it on that connection, so another is made.
            self.remarks.append(f"The job was run without privileged mode. {refused.message}")
            return self._connect(device, replace(login, enable_password=Secret("")))
        failpoint("privileged")
        return session

    def _end(self, session: AnySession) -> None:
        """End a session; on a serial line the next one would find it open, so it logs out where it may still send."""
        if isinstance(session, ConsoleSession) and not self.journal.is_lost:
            session.log_out()
        session.close()

    def _hold_box(self, device: Device, session: AnySession) -> None:
        """See that nobody else works on the box that answered; BoxTaken when somebody does, LeaseLost.

        Nothing that changes it was sent on this connection yet.
        """
        self.seen = _seen(device, session, self.item.plan)
        row = self.item.device_run
        fresh = device_locks.keys_seen(row, self.item.plan, self.seen, workers.this_network()) - self._held
        if fresh:
            self.journal.check()
            self.journal.writer.do(partial(device_locks.hold_more, row, fresh, timezone.now()))
            self._held |= fresh

    def _wait_until_back(self, device: Device, login: Login) -> AnySession:
        """Connect again to a device that restarts; NotBack when it does not answer in time."""
        minutes = settings.RESTART_MINUTES
        end = time.monotonic() + minutes * 60
        while True:
            self._pause(settings.RESTART_PAUSE)
            try:
                return self._connect(device, login)
            except AWAY as error:
                if time.monotonic() > end:
                    raise NotBack(
                        f"The device did not come back within {minutes:g} minutes of its restart. {error.message}"
                    ) from error

    def _read(self, command: str, device: Device, login: Login) -> str:
        """Return the answer to one command, over a connection of its own, as soon as there is one."""
        end = time.monotonic() + settings.LOOK_AGAIN_SECONDS
        while True:
            try:
                session = self._connect(device, login)
                try:
                    return session.send(command, timeout=30)
                finally:
                    self._end(session)
            except AWAY:
                if time.monotonic() > end:
                    raise
            self._pause(settings.LOOK_AGAIN_SECONDS / 10)

    def _pause(self, seconds: float) -> None:
        """Wait; Cancelled or LeaseLost within a second."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.journal.check()
            sleep(min(left, 1.0))


def _seen(device: Device, session: AnySession, plan: DevicePlan) -> Seen:
    """Return what a box shows now: it may be called otherwise than when the session began."""
    name = boxes.name_in(session.base) if isinstance(session, Session) else ""
    return Seen("" if plan.telnet else device.host_key, name, session.transport.peer)


def _found_of(wanted: list[str], text: str) -> str:
    """Say which of the lines sent stand in a configuration."""
    missing = [line for line in wanted if not configs.holds(text, line)]
    if not missing:
        return f"Read afterwards: all lines sent so far ({len(wanted)}) are in the running configuration."
    listed = ", ".join(f"'{line}'" for line in missing[:5])
    return (
        f"Read afterwards: of the lines sent so far ({len(wanted)}), {len(wanted) - len(missing)} are in the running "
        f"configuration; not there: {listed}{' …' if len(missing) > 5 else ''}."
    )


def _sessions(plan: DevicePlan) -> list[tuple[CredentialChoice, tuple[PlannedStep, ...]]]:
    """Split the steps into sessions: neighbours with the same credential share one, unless a step wants its own."""
    number = itertools.accumulate(step.fresh and bool(step.commands) for step in plan.steps)
    numbered = zip(plan.steps, number, strict=True)
    groups = itertools.groupby(numbered, key=lambda pair: (pair[0].credential or plan.credential, pair[1]))
    return [(choice, tuple(step for step, _ in pairs)) for (choice, _), pairs in groups if choice is not None]


def _revealer(job: ServiceJob | None, journal: Journal, platform: str) -> Callable[[str], str]:
    """Return what puts secret variables into a command; what it opened is redacted from all output."""

    def opened(match: re.Match[str]) -> str:
        assert job is not None, "a plan with secrets is claimed with its job"
        name = match.group(1)
        sealed = job.sealed_variables.get(name, "")
        secret = vault.unseal(sealed, tenant_id=job.tenant_id, row=str(job.pk), field=name).reveal()
        if secret not in journal.secrets:
            journal.secrets += (secret,)
        if said := line_flaw(platform, secret):
            raise NotOneLine(f"The value of the variable '{name}', which is stored sealed, {said}")
        return secret

    def placed(match: re.Match[str]) -> str:
        secret = opened(match)
        before, after = _around(match)
        if len((before + after).strip()) >= LEAST_AROUND:
            journal.revealed[before + secret + after] = before + HIDDEN + after
        return secret

    return lambda command: SECRET_MARK.sub(placed, command)


def _around(match: re.Match[str]) -> tuple[str, str]:
    """Return what stands right before and after a secret's mark in its line: by this a short one is recognised."""
    before, after = match.string[: match.start()], match.string[match.end() :]
    return SECRET_MARK.split(before)[-1][-MOST_AROUND:].lstrip(), SECRET_MARK.split(after)[0][:MOST_AROUND].rstrip()
