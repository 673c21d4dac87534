"""Log in over an SSH connection, once: by key, password, or answers to what the other side asks."""

from __future__ import annotations

import re
import time

import paramiko
from paramiko.auth_handler import AuthHandler

from devices.domain import totp
from devices.domain.errors import CodesTaken, DeviceError, LoginRefused
from devices.domain.secrets import Login
from devices.drivers import keys
from devices.drivers.hub import sleep
from devices.drivers.paramiko_transport import OfferingTransport

#: A question at login that asks for the password, whatever names the service or the user before it.
PASSWORD = re.compile(r"^\s*(?:\S{1,80}\s+){0,4}\S{0,40}password\b[^:\n]{0,40}:?\s*$", re.IGNORECASE)
#: One that asks for something else: a new password, the same again, or a second factor.
NOT_THE_PASSWORD = re.compile(
    r"\b(?:new|again|re-?type|re-?enter|confirm|verify|one.?time|otp|token|second|next|dynamic|sms|pin|code)\b",
    re.IGNORECASE,
)
#: One that asks for the code of a second factor.
CODE = re.compile(
    r"\b(?:pass-?code|(?:verification|authenticat(?:or|ion)|security|access|login|token|otp|totp|mfa|2fa)[ -]{0,2}code"
    r"|one.?time.{0,3}(?:password|code|pass-?code)|otp|totp|token)\b|^\s*code\b",
    re.IGNORECASE,
)
#: One that looks like it, and asks for another thing: a code that is sent, or a PIN.
NO_CODE = re.compile(r"\b(?:new|next|again|pin|sms|e-?mail|call|press|option|choose|select)\b", re.IGNORECASE)
#: So long (seconds) is waited for a code that nobody has used; servers end a login after two minutes.
MOST_CODE_SECONDS = 80.0


def log_in(transport: OfferingTransport, login: Login, who: str = "The device") -> None:
    """Log in as `login` says; LoginRefused, CodesTaken.

    `who` is logged in to, for sentences.
    """
    refused = login_refused(login, who)
    if login.second:
        transport.auth_timeout = (transport.auth_timeout or 0) + MOST_CODE_SECONDS
    answers = _Answers(login, who)
    try:
        further: list[str] = []
        if login.key:
            further = transport.auth_publickey(login.username, keys.key_for(login.key))
            if "password" in further and login.password:
                further = _password_too(transport, login, answers)
        else:
            further = _password(transport, login, answers)
        if further and not transport.is_authenticated():
            if "keyboard-interactive" not in further:
                raise refused
            _answer_questions(transport, login, answers)
    except (paramiko.AuthenticationException, paramiko.BadAuthenticationType) as error:
        raise answers.problem or refused from error
    if not transport.is_authenticated():
        raise refused


def login_refused(login: Login, who: str = "The device") -> LoginRefused:
    """Return the error of a login that was not taken."""
    return LoginRefused(f"{who} refused the login of '{login.username}'. It was tried once; check the credential.")


def code_for(login: Login) -> str:
    """Return a code of the second factor that nobody has used, in its step of time; CodesTaken when there is none."""
    second = login.second
    assert second is not None
    key = totp.key_of(second.secret.reveal())
    account, claim = totp.account_of(key), second.claim
    deadline = time.monotonic() + MOST_CODE_SECONDS
    while claim is not None:
        now = time.time()
        step = int(now) // totp.STEP_SECONDS
        if claim(account, step):
            return totp.code(key, step, second.digits, second.algorithm)
        left = (step + 1) * totp.STEP_SECONDS - now
        if time.monotonic() + left > deadline:
            break
        sleep(min(left + 0.05, 1.0))
    raise CodesTaken(
        f"Each code of the second factor of '{login.username}' is used once, and other logins took those of the last "
        f"{MOST_CODE_SECONDS:g} seconds. Use this credential for fewer devices at a time. The device was sent no line."
    )


class _Answers:
    """Answers what is asked at a login: the password to the question for it, a code to the question for one, each
    once."""

    def __init__(self, login: Login, who: str) -> None:
        self._login, self._who = login, who
        self.password_given = self._code_given = False
        self.problem: DeviceError | None = None

    def __call__(self, title: str, instructions: str, questions: list[tuple[str, bool]]) -> list[str]:
        kinds = [self._kind(text) for text, _ in questions]
        wrong = [text for (text, _), kind in zip(questions, kinds, strict=True) if not kind]
        if wrong or kinds.count("password") > 1 or kinds.count("code") > 1:
            asked = " ".join(wrong or [text for text, _ in questions])[:120].strip()
            after = " after the password" if self.password_given else ""
            self.problem = LoginRefused(
                f"{self._who} asks '{asked}' at login{after}, which is not answered: the password answers the question "
                "for the password only, and once"
                + (", and a code of the second factor the question for a code." if self._login.second else ".")
            )
            raise self.problem
        return [self._answer(kind) for kind in kinds]

    def _kind(self, text: str) -> str:
        if PASSWORD.search(text) and not NOT_THE_PASSWORD.search(text):
            return "" if self.password_given else "password"
        wants = CODE.search(text) and not NO_CODE.search(text)
        return "code" if wants and self._login.second and not self._code_given else ""

    def _answer(self, kind: str) -> str:
        if kind == "password":
            self.password_given = True
            return self._login.password.reveal()
        self._code_given = True
        try:
            return code_for(self._login)
        except DeviceError as error:
            self.problem = error  # the connection's own loop takes it for a defect of its own
            raise


def _password(transport: OfferingTransport, login: Login, answers: _Answers) -> list[str]:
    """Give the password; return the methods that are asked for further. Where there are only questions, answer them."""
    try:
        found = transport.auth_password(login.username, login.password.reveal(), fallback=False)
    except paramiko.BadAuthenticationType as error:
        if "keyboard-interactive" not in error.allowed_types:
            raise
        return ["keyboard-interactive"]
    answers.password_given = True
    return found


def _password_too(transport: OfferingTransport, login: Login, answers: _Answers) -> list[str]:
    """Give the password after the key; return the methods that are asked for further."""
    event = transport.event()
    transport.auth_handler = second = _SecondMethod(transport)
    second.auth_password(login.username, login.password.reveal(), event)  # type: ignore[no-untyped-call]
    answers.password_given = True
    found: list[str] = second.wait_for_response(event)  # type: ignore[no-untyped-call]
    return found


def _answer_questions(transport: OfferingTransport, login: Login, answers: _Answers) -> None:
    event = transport.event()
    transport.auth_handler = second = _SecondMethod(transport)
    try:
        second.auth_interactive(login.username, answers, event, "")  # type: ignore[no-untyped-call]
        second.wait_for_response(event)  # type: ignore[no-untyped-call]
    except (paramiko.SSHException, DeviceError, EOFError) as refused:
        if answers.problem is None:
            raise
        raise answers.problem from refused


class _SecondMethod(AuthHandler):
    """Tries another method of login without asking for the login service again, which strict servers refuse."""

    def _request_auth(self) -> None:
        granted = paramiko.Message()
        granted.add_string("ssh-userauth")
        granted.rewind()
        self._parse_service_accept(granted)  # type: ignore[attr-defined]
