"""Keep device configurations, and show them without secrets; a text that a device has had before is stored once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from devices.domain import configs
from devices.drivers.platforms import PLATFORMS
from devices.models import ConfigSnapshot, Device
from devices.services.masking import masker_for


class Content(NamedTuple):
    """One configuration to keep: the tenant's id, the device, the text, why it was read, which one it is."""

    tenant: int
    device: Device
    text: str
    reason: str
    kind: str = "running"


def keep_snapshots(contents: Sequence[Content], *, taken_at: datetime) -> list[ConfigSnapshot]:
    """Store configurations; return them in order."""
    rows = [
        ConfigSnapshot(
            tenant_id=content.tenant,
            device=content.device,
            kind=content.kind,
            taken_at=taken_at,
            sha256=hashlib.sha256(content.text.encode()).hexdigest(),
            reason=content.reason[:200],
        )
        for content in contents
    ]
    first = _earlier(rows)
    for row, content in zip(rows, contents, strict=True):
        if _key(row) not in first:
            first[_key(row)] = row
            row.take(content.text)
    ConfigSnapshot.objects.bulk_create(row for row in rows if row.content_sealed)
    copies = [row for row in rows if not row.content_sealed]
    for row in copies:
        row.same_as = first[_key(row)]
    ConfigSnapshot.objects.bulk_create(copies)
    return rows


def _key(row: ConfigSnapshot) -> tuple[int, object, str]:
    return row.tenant_id, row.device_id, row.sha256


def _earlier(rows: Sequence[ConfigSnapshot]) -> dict[tuple[int, object, str], ConfigSnapshot]:
    """Return the stored texts that are the same, by tenant, device and hash."""
    devices, hashes = {row.device_id for row in rows}, {row.sha256 for row in rows}
    found = ConfigSnapshot.objects.filter(device__in=devices, sha256__in=hashes, same_as=None).defer("content_sealed")
    return {_key(row): row for row in found} if rows else {}


def shown(snapshot: ConfigSnapshot) -> str:
    """Return the text of a configuration, secrets hidden."""
    return masker_for(snapshot.device, snapshot.tenant_id).hide_all(snapshot.unsealed)


class Compared(NamedTuple):
    """Two configurations of a device as they are compared, secrets hidden, and the ignored lines in which they
    differ."""

    before: list[configs.Line]
    after: list[configs.Line]
    ignored: list[tuple[str, str]]

    @property
    def changes(self) -> list[tuple[str, str]]:
        """The comparison in one column: [(kind, line)]; empty when nothing changed."""
        return configs.unified(self.before, self.after)

    @property
    def pairs(self) -> list[configs.Pair]:
        """The same in two columns."""
        return configs.side_by_side(self.before, self.after)


def compared(old: ConfigSnapshot, new: ConfigSnapshot, platform: str, *, with_ignored: bool = False) -> Compared:
    """Compare two configurations of a device: without what changes by itself, unless that is asked for."""
    masker = masker_for(new.device, new.tenant_id)
    volatile = () if with_ignored else volatile_in(platform)
    texts = [row.unsealed for row in (old, new)]
    (before, left), (after, left_after) = (configs.sifted(text, masker.hide_all(text), volatile) for text in texts)
    return Compared(before, after, configs.ignored(left, left_after))


def changes(old: ConfigSnapshot, new: ConfigSnapshot, platform: str) -> list[tuple[str, str]]:
    """Compare two configurations of a device in one column, secrets hidden: [(kind, line)]; empty when nothing
    changed."""
    return compared(old, new, platform).changes


def differs(last: ConfigSnapshot, text: str, platform: str) -> bool:
    """Say whether a configuration is another one than the last that was kept, but for what changes by itself."""
    volatile = volatile_in(platform)
    return configs.settled(last.unsealed, volatile) != configs.settled(text, volatile)


def volatile_in(platform: str) -> tuple[re.Pattern[str], ...]:
    """Return what changes by itself in a platform's configurations."""
    return PLATFORMS[platform].volatile if platform in PLATFORMS else ()
