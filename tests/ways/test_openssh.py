"""Real OpenSSH: as a jump host, with a locked key, with a certificate, with a key and then more."""

import shutil
from dataclasses import replace

import pytest

from devices.domain.errors import ForwardingRefused, LoginRefused, Unreachable
from devices.domain.secrets import Login, LoginKey, Secret
from devices.domain.targets import Reach
from devices.drivers.conversation import open_session
from devices.drivers.handshake import Endpoint, Hop
from devices.drivers.platforms import PLATFORMS
from devices.models import Network
from devices.services import inventory, jump_hosts
from tests import make
from tests.ways import openssh
from tests.ways.openssh import PASSPHRASE, SSHD, USER, certificate, new_key, sshd

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not SSHD or not shutil.which("ssh-keygen"), reason="needs openssh-server"),
]
HERE = Reach(allowed=("127.0.0.0/8",))
KINDS = ["ed25519", "ecdsa", "rsa"]


def echo(where, login):
    """Return what a shell on a real account says."""
    session = open_session(where, login, [].append, PLATFORMS["linux"])
    try:
        session.open(login)
        return session.send("echo $((6 * 7))")
    finally:
        session.close()


def endpoint(port, *hops):
    return Endpoint(host="127.0.0.1", port=port, reach=HERE, via=hops, login_timeout=10.0)


@pytest.fixture
def folder(tmp_path):
    tmp_path.chmod(0o755)
    return tmp_path


def allow(folder, *keys):
    (folder / "authorized_keys").write_text("".join((folder / f"{key}.pub").read_text() for key in keys))


@pytest.mark.parametrize("kind", KINDS)
def test_a_locked_key_logs_in_and_a_wrong_passphrase_does_not(folder, kind):
    text = new_key(folder / "key", PASSPHRASE, kind)
    allow(folder, "key")
    with sshd(folder) as (port, log):
        assert "42" in echo(endpoint(port), Login(USER, key=LoginKey(text=Secret(text), passphrase=Secret(PASSPHRASE))))
        with pytest.raises(LoginRefused, match="passphrase does not open"):
            echo(endpoint(port), Login(USER, key=LoginKey(text=Secret(text), passphrase=Secret("other"))))
        assert log.read_text().count("Accepted publickey") == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_logs_in_where_the_key_alone_does_not(folder, kind):
    text = new_key(folder / "key", PASSPHRASE, kind)
    login = Login(USER, key=LoginKey(text=Secret(text), passphrase=Secret(PASSPHRASE)))
    signed = certificate(folder, folder / "key")
    allow(folder)
    with sshd(folder, f"TrustedUserCAKeys {folder / 'ca.pub'}") as (port, log):
        with pytest.raises(LoginRefused):
            echo(endpoint(port), login)
        assert "42" in echo(
            endpoint(port),
            Login(USER, key=replace(login.key, certificate=signed)),
        )
        assert "CA ED25519" in log.read_text()


def test_a_certificate_that_is_over_is_refused(folder):
    text = new_key(folder / "key")
    signed = certificate(folder, folder / "key", validity="-2h:-1h")
    allow(folder)
    login = Login(USER, key=LoginKey(text=Secret(text), certificate=signed))
    with (
        sshd(folder, f"TrustedUserCAKeys {folder / 'ca.pub'}") as (port, _),
        pytest.raises(LoginRefused, match="refused the login"),
    ):
        echo(endpoint(port), login)


def hop(port, text, name="bastion"):
    login = Login(USER, key=LoginKey(text=Secret(text)))
    return Hop(name=name, host="127.0.0.1", port=port, host_key="", login=lambda: login, pin=[].append)


def test_it_is_a_jump_host_also_one_behind_the_other(folder):
    text = new_key(folder / "key")
    allow(folder, "key")
    login = Login(USER, key=LoginKey(text=Secret(text)))
    with sshd(folder, "AllowTcpForwarding yes") as (one, log), sshd(folder) as (two, _), sshd(folder) as (device, _):
        assert "42" in echo(endpoint(device, hop(one, text)), login)
        assert "42" in echo(endpoint(device, hop(one, text), hop(two, text)), login)
        big = open_session(endpoint(device, hop(one, text)), login, [].append, PLATFORMS["linux"])
        big.open(login)
        assert len(big.send("seq 1 200000", timeout=60)) > 1_200_000
        big.close()
        with pytest.raises(Unreachable, match="the jump host 'bastion' has no connection to 127.0.0.1:1"):
            echo(endpoint(1, hop(one, text)), login)


def test_one_that_forwards_nothing_says_so(folder):
    text = new_key(folder / "key")
    allow(folder, "key")
    with sshd(folder, "AllowTcpForwarding no") as (one, _), sshd(folder) as (device, log):
        with pytest.raises(ForwardingRefused, match="AllowTcpForwarding"):
            echo(endpoint(device, hop(one, text)), Login(USER, key=LoginKey(text=Secret(text))))
        assert "Accepted" not in log.read_text()


@pytest.mark.django_db
def test_a_job_reaches_the_fleet_over_it(folder, tenant, person, wakeups):
    text = new_key(folder / "key", PASSPHRASE)
    signed = certificate(folder, folder / "key")
    allow(folder)
    acme = tenant("acme")
    with sshd(folder, f"TrustedUserCAKeys {folder / 'ca.pub'}") as (port, log), make.fleet(folder, "acme") as (_, done):
        credential = inventory.save_credential(
            by=None,
            tenant=acme,
            name="Signed",
            username=USER,
            certificate=signed,
            secrets={"private_key": Secret(text), "passphrase": Secret(PASSPHRASE)},
        )
        jump = jump_hosts.save_jump_host(
            by=None, tenant=acme, name="real", host="127.0.0.1", port=port, credential=credential
        )
        Network.objects.filter(tenant=acme).update(jump_host=jump)
        devices = make.devices(acme, "cisco_ios", "arista_eos", "juniper_junos", "linux")
        run = make.job(person("acme-operator"), make.template(acme), devices)[1]
        make.finish(run)
        assert run.status == "succeeded", [row.message for row in run.device_runs.all()]
        assert all(done(device) for device in devices)
        assert log.read_text().count("Accepted publickey") == len(devices)
    jump.refresh_from_db()
    assert jump.host_key
    rows = list(run.device_runs.all())
    said = str([row.message for row in rows] + [make.shown(s).exchanges for row in rows for s in row.steps.all()])
    assert openssh.PASSPHRASE not in said
