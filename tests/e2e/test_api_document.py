"""The OpenAPI document tells the truth: requests made up from it, and a client generated from it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Demo

PEOPLE = ("acme-operator", "acme-approver-1", "globex-operator")
CHECKS = "not_a_server_error,response_schema_conformance,content_type_conformance"
#: Requests with the fewest examples, and for one more example for each operation and person, measured.
BASE, PER_EXAMPLE = 5000, 220
#: CPython 3.11 says so now and then when two threads parse Python at once (its issue 106905); schemathesis has two.
INTERPRETER = "AST constructor recursion depth mismatch"
WANTED = int(os.environ.get("N", BASE))


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A world of its own: requests made up at random rename, change and delete what other tests look for."""
    running = Demo(tmp_path_factory.mktemp("fuzzed") / "var")
    running.wait_until_ready()
    yield running
    running.stop()


def made_up(words, folder):
    """Run schemathesis, and again where its own interpreter fell over; what the server did wrong is never asked for
    twice."""
    for _ in range(3):
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=6000)
        if INTERPRETER not in done.stdout or not re.search(r"\b(\d+) generated, \1 passed", done.stdout):
            break
    return done


@pytest.mark.timeout(int(os.environ.get("N", 0)) // 10 + 600)
def test_schemathesis_finds_no_server_error_and_no_answer_against_the_document(demo, tmp_path):
    generated = 0
    examples = 5 + (WANTED - BASE) // PER_EXAMPLE
    for person in PEOPLE:
        phases = "coverage,fuzzing,stateful" if person == PEOPLE[0] else "fuzzing,stateful"
        words = [
            str(Path(sys.executable).parent / "st"),
            "run",
            f"{demo.url}/api/schema/",
            "-H",
            f"Authorization: Bearer demo-{person}",
            "--phases",
            phases,
            "--max-examples",
            str(examples),
            "--checks",
            CHECKS,
            "--continue-on-failure",
            "-w",
            "2",
            "--no-color",
        ]
        done = made_up(words, tmp_path)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        generated += int(re.search(r"(\d+) generated", done.stdout)[1])
    print(f"{generated} requests")
    assert generated >= WANTED


@pytest.mark.timeout(300)
def test_a_generated_client_makes_and_runs_a_job(demo, tmp_path):
    """openapi-python-client reads the document without a warning; what it wrote creates a job, runs it, reads its
    end."""
    words = [
        str(Path(sys.executable).parent / "openapi-python-client"),
        "generate",
        "--url",
        f"{demo.url}/api/schema/?format=json",
        "--meta",
        "none",
        "--output-path",
        str(tmp_path / "interlock_client"),
    ]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0 and "WARNING" not in (done.stdout + done.stderr).upper(), (
        done.stdout[-3000:] + done.stderr[-3000:]
    )
    script = Path(__file__).with_name("generated_client.py")
    done = subprocess.run(
        [sys.executable, str(script), demo.url],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert json.loads(done.stdout) == {"status": "succeeded", "devices": 1}
