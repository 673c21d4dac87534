"""The server log: every line says what happened and to what, whoever wrote it, and holds nothing it must not."""

import logging
import threading
from concurrent.futures import wait as all_of

import pytest

from config import logs
from devices.domain.secrets import Secret
from devices.drivers import hub
from jobs.worker.journal_writer import BatchingWriter
from jobs.worker.pool import DevicePool

log = logging.getLogger("tests.logs")


def say(words="said", **fields):
    log.info("%s", words, extra={"action": "test.said", **fields})


class Odd:
    def __str__(self):
        return "odd"


def test_a_line_says_when_what_and_about_what(log_lines):
    say("Größe 3 „µm“\nnext", tenant="acme", run=7)
    (line,) = log_lines
    assert list(line)[:4] == ["time", "level", "action", "message"]
    assert (line["action"], line["level"], line["tenant"], line["run"]) == ("test.said", "info", "acme", 7)
    assert line["message"] == "Größe 3 „µm“\nnext" and line["time"].endswith("Z")


def test_what_json_does_not_know_is_log_lines_as_text(log_lines):
    circle = {}
    circle["itself"] = circle
    half, values = "\ud800", {"odd": Odd(), "secret": Secret("canary"), "bytes": b"x", "nan": float("nan")}
    say(**values)
    for value in (half, 2**70, circle, {3: "not a text"}):
        say(value=value, secret=Secret("canary"), run=7)
    first, *others = log_lines
    assert (first["odd"], first["secret"], first["nan"]) == ("odd", "***", None)
    assert len(others) == 4 and all("value" in line and line["secret"] == "***" for line in others)


def test_one_line_holds_an_exception(log_lines):
    try:
        raise ValueError("ein Gerät")
    except ValueError:
        log.exception("It broke.", extra={"action": "test.broke"})
    assert "ValueError: ein Gerät" in log_lines[0]["error"] and "test_logs.py" in log_lines[0]["error"]


def test_where_an_error_arose_can_be_log_lines_without_what_it_says(log_lines):
    answer = "snmp-server community canary"
    try:
        raise ValueError(answer) from KeyError(answer)
    except ValueError as error:
        log.error("It broke.", exc_info=logs.unquoted(error), extra={"action": "test.broke"})
    assert (
        "test_logs.py" in log_lines[0]["error"]
        and "ValueError" in log_lines[0]["error"]
        and "canary" not in str(log_lines)
    )


def test_what_a_library_says_has_an_action_too(log_lines):
    log.warning("Something of its own.")
    assert log_lines[0]["action"] == logs.FOREIGN


def test_text_is_for_eyes_and_names_the_same(log_lines):
    lines = []
    handler = logging.Handler()
    handler.setFormatter(logs.TextLines())
    handler.emit = lambda record: lines.append(handler.format(record))
    log.addHandler(handler)
    try:
        with logs.bound(tenant="acme"):
            say("Hello.", run=7)
        log.warning("Plain.")
    finally:
        log.removeHandler(handler)
    assert lines[0].endswith("INFO test.said Hello. [tenant=acme run=7]")
    assert lines[1].endswith("WARNING tests.logs Plain.")
    assert set(log_lines[0]) - {"time", "level", "logger", "process"} == {"action", "message", "tenant", "run"}


class TestWhatIsBound:
    def test_is_over_with_its_block_and_an_inner_one_counts(self, log_lines):
        with logs.bound(run=1, tenant="acme"):
            with logs.bound(run=2):
                say()
            say()
            say(run=3)
        say()
        assert [(line.get("run"), line.get("tenant")) for line in log_lines] == [
            (2, "acme"),
            (1, "acme"),
            (3, "acme"),
            (None, None),
        ]

    def test_stays_apart_in_conversations_that_take_turns_in_one_thread(self, log_lines):
        """Each waits again and again, in a hub's every way, while the others go on."""
        many, writer = hub.Hub("test"), BatchingWriter()

        def converse(number):
            with logs.bound(device_run=number):
                for _ in range(5):
                    say("here", number=number)
                    hub.sleep(0.002 * (number % 3))
                    writer.do(lambda: say("written", number=number))
                    hub.elsewhere(lambda: say("elsewhere", number=number))
            say("after", number=number)

        try:
            futures = []
            for number in range(20):
                with logs.bound(run=number // 2):
                    futures.append(many.submit(converse, number))
            assert not all_of(futures, 10).not_done
            [future.result() for future in futures]
        finally:
            many.stop(), writer.stop()
        assert len(log_lines) == 20 * 16
        assert [line for line in log_lines if line["run"] != line["number"] // 2] == []
        during = [line for line in log_lines if line["message"] != "after"]
        assert [line for line in during if line["device_run"] != line["number"]] == []
        assert not any("device_run" in line for line in log_lines if line["message"] == "after")
        order = [line["number"] for line in log_lines if line["message"] == "here"]
        assert order != sorted(order), "they took turns"

    @pytest.mark.parametrize("shares", [True, False])
    def test_goes_along_into_the_pools_threads(self, log_lines, shares):
        pool = DevicePool(4)
        try:
            for number in range(8):
                with logs.bound(run=number):
                    pool.submit(lambda given: say(number=given), number, shares=shares).result(5)
        finally:
            pool.stop()
        assert [line["run"] for line in log_lines] == [line["number"] for line in log_lines] == list(range(8))

    def test_is_not_seen_by_other_threads(self, log_lines):
        with logs.bound(run=1):
            thread = threading.Thread(target=say)
            thread.start(), thread.join()
        assert "run" not in log_lines[0]
