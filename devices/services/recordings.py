"""Talk to a device for the sake of a case file, which holds no secret that is known here."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from config.errors import Invalid
from devices.domain.masking import Masker, masker_of
from devices.domain.secrets import Login
from devices.drivers.conversation import open_session
from devices.drivers.doors import installations
from devices.drivers.handshake import Endpoint
from devices.drivers.netmiko_session import NetmikoSession
from devices.drivers.platforms import PLATFORMS, only_reads
from devices.drivers.recording import FORMAT, Recording, blanked, record, stand_in
from devices.drivers.session import Session
from devices.models import Credential, Device
from devices.services import audit, vault
from devices.services.masking import masker_for


def of_device(named: str, tenant: str, lines: Sequence[str], *, may_change: bool) -> Recording:
    """Record a device of the inventory, by its name or id, with its credential or its tenant's; audited.

    It only reads: a change of what is in the inventory is a job, which is approved.
    """
    rows = Device.objects.select_related("tenant", "credential").filter(**{"tenant__key": tenant} if tenant else {})
    found = list(rows.filter(pk=UUID(named)) if is_id(named) else rows.filter(name__iexact=named))
    if len(found) != 1:
        raise Invalid(f"{len(found) or 'No'} devices are called '{named}'; give its id, or its name and its tenant.")
    device = found[0]
    if may_change:
        raise Invalid(f"{device} is in the inventory; what changes it is a job. Record it with lines that only read.")
    credential = device.credential or Credential.objects.filter(tenant=device.tenant, is_default=True).first()
    if device.protocol != Device.Protocol.SSH or credential is None:
        raise Invalid(f"{device} has no credential, or is reached by Telnet; record it by its address.")
    host, port = device.endpoint
    if device.next_hop_id or device.console:
        raise Invalid(
            f"{device.name} is reached over a jump host or a console port, which is not recorded. Log in to where it "
            "can be reached from, and record it there by its address (--host)."
        )
    endpoint = Endpoint(host=host, port=port, host_key=device.host_key, legacy=device.legacy_ssh, reach=installations())
    made = _recorded(
        endpoint, vault.open_login(credential), device.platform, lines, masker_for(device, device.tenant_id)
    )
    audit.record(tenant=device.tenant, by=None, action="device.recorded", subject=str(device), lines=len(lines))
    return made


def of_address(endpoint: Endpoint, login: Login, platform: str, lines: Sequence[str], *, may_change: bool) -> Recording:
    """Record a device by its address, with a login that was typed."""
    return _recorded(endpoint, login, platform, lines, masker_of(frozenset()), may_change=may_change)


def is_id(text: str) -> bool:
    """Say whether a text is an id."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _recorded(
    endpoint: Endpoint, login: Login, platform: str, lines: Sequence[str], masker: Masker, *, may_change: bool = False
) -> Recording:
    """Send lines to a device and return the recording; Invalid where one may change something and none may."""
    changing = [line for line in lines if not only_reads(platform, line)]
    if changing and not may_change:
        raise Invalid(f"'{changing[0]}' may change something on the device; allow that, or leave the line out.")
    session = open_session(endpoint, login, lambda shown: None, PLATFORMS[platform])
    if not isinstance(session, Session):
        session.close()
        raise Invalid("Commands of this platform run on channels of their own, without a prompt; there is no session.")
    values = set(login.secrets())
    own = masker_of(frozenset(values))

    def blank(text: str) -> str:
        return own.blank(masker.blank(text))

    try:
        tap, expected = record(session, login, lines, changes=may_change)
    finally:
        session.close()
    for one in expected:
        one["line"], one["answer"] = blank(one["line"]), blank(one["answer"])
    return Recording(
        format=FORMAT,
        what="",
        platform=platform,
        changes=may_change,
        name=session.base if isinstance(session, NetmikoSession) else "",
        prompt=session.base,
        enable=stand_in(login.enable_password),
        events=blanked(tap.events, blank, values),
        expected=expected,
    )
