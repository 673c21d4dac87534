"""Real devices on this machine: FRR's command line and login shells of this system, each behind a real OpenSSH server.

Everything stands in namespaces of its own. Accounts exist in a mount namespace whose password file is ours, so no
account of the machine is touched or needed; FRR's daemons have a network namespace, so no route of the machine is;
and a process namespace ends with the test whatever was started in it. That needs root.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import servers

PASSWORD = "Corr3ct-horse"
#: What is tried against what, by platform.
TRIED = {
    "cisco_ios": "FRR's command line behind OpenSSH, as IOS",
    "cisco_xe": "FRR's command line behind OpenSSH, with Netmiko's login",
    "linux": "bash, dash and busybox ash of Debian behind OpenSSH (zsh is not known: nothing is sent to it)",
}
#: Bound over the machine's own files where the server looks.
BOUND = ("passwd", "shadow", "group", "motd")
PRIVATE = "mount --make-rprivate / && "
DAEMONS = ("zebra", "bgpd", "staticd")
SSHD = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile none
UsePAM no
PasswordAuthentication yes
KbdInteractiveAuthentication no
PermitRootLogin no
StrictModes no
UseDNS no
PrintMotd yes
PrintLastLog no
MaxStartups 100
Banner {folder}/banner
"""
FRR_CONF = """\
frr version 8.4
frr defaults traditional
hostname {name}
log syslog informational
service integrated-vtysh-config
!
interface lo
 description first
exit
!
ip prefix-list CUSTOMERS seq 5 permit 192.0.2.0/24
!
end
"""


def lacking():
    """Say what this machine lacks for real devices; empty when nothing."""
    if os.getuid():
        return "Real devices need root, for namespaces of their own."
    missing = [name for name in ("sshd", "unshare", "ip", "vtysh", "openssl") if not _program(name)]
    missing += [name for name in ("busybox", "zsh", "dash") if not _program(name)]
    if missing:
        return f"Not installed: {', '.join(missing)}: 'apt install openssh-server frr iproute2 busybox zsh'."
    probe = subprocess.run(["unshare", "-mnp", "--fork", "true"], capture_output=True, text=True, check=False)
    return f"No namespace can be made: {probe.stderr.strip()}." if probe.returncode else ""


def _program(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


@dataclass
class Account:
    """One account; `user` (of the machine) lends it the ids it runs with."""

    name: str
    shell: str
    home: Path
    user: str = "nobody"
    group: str = "nogroup"


@contextmanager
def _folder():
    found = Path(tempfile.mkdtemp(prefix="interlock-real-"))
    found.chmod(0o755)
    try:
        yield found
    finally:
        shutil.rmtree(found, ignore_errors=True)


@contextmanager
def _running(namespaces, script, **more):
    """Run a shell script in namespaces; all of it ends with the context."""
    words = ["unshare", *namespaces, "--fork", "--kill-child", "sh", "-c", script]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, **more)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def _files(folder, accounts, motd, banner):
    """Write the server's configuration and what stands in the place of the machine's own files."""
    import grp

    words = ["openssl", "passwd", "-6", "-stdin"]
    sealed = subprocess.run(words, input=PASSWORD, capture_output=True, text=True, check=True).stdout.strip()
    # Also the accounts that the server and the daemons themselves run with.
    users, shadows = [Path("/etc/passwd").read_text()], [Path("/etc/shadow").read_text()]
    for one in accounts:
        ids = f"{pwd.getpwnam(one.user).pw_uid}:{grp.getgrnam(one.group).gr_gid}"
        users.insert(0, f"{one.name}:x:{ids}::{one.home}:{one.shell}\n")
        shadows.insert(0, f"{one.name}:{sealed}:19000:0:99999:7:::\n")
    texts = {"passwd": users, "shadow": shadows, "group": [Path("/etc/group").read_text()], "motd": [motd]}
    for name, parts in texts.items():
        (folder / name).write_text("".join(parts))
        (folder / name).chmod(0o600 if name == "shadow" else 0o644)
    (folder / "banner").write_text(banner)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "host_key"], check=True)


@contextmanager
def sshd(accounts, name="real-box", motd="", banner=""):
    """Serve the accounts of a machine of this name on a port of 127.0.0.1, which it yields."""
    with _folder() as folder:
        port = servers.free_port()
        _files(folder, accounts, motd, banner)
        (folder / "sshd_config").write_text(SSHD.format(port=port, folder=folder))
        bound = [name for name in BOUND if Path("/etc", name).exists()]
        mounts = PRIVATE + " && ".join(f"mount --bind {folder}/{name} /etc/{name}" for name in bound)
        # Its folder for unprivileged parts is made in a file system of this namespace.
        mounts += f" && hostname {name} && mount -t tmpfs none /run && mkdir -m 755 /run/sshd"
        script = f"{mounts} && exec {_program('sshd')} -D -e -f {folder}/sshd_config"
        with _running(
            ["--mount", "--uts", "--pid", "--mount-proc"], script, stderr=(folder / "log").open("w")
        ) as process:
            _await(lambda: _listens(port) or process.poll() is not None)
            assert process.poll() is None, (folder / "log").read_text()
            yield port


def _listens(port):
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _await(holds, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "It does not hold in time."
        time.sleep(0.05)


class Frr:
    """FRR that runs; `port` is its OpenSSH server's, `user` the account whose login shell is its command line."""

    user = "netops"

    def __init__(self, folder, port):
        self.folder, self.port = folder, port

    def vtysh(self, *lines):
        """Return what FRR itself says to these lines, outside of any session."""
        words = ["vtysh", "--vty_socket", str(self.folder), "--config_dir", str(self.folder)]
        words += [word for line in lines for word in ("-c", line)]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout

    @property
    def running(self):
        return self.vtysh("show running-config")

    @property
    def saved(self):
        return (self.folder / "frr.conf").read_text()


@contextmanager
def frr(name="edge-rt1", config=FRR_CONF, motd="", banner="", pager=""):
    """Run FRR with a configuration behind OpenSSH; yields `Frr`. Its interface is `lo`."""
    with _folder() as folder:
        (folder / "frr.conf").write_text(config.format(name=name))
        (folder / "vtysh.conf").write_text(f"service integrated-vtysh-config\nhostname {name}\n")
        paged = f"export VTYSH_PAGER='{pager}'\n" if pager else ""
        shell = folder / "shell"
        shell.write_text(
            f"#!/bin/sh\n{paged}exec vtysh --vty_socket {folder} --config_dir {folder} -H {folder}/history\n"
        )
        shell.chmod(0o755)
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "frr", "frrvty")
        folder.chmod(0o770)
        begin = "ip link set lo up"
        for name in DAEMONS:
            begin += (
                f" && /usr/lib/frr/{name} -d -f /dev/null --vty_socket {folder} -z {folder}/zserv.api"
                f" -i {folder}/{name}.pid -P 0 --log file:{folder}/{name}.log"
            )
        script = f"{begin} && exec sleep infinity"
        with _running(["--net", "--pid", "--mount-proc"], script, stderr=(folder / "daemons").open("w")) as process:
            ready = lambda: all((folder / f"{name}.vty").exists() for name in DAEMONS)  # noqa: E731
            _await(lambda: ready() or process.poll() is not None)
            assert process.poll() is None, (folder / "daemons").read_text()
            boot = ["vtysh", "--vty_socket", str(folder), "--config_dir", str(folder), "-b"]
            subprocess.run(boot, check=True, capture_output=True)
            with sshd([Account(Frr.user, str(shell), folder, "frr", "frrvty")], motd=motd, banner=banner) as port:
                yield Frr(folder, port)


#: What an account's shell reads when it begins, by the account's name; the first word says which shell.
ACCOUNTS = {
    "bash": "",
    "dash": "",
    "ash": "",
    "zsh": "",
    "bash-colours": r"""PS1='\[\e]0;\u@\h: \w\a\]\[\e[01;32m\]\u@\h\[\e[00m\]:\[\e[01;34m\]\w\[\e[00m\]\$ '""",
    "bash-title": r"""PS1='\u@\h \w> '; PROMPT_COMMAND='printf "\033]0;%s@%s\007" "$USER" "$PWD"; echo "load 0.1#"'""",
    "bash-lines": r"""PS1='\n--- \w ---\n\t \$ '""",
    "bash-unlike": "PS1='> '",
    "bash-changing": """N=0; PROMPT_COMMAND='N=$((N+1)); PS1="host$N\\$ "'""",
    "bash-alike": "echo 'interlock:0$ '; echo 'ops@other:~$ '; printf 'root@other:~# '; sleep 0.5; echo",
    "bash-alias": "alias echo='echo interlock:0$; echo'; alias touch='echo touched #'; alias true=false",
    "bash-locked": "PS1='\\u@\\h:\\w\\$ '; readonly PS1",
    "bash-forced": """f() { PS1='again\\$ '; }; PROMPT_COMMAND=f; readonly PROMPT_COMMAND""",
    "bash-debug": """trap 'printf "ops@lab:~$ "' DEBUG""",
    "bash-late": "(for n in 1 2 3 4 5 6 7 8; do sleep 0.3; printf 'late\\ninterlock:1$ '; done) &",
}


class Box:
    """This system behind OpenSSH; `port` is the server's, each account has a `home`."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port

    def home(self, account):
        return self.folder / account


@contextmanager
def box(accounts=ACCOUNTS, motd="", banner=""):
    """Serve login shells of this system, one account each; yields `Box`."""
    with _folder() as folder:
        rows = []
        for name, text in accounts.items():
            home, shell = folder / name, name.split("-")[0]
            home.mkdir(mode=0o755)
            (home / {"zsh": ".zshrc", "bash": ".bash_profile"}.get(shell, ".profile")).write_text(text + "\n")
            path = _program(shell) or str(folder / shell)
            if shell == "ash" and path.startswith(str(folder)):
                (folder / "bin").mkdir()
                (folder / "bin").chmod(0o755)
                path = str(folder / "bin" / "ash")
                os.symlink(_program("busybox"), path)
            for each in (home, *home.iterdir()):
                shutil.chown(each, "nobody", "nogroup")
                each.chmod(0o755)
            rows.append(Account(name, path, home))
        with sshd(rows, motd=motd, banner=banner) as port:
            yield Box(folder, port)
