"""Login shells of this system behind OpenSSH, driven by the product. Judged by what lies in their homes afterwards."""

import re

import pytest

from tests.e2e.conftest import need
from tests.field import real, runs
from tests.field.runs import step

pytestmark = pytest.mark.django_db
#: busybox ash asks the terminal where its cursor is and waits for it, some seconds a line, and
#: dash's bare prompt is asked for some seconds: a few cases are tried on them.
FEW = ("success", "false", "no line end and a failure", "a text that it reads", "the end in the middle")
SHELLS = ("bash", "dash", "ash")
MOTD = "Welcome.\nops@real-box:~$ \ninterlock:0$ \nsw1#\n"
HERE = "cat > {f} <<'EOF'\nfirst line\n\n  indented $HOME\ninterlock:0$ \nends with spaces   \nEOF"
TEXT = "first line\n\n  indented $HOME\ninterlock:0$ \nends with spaces   \n"
LONG = "x" * 560
#: What is sent (@F stands for a file of its own), how the run must end, and what that file must hold then (None: it
#: must not exist). The line that writes it stands last, so that it tells whether it was reached.
CASES = {
    "success": ("true\necho done > @F", "succeeded", "done\n"),
    "false": ("false\necho done > @F", "failed", None),
    "status without a word": ("test -e /nowhere\necho done > @F", "failed", None),
    "status of a pipe": ("echo a | grep -q b\necho done > @F", "failed", None),
    "status 130": ("sh -c 'exit 130'\necho done > @F", "failed", None),
    "no such command": ("frobnicate --now\necho done > @F", "failed", None),
    "no sudo": ("sudo -n true\necho done > @F", "failed", None),
    "output without a line end": ("printf abc\nprintf def > @F", "succeeded", "def"),
    "no line end and a failure": ("sh -c 'printf abc; exit 3'\necho done > @F", "failed", None),
    "words of errors": ("echo 'error: Permission denied: command not found'\necho done > @F", "succeeded", "done\n"),
    "a text that it reads": (HERE.format(f="@F"), "succeeded", TEXT),
    "a line of 600 signs": (f"echo {LONG} > @F", "succeeded", LONG + "\n"),
    "other scripts": ("echo 'Zürich – 東京 ✓' > @F", "succeeded", "Zürich – 東京 ✓\n"),
    "another folder": ("mkdir -p sub\ncd sub\npwd | sed 's,.*/,,' > @F", "succeeded", "sub\n"),
    "a late background job": ("(sleep 0.4; echo LATE) &\nsleep 1\necho done > @F", "succeeded", "done\n"),
    "the end in the middle": ("exit\necho done > @F", "(?!succeeded)", None),
    "what reads its input": ("read ANSWER\necho done > @F", "(?!succeeded)", None),
    "cat reads its input": ("cat\necho done > @F", "(?!succeeded)", None),
    "no echo": ("stty -echo\necho one\necho done > @F", "(?!succeeded)", None),
    "no echo and a failure": ("stty -echo\nfalse\necho done > @F", "failed", None),
    "a prompt in the answer": ("echo 'interlock:0$ '\necho done > @F", "succeeded", "done\n"),
    "a prompt that pauses, then fails": (
        "sh -c \"printf 'interlock:0\\$ '; sleep 1; exit 3\"\necho done > @F",
        "failed",
        None,
    ),
    "a prompt line that pauses, then fails": (
        "sh -c \"echo 'interlock:0\\$ '; sleep 1; exit 3\"\necho done > @F",
        "failed",
        None,
    ),
    "the former prompt in the answer": ("echo 'nobody@real-box:~$ '; sleep 1; false\necho done > @F", "failed", None),
    "a status in the answer": ("echo 'interlock:1:0$ '; sleep 1; false\necho done > @F", "failed", None),
    "a long answer": ("seq 1 20000\necho done > @F", "succeeded", "done\n"),
    "colours and erasing": ("printf '\\033[31mred\\033[0m\\033[2K\\rwhite\\n'\necho done > @F", "succeeded", "done\n"),
    "the screen is cleared": ("printf '\\033[H\\033[2J'\necho done > @F", "succeeded", "done\n"),
    "a comment and an empty line": ("# a comment\n\necho done > @F", "succeeded", "done\n"),
    "spaces at the end": ("echo 'a  '  > @F   ", "succeeded", "a  \n"),
    "a search without a find": ("grep nothing /etc/hostname\necho done > @F", "succeeded", "done\n"),
    "its own prompt": ("PS1='mine# '\necho done > @F", "(?!succeeded)", None),
    "its own prompt, then a failure": ("PS1='mine# '\nfalse2\necho done > @F", "(?!succeeded)", None),
    "the shell is killed": ("kill -9 $$\necho done > @F", "(?!succeeded)", None),
    "several on a line": ("echo a; echo b; echo c > @F", "succeeded", "c\n"),
    "signs that shells know": ("echo 'a!b' \"c|d\" e\\ f > @F", "succeeded", "a!b c|d e f\n"),
    "a shell in the shell": ("sh\necho done > @F\nexit", "(?!succeeded)", None),
}


@pytest.fixture(scope="module")
def box():
    need(not real.lacking(), real.lacking())
    with real.box(motd=MOTD, banner="Only for staff # >\n") as found:
        yield found


def carried(acme, box, account, lines, ends, holds, **more):
    """Run the lines as an account and compare what is left."""
    left = box.home(account) / f"f{next(runs._names)}"
    on = runs.device(acme, box.port, "linux", account, real.PASSWORD)
    done = runs.run(acme, on, step("exec", lines.replace("@F", str(left)), **{"timeout": 5, **more}))
    assert (left.read_text() if left.exists() else None) == holds, f"{done.status}: {done.said}"
    assert re.match(ends, done.status), f"{done.status}: {done.said}"
    return done


@pytest.mark.parametrize("shell,case", [(s, c) for s in SHELLS for c in CASES if s == "bash" or c in FEW])
def test_a_shell_does_what_was_asked_and_nothing_after_a_failure(acme, box, shell, case):
    carried(acme, box, shell, *CASES[case])


@pytest.mark.parametrize("account", [name for name in real.ACCOUNTS if "-" in name])
@pytest.mark.parametrize("case", ["no such command", "output without a line end"])
def test_whatever_its_prompt_is_nothing_is_done_after_a_failure(acme, box, account, case):
    lines, ends, holds = CASES[case]
    left = box.home(account) / f"f{next(runs._names)}"
    on = runs.device(acme, box.port, "linux", account, real.PASSWORD)
    done = runs.run(acme, on, step("exec", lines.replace("@F", str(left)), timeout=5))
    found = left.read_text() if left.exists() else None
    assert found in (holds, None), done.said
    if done.status == "succeeded":
        assert ends == "succeeded" and found == holds, done.said


def test_zsh_is_not_known_and_nothing_is_sent_to_it(acme, box):
    """Its line editor draws the first sign twice and its prompt shows no status: the session stops."""
    done = carried(acme, box, "zsh", "echo done > @F", "(?!succeeded)", None)
    assert "Enter was not pressed" in done.said
