"""The curl commands in the documentation do what the text around them says: each is run against the demo."""

import re
import subprocess
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


def examples():
    for page in sorted(DOCS.rglob("*.md")):
        for number, block in enumerate(
            re.findall(r"^```\n(curl .*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
        ):
            yield pytest.param(block, id=f"{page.stem}-{number}")


@pytest.mark.parametrize("command", list(examples()))
def test_an_example_is_answered(demo, command):
    words = command.replace("http://127.0.0.1:8000", demo.url)
    words = words.replace("curl ", "curl -sS -w '\\n%{http_code}' ", 1)
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    body, _, status = done.stdout.rpartition("\n")
    assert status in ("200", "201"), f"{status}: {body[:800]}"


def test_there_are_examples():
    assert len(list(examples())) >= 8
