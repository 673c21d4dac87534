"""What can go wrong with a device. These are results of a run, not crashes; each is a sentence for the run page."""

from __future__ import annotations


class DeviceError(Exception):
    """The device, or the way to it, said no. `retryable` holds only while nothing was sent."""

    code = "device_error"
    retryable = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Unreachable(DeviceError):
    """No TCP connection or no SSH answer in time."""

    code, retryable = "unreachable", True


class BoxTaken(DeviceError):
    """Another device run holds the box; nothing was sent beyond the login. `holder` is its id."""

    code, retryable = "device_busy", True

    def __init__(self, message: str, holder: int) -> None:
        super().__init__(message)
        self.holder = holder


class TargetDenied(DeviceError):
    """This installation never connects there, which is known without looking anything up."""

    code = "target_denied"


class HostKeyChanged(DeviceError):
    """The device shows another host key than the pinned one; no password was sent."""

    code = "host_key_changed"


class NotSpoken(DeviceError):
    """The device cannot be talked to in the way that is asked for."""

    code = "not_spoken"


class AlgorithmsRefused(DeviceError):
    """The two sides share no key exchange, host key or cipher."""

    code = "algorithms_refused"


class LoginRefused(DeviceError):
    """The device refused the user name, password or key."""

    code = "login_refused"


class JumpLoginRefused(LoginRefused):
    """A jump host refused its user name, password or key; the device was not reached."""

    code = "jump_login_refused"


class ForwardingRefused(DeviceError):
    """A jump host lets nobody connect further to the device."""

    code = "forwarding_refused"


class CodesTaken(DeviceError):
    """Other logins of the account used the codes of the second factor as fast as they come; none was given."""

    code, retryable = "codes_taken", True


class EnableRefused(DeviceError):
    """The device refused privileged mode."""

    code = "enable_refused"


class NotOneLine(DeviceError):
    """A secret that was to be put into a line is not a part of one line; the line was not sent."""

    code = "not_one_line"


class PromptTimeout(DeviceError):
    """The awaited prompt did not come in time; what a command did is unknown."""

    code = "timeout"


class QuestionRepeated(PromptTimeout):
    """The device asks again what was answered once; what the command did is unknown."""


class EchoMissing(DeviceError):
    """A line was typed and did not appear behind the prompt; it was not sent."""

    code = "echo_missing"


class SessionLost(DeviceError):
    """The connection ended in the middle; what the last command did is unknown."""

    code = "session_lost"


class NotBack(DeviceError):
    """A device that was restarted does not answer again."""

    code = "not_back"


class OutputTooLarge(DeviceError):
    """The device sent more than the product keeps for one command."""

    code = "output_too_large"


class CommandRejected(DeviceError):
    """The device answered a line with an error; lines after it were not sent."""

    code = "rejected"

    def __init__(self, line: str, answer: str) -> None:
        super().__init__(f"The device rejected '{line}': {answer}")
        self.line = line
        self.answer = answer


class NotWhole(CommandRejected):
    """A configuration was shown without its end mark."""

    code = "not_whole"


class NotConfirmed(CommandRejected):
    """A device did not say that it did what a line asked for; `saves` where that was to save its configuration."""

    code = "not_confirmed"

    def __init__(self, line: str, answer: str, *, saves: bool) -> None:
        super().__init__(line, answer)
        self.saves = saves


class LateRefusal(CommandRejected):
    """A refusal came after the answer had seemed to be over; `late` is what came then. Nothing more was sent."""

    def __init__(self, line: str, answer: str, late: str) -> None:
        super().__init__(line, answer)
        self.late = late


class DeliveryFailed(Exception):
    """A message did not reach its receiver; `final` means that trying again is of no use.

    `cause` is for the server log alone.
    """

    def __init__(self, message: str, final: bool = False, cause: str = "") -> None:
        super().__init__(message)
        self.message, self.final, self.cause = message, final, cause
