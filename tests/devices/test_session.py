"""The session against scripted devices: prompts at chunk borders, pagers, rejections, silence, lost connections."""

import time

import pytest

from devices.domain.errors import (
    CommandRejected,
    EnableRefused,
    NotConfirmed,
    NotWhole,
    PromptTimeout,
    QuestionRepeated,
    SessionLost,
)
from devices.domain.secrets import Login, Secret
from devices.drivers.platforms import PLATFORMS
from devices.drivers.session import Session, Timing

LOGIN = Login("u", Secret("p"), Secret("enable-me"))


class Script:
    """A transport that answers each line sent with the chunks written for it."""

    def __init__(self, greeting, answers):
        self.queue, self.answers, self.sent, self.typed = [greeting], answers, [], ""

    def send(self, data):
        text = data.decode()
        if text not in ("\r", " ") and not text.endswith("\r"):
            self.typed += text
            self.queue.append(text)  # its echo
            return
        line, typed = self.typed + text.rstrip("\r"), self.typed
        self.typed = ""
        self.sent.append(line)
        answer = self.answers.get(line, f"{line}\r\nsw1#")
        if typed:
            answer = ["".join(answer) if isinstance(answer, list) else answer]
            answer[0] = answer[0].removeprefix(typed)
        self.queue += answer if isinstance(answer, list) else [answer]

    def recv(self, timeout):
        if not self.queue:
            return b""
        chunk = self.queue.pop(0)
        if chunk is None:
            raise SessionLost("The device closed the connection.")
        return chunk.encode() if isinstance(chunk, str) else chunk

    def close(self):
        pass


def session(answers=None, greeting="\r\nsw1#", platform="cisco_ios", prompt="sw1#", **timing):
    script = Script(greeting, {"": f"\r\n{prompt}", **(answers or {})})
    found = Session(script, PLATFORMS[platform], Timing(**timing) if timing else None)
    return found, script


def opened(answers=None, **more):
    found, script = session(answers, **more)
    found.open(LOGIN)
    return found, script


def test_the_prompt_is_learned_and_paging_switched_off():
    found, script = opened()
    assert found.base == "sw1" and script.sent == ["", "terminal length 0", "terminal width 511"]


def test_a_banner_that_looks_like_a_prompt_is_not_taken_for_one():
    found, _ = opened(greeting="*** core# ***\r\nlab#\r\nsw1#")
    assert found.base == "sw1"


def test_privileged_mode_is_entered_with_its_password():
    answers = {"": "\r\nsw1>", "enable": "enable\r\nPassword: ", "enable-me": "\r\nsw1#"}
    found, script = opened(answers, greeting="sw1>")
    assert script.sent[:3] == ["", "enable", "enable-me"] and found.base == "sw1"


@pytest.mark.parametrize("answer", ["\r\nPassword: ", "\r\n% Access denied\r\nsw1>"])
def test_a_refused_enable_password_is_tried_once(answer):
    answers = {"": "\r\nsw1>", "enable": "enable\r\nPassword: ", "enable-me": answer}
    found, script = session(answers, greeting="sw1>")
    with pytest.raises(EnableRefused):
        found.open(LOGIN)
    assert script.sent.count("enable-me") == 1


def test_an_answer_split_at_every_byte_is_the_same_answer():
    text = (
        "show run\r\nhostname sw1\r\nbanner motd # keep out #\r\nvlan 10\r\n name VLAN #\r\nsw1 # not a prompt\r\nsw1#"
    )
    found, _ = opened({"show run": list(text)})
    assert (
        found.send("show run") == "hostname sw1\nbanner motd # keep out #\nvlan 10\n name VLAN #\nsw1 # not a prompt\n"
    )


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_an_answer_cut_anywhere_is_whole(cut):
    text = "show ver\r\nVersion 15.2 on other#\r\nuptime is 5 weeks\r\nsw1#"
    found, _ = opened({"show ver": [text[:cut], text[cut:]]})
    assert found.send("show ver") == "Version 15.2 on other#\nuptime is 5 weeks\n"


def test_a_device_that_shows_its_prompt_again_and_again_keeps_nobody_busy():
    text = "x" * 2000 + "\r\nsw1#"
    found, _ = opened({"show running-config": ["show running-config\r\n", *[text] * 4000, "\r\nend\r\nsw1#"]})
    started = time.thread_time()
    assert found.send("show running-config").endswith("\nend\n")
    assert time.thread_time() - started < 3


@pytest.mark.parametrize("cut", range(1, 44))
def test_the_end_of_a_configuration_is_seen_wherever_it_is_cut(cut):
    text = "show running-config\r\nhostname sw1\r\nend\r\nsw1#"
    found, script = opened({"show running-config": [text[:cut], text[cut:]]})
    assert found.send("show running-config") == "hostname sw1\nend\n"


def test_pages_are_turned_and_their_marks_removed():
    answers = {
        "show run": ["show run\r\nline 1\r\n --More-- "],
        " ": ["\b" * 10 + " " * 10 + "\b" * 10 + "line 2\r\nsw1#"],
    }
    found, script = opened(answers)
    assert found.send("show run").replace("\b", "").split() == ["line", "1", "line", "2"]
    assert script.sent[-1] == " "


@pytest.mark.parametrize(
    "platform,prompt,line",
    [
        ("cisco_ios", "sw1#", "% Invalid input detected at '^' marker."),
        ("cisco_ios", "sw1#", "% Incomplete command."),
        ("cisco_ios", "sw1#", "Command authorization failed."),
        ("cisco_ios", "sw1#", "Command rejected: Gi1/0/1 is not a switching port."),
        ("cisco_ios", "sw1#", "%Interface overlaps with Vlan10"),
        ("arista_eos", "sw1#", "% Invalid input"),
        ("juniper_junos", "u@rt1>", "syntax error, expecting <command>."),
        ("juniper_junos", "u@rt1>", "Invalid numeric value"),
        ("juniper_junos", "u@rt1>", "missing argument."),
        ("juniper_junos", "u@rt1>", "configuration check-out failed"),
        ("juniper_junos", "u@rt1>", "^"),
        ("juniper_junos", "u@rt1>", "unknown command."),
        ("juniper_junos", "u@rt1>", "error: configuration check-out failed"),
        ("linux", "u@srv:~$", "-bash: frobnicate: command not found"),
        ("linux", "u@srv:~$", "cat: /nowhere: No such file or directory"),
    ],
)
def test_a_rejected_line_is_an_error_with_the_devices_words(platform, prompt, line):
    preparation = {c: f"{c}\r\n{prompt}" for c in PLATFORMS[platform].preparation}
    found, _ = opened(
        {**preparation, "bad": f"bad\r\n{line}\r\n{prompt}"}, greeting=prompt, platform=platform, prompt=prompt
    )
    with pytest.raises(CommandRejected) as caught:
        found.send("bad")
    assert caught.value.line == "bad" and line in caught.value.answer


@pytest.mark.parametrize(
    "line", ["interface is up, 0% Invalid packets", "description error: none", " % of traffic: Invalid 3"]
)
def test_output_that_only_mentions_an_error_is_no_rejection(line):
    found, _ = opened({"show x": f"show x\r\n{line}\r\nsw1#"})
    assert line.strip() in found.send("show x")


def test_a_hostname_change_is_followed():
    answers = {"hostname core9": "hostname core9\r\ncore9(config)#", "end": "end\r\ncore9#"}
    found, _ = opened(answers)
    found.send("hostname core9")
    assert found.base == "core9" and found.in_config
    assert found.send("end") == ""


def test_silence_ends_with_what_is_unknown():
    found, _ = opened({"reload": "reload\r\nProceed with reload? [confirm]"})
    with pytest.raises(PromptTimeout, match="unknown.*Proceed with reload"):
        found.send("reload", timeout=0.05)


def test_what_came_while_nobody_could_look_is_seen_and_an_endless_answer_still_ends():
    found, _ = opened({"show x": "show x\r\nup\r\nsw1#", "monitor": ["monitor\r\n", *["more\r\n"] * 50]})
    assert found.send("show x", timeout=-5) == "up\n"
    with pytest.raises(PromptTimeout, match="'monitor'"):
        found.send("monitor", timeout=-5)


def test_a_lost_connection_says_how_far_it_came():
    found, _ = opened({"show run": ["show run\r\nhalf of", None]})
    with pytest.raises(SessionLost, match="half of"):
        found.send("show run")


def test_bytes_that_are_no_text_and_terminal_codes_do_no_harm():
    found, _ = opened({"show x": [b"show x\r\n\xff\xfe caf\xc3\xa9 \x1b[31mred\x1b[0m\x00\r\nsw1#"]})
    assert found.send("show x") == "\ufffd\ufffd café red\n"


@pytest.mark.parametrize("chunk", ["other#", "vlan name VLAN-#", "sw10#", "core sw1#"])
def test_text_at_a_chunk_border_that_looks_like_a_prompt_does_not_end_the_answer(chunk):
    found, _ = opened({"show run": [f"show run\r\nbanner\r\n{chunk}", "\r\nthe rest\r\nsw1#"]})
    assert found.send("show run") == f"banner\n{chunk}\nthe rest\n"


def test_a_declared_question_is_answered_and_no_other():
    answers = {
        "copy run start": "copy run start\r\nDestination filename [startup-config]? ",
        "backup": "backup\r\nOverwrite? [confirm]",
    }
    found, script = opened(answers)
    with pytest.raises(PromptTimeout, match="Overwrite"):
        script.sent.clear()
        found.send("copy run start", timeout=0.05, answers=(("Destination filename", "backup"),))
    assert script.sent == ["copy run start", "backup"]
    script.answers[""] = "\r\n[OK]\r\nsw1#"
    assert "[OK]" in found.send("copy run start", answers=(("Destination filename", "backup"), ("[confirm]", "")))


def test_a_configuration_line_that_equals_the_prompt_does_not_end_it():
    """The prompt itself stands in a banner, and the chunk ends right behind it."""
    whole = ["show running-config\r\nbanner motd ^\r\nsw1#", "\r\n^\r\nvlan 10\r\n", "end\r\n\r\nsw1#"]
    found, _ = opened({"show running-config": whole})
    assert found.send("show running-config").split() == ["banner", "motd", "^", "sw1#", "^", "vlan", "10", "end"]


def test_a_configuration_without_its_end_is_not_taken_for_one():
    found, _ = opened({"show running-config": "show running-config\r\nvlan 10\r\nsw1#"})
    with pytest.raises(NotWhole):
        found.send("show running-config")


def test_a_message_behind_the_prompt_does_not_hide_it():
    text = (
        "show clock\r\n10:00\r\nsw1#\r\n*Mar  1 00:00:01.123: %LINK-3-UPDOWN: Interface Gi0/1, changed state to up\r\n"
    )
    found, _ = opened({"show clock": [text]})
    assert found.send("show clock", timeout=1) == "10:00\n"


def test_an_endless_answer_is_cut_off_with_bounded_memory(monkeypatch):
    from devices.domain.errors import OutputTooLarge

    monkeypatch.setattr("devices.drivers.answer.MAX_OUTPUT", 100_000)
    found, script = opened({"show tech": ["x" * 60_000 + "\r\n"] * 1000})
    with pytest.raises(OutputTooLarge):
        found.send("show tech")
    assert len(script.queue) > 990, "what follows is not read"


LINUX = {c: [f"{c}\r\n", "interlock:77:0$ "] for c in PLATFORMS["linux"].preparation}


@pytest.mark.parametrize("status,words", [(1, "exit status 1"), (127, "exit status 127")])
def test_a_shell_line_is_judged_by_its_exit_status(status, words):
    answers = {
        **LINUX,
        "false": f"false\r\ninterlock:77:{status}$ ",
        "echo E: x": "echo E: x\r\nE: x\r\ninterlock:77:0$ ",
    }
    found, _ = opened(answers, greeting="u@srv:~$ ", platform="linux", prompt="u@srv:~$ ")
    assert found.send("echo E: x") == "E: x\n", "words decide nothing"
    with pytest.raises(CommandRejected) as caught:
        found.send("false", changes=True)
    assert words in caught.value.answer


def test_a_search_that_finds_nothing_has_not_failed():
    answers = {
        **LINUX,
        "grep x y": "grep x y\r\ninterlock:77:1$ ",
        "grep x z": "grep x z\r\ngrep: z: No such\r\ninterlock:77:2$ ",
    }
    found, _ = opened(answers, greeting="u@srv:~$ ", platform="linux", prompt="u@srv:~$ ")
    assert found.send("grep x y") == ""
    with pytest.raises(CommandRejected):
        found.send("grep x z")


@pytest.mark.parametrize("said", ["", "startup-config file open failed (Device or resource busy)\r\n"])
def test_a_save_without_its_sign_has_not_saved(said):
    found, _ = opened({"write memory": f"write memory\r\n{said}sw1#"})
    with pytest.raises(NotConfirmed) as caught:
        found.send("write memory", changes=True)
    assert caught.value.saves


def test_a_question_is_answered_once():
    again = ["crypto import\r\nEnter the passphrase: ", "\r\nEnter the passphrase: "]
    found, script = opened({"crypto import": again[0], "wrong": again[1]})
    with pytest.raises(QuestionRepeated, match="Enter the passphrase"):
        found.send("crypto import", answers=(("passphrase:", "wrong"),))
    assert script.sent.count("wrong") == 1
