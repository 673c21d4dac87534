"""The wheel: what is in it, and that `interlock demo` runs from it in any folder, without the source tree."""

import re
import signal
import subprocess
import sys
import sysconfig
import urllib.request
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from config import __version__
from tests.e2e.conftest import ROOT, Demo

APPS = ("config", "devices", "templates_app", "approvals", "jobs")
#: Serves a source tree only: it makes the tree's own environment.
LEFT_OUT = {"config/bootstrap.py"}
#: Nothing of the source tree, and no state folder by name, reaches the installed product.
CLEAN = {"PYTHONPATH": "", "INTERLOCK_VAR": "", "DATABASE_URL": "", "BROKER_URL": ""}


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel, and an empty folder to stand in."""

    folder: Path
    cwd: Path
    state_home: Path

    @property
    def command(self):
        return str(self.folder / "bin" / "interlock")

    @property
    def environment(self):
        return {**CLEAN, "XDG_STATE_HOME": str(self.state_home)}

    def run(self, *words):
        """Run a command to its end in the empty folder."""
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.state_home), **self.environment}
        return subprocess.run(words, cwd=self.cwd, env=environment, capture_output=True, text=True, timeout=100)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this tree."""
    folder = tmp_path_factory.mktemp("dist")
    words = ["wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder), str(ROOT)]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True, timeout=100)
    [found] = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The wheel in an environment of its own, which borrows the libraries of this one."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    words = ["-q", "--no-deps", "--no-index", "--no-cache-dir", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), "install", *words], check=True, timeout=100)
    [packages] = (folder / "env" / "lib").glob("python*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (folder / "empty").mkdir()
    return Installed(folder / "env", folder / "empty", folder / "state")


def test_the_wheel_holds_the_packages_and_what_they_serve_and_nothing_else(wheel):
    assert wheel.name == f"interlock-{__version__}-py3-none-any.whl"
    names = {name for name in zipfile.ZipFile(wheel).namelist() if not name.startswith(f"interlock-{__version__}.")}
    files = [path for app in APPS for path in (ROOT / app).rglob("*.*") if path.is_file() and path.suffix != ".pyc"]
    served = [path.relative_to(ROOT) for path in (ROOT / "static").rglob("*") if path.is_file()]
    wanted = {str(path.relative_to(ROOT)) for path in files} | {f"config/{path}" for path in served}
    assert names == wanted - LEFT_OUT
    assert {"jobs/demo/world.py", "config/templates/base.html", "config/static/css/frame.css"} <= names


def test_the_documents_and_the_lock_come_with_it(installed):
    share = installed.folder / "share"
    assert (share / "doc/interlock/INTERLOCK-MIB.txt").read_text() == (ROOT / "docs/INTERLOCK-MIB.txt").read_text()
    assert (share / "interlock/requirements.txt").read_text() == (ROOT / "requirements.txt").read_text()


def test_the_command_line_says_its_version_and_where_the_tests_are(installed):
    assert installed.run(installed.command, "--version").stdout == f"{__version__}\n"
    refused = installed.run(installed.command, "test")
    assert refused.returncode != 0 and "The tests are in the source tree" in refused.stderr


def test_state_goes_to_the_folder_of_the_user_and_never_into_the_installation(installed):
    before = {path for path in installed.folder.rglob("*") if path.suffix != ".pyc" and path.name != "__pycache__"}
    done = installed.run(installed.command, "migrate", "-v", "0")
    assert done.returncode == 0, done.stderr
    after = {path for path in installed.folder.rglob("*") if path.suffix != ".pyc" and path.name != "__pycache__"}
    assert after == before and list(installed.cwd.iterdir()) == []
    assert (installed.state_home / "interlock" / "interlock.sqlite3").exists()


def test_the_demo_runs_from_the_wheel_in_any_folder(installed, tmp_path):
    place = installed.run(installed.folder / "bin" / "python", "-c", "import config; print(config.__file__)").stdout
    assert place.startswith(str(installed.folder)), "the wheel's packages are not what is imported"
    demo = Demo(tmp_path / "var", 16, command=[installed.command], cwd=installed.cwd, **installed.environment)
    try:
        demo.wait_until_ready()
        with urllib.request.urlopen(f"{demo.url}/", timeout=20) as answer:
            page = answer.read().decode()
        assert answer.url.startswith(f"{demo.url}/sign-in/") and "Password" in page
        parts = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
        assert len(parts) >= 3
        for part in parts:
            with urllib.request.urlopen(demo.url + part, timeout=20) as answer:
                assert answer.status == 200 and answer.read()
        done = installed.run(installed.command, "smoke", "--url", demo.url)
        assert done.returncode == 0, done.stdout + done.stderr
        assert any(" beat " in words for words in demo.processes())
    finally:
        said = demo.stop(signal.SIGINT)
    assert "Stopped." in said and demo.process.returncode == 0
    assert demo.is_gone() and list(installed.cwd.iterdir()) == []
