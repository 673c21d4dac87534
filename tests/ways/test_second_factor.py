"""Codes of a second factor: computed as the RFC says, given to the question for one, once, and never twice."""

import time

import pytest

from devices.domain import totp
from devices.domain.errors import CodesTaken, LoginRefused
from devices.domain.secrets import Login, SecondFactor, Secret
from devices.domain.targets import Reach
from devices.drivers import login as logins
from devices.drivers.handshake import Endpoint
from devices.drivers.transport import open_ssh
from devices.models import UsedCode
from devices.services.jump_hosts import claim_code
from tests.ways.servers import SECRET, Box, served

HERE = Reach(allowed=("127.0.0.0/8",))
#: RFC 6238, appendix B: seconds, hash, code. Each hash has a seed of its own length.
SEEDS = {"sha1": b"1234567890" * 2, "sha256": (b"1234567890" * 4)[:32], "sha512": (b"1234567890" * 7)[:64]}
CODES = [
    (59, "sha1", "94287082"),
    (59, "sha256", "46119246"),
    (59, "sha512", "90693936"),
    (1111111109, "sha1", "07081804"),
    (1111111109, "sha256", "68084774"),
    (1111111109, "sha512", "25091201"),
    (20000000000, "sha1", "65353130"),
    (20000000000, "sha256", "77737706"),
    (20000000000, "sha512", "47863826"),
]


@pytest.mark.parametrize(("seconds", "algorithm", "code"), CODES)
def test_codes_are_those_of_the_rfc(seconds, algorithm, code):
    key = SEEDS[algorithm]
    assert totp.code(key, seconds // 30, 8, algorithm) == code
    assert totp.code(key, seconds // 30, 6, algorithm) == code[2:]


@pytest.mark.parametrize("text", [SECRET, SECRET.lower(), "GEZD GNBV GY3T QOJQ", "GEZDGNBVGY3TQOJQ======"])
def test_a_secret_is_read_as_servers_show_it(text):
    assert totp.key_of(text).startswith(b"1234567890")


@pytest.mark.parametrize("text", ["12345678", "GEZDGNB1", "GEZDGNBV", "", "JBSWY3DPÄ"])
def test_what_is_no_secret_is_refused(text):
    with pytest.raises(ValueError, match="base32|short"):
        totp.key_of(text)


class Claims:
    """Takes each step once, as the database does."""

    def __init__(self, *used):
        self.used = set(used)

    def __call__(self, account, step):
        if step in self.used:
            return False
        self.used.add(step)
        return True


def login(claim=None):
    return Login("ops", Secret("pw"), second=SecondFactor(Secret(SECRET), claim=claim or Claims()))


def sign_in(box, who):
    open_ssh(Endpoint(host="127.0.0.1", port=box.port, reach=HERE, login_timeout=5.0), who, [].append).close()


QUESTIONS = [
    "Passcode:",
    "Verification code: ",
    "OTP:",
    "Token code:",
    "One-time password (OATH) for `ops': ",
    "Enter your authenticator code",
    "TOTP: ",
    "Code:",
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_for_a_code_is_answered_with_one_after_the_password(question):
    box = Box(questions=[["Password: "], [question]])
    with served(box):
        sign_in(box, login())
    assert box.answers[0] == "pw" and len(box.answers) == 2 and box.answers[1] in box.used


def test_beside_the_password_and_alone():
    for questions in ([["Password: ", "Verification code: "]], [["Verification code: "]]):
        box = Box(questions=questions)
        with served(box):
            sign_in(box, login())
        assert box.answers[-1] in box.used


@pytest.mark.parametrize(
    "question", ["New PIN:", "SMS code:", "Next token code:", "Your mother's name:", "Press 1 for a call:"]
)
def test_any_other_question_is_quoted_and_not_answered(question):
    box = Box(questions=[["Password: "], [question]])
    with served(box), pytest.raises(LoginRefused) as found:
        sign_in(box, login())
    assert question.strip() in found.value.message and box.answers == ["pw"]


def test_without_a_secret_the_question_is_quoted_and_not_answered():
    box = Box(questions=[["Password: "], ["Verification code: "]])
    with served(box), pytest.raises(LoginRefused, match="asks 'Verification code:' at login after the password"):
        sign_in(box, Login("ops", Secret("pw")))
    assert box.answers == ["pw"]


def test_a_code_that_was_refused_is_not_followed_by_another():
    box = Box(questions=[["Password: "], ["Verification code: "], ["Verification code: "]])
    with served(box), pytest.raises(LoginRefused, match="Verification code"):
        sign_in(box, login())
    assert len(box.answers) == 2


def test_a_step_that_was_used_is_waited_out(monkeypatch):
    monkeypatch.setattr(totp, "STEP_SECONDS", 2)
    claim = Claims(int(time.time()) // 2)
    first = logins.code_for(login(claim=claim))
    second = logins.code_for(login(claim=claim))
    assert first != second and len(claim.used) == 3


def test_where_all_are_taken_it_says_so_and_may_be_tried_again(monkeypatch):
    monkeypatch.setattr(logins, "MOST_CODE_SECONDS", 0.2)
    with pytest.raises(CodesTaken, match="used once") as found:
        logins.code_for(login(claim=lambda account, step: False))
    assert found.value.retryable


@pytest.mark.django_db
def test_the_database_gives_each_step_of_an_account_once():
    assert [claim_code("a", step) for step in (7, 7, 6, 8, 8)] == [True, False, False, True, False]
    assert claim_code("b", 7) and UsedCode.objects.count() == 2


def test_no_secret_is_in_what_a_login_shows():
    assert SECRET not in repr(login()) and SECRET in login().secrets()
