"""Keep device configurations."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from datetime import datetime

from devices.models import ConfigSnapshot, Device

#: One configuration to keep: the tenant's id, the device, the text, why it was read.
Content = tuple[int, Device, str, str]


def keep_snapshots(contents: Sequence[Content], *, taken_at: datetime) -> list[ConfigSnapshot]:
    """Store running configurations, in order."""
    return ConfigSnapshot.objects.bulk_create(
        ConfigSnapshot(
            tenant_id=tenant,
            device=device,
            taken_at=taken_at,
            sha256=hashlib.sha256(content.encode()).hexdigest(),
            content_z=zlib.compress(content.encode(), 1),
            reason=reason[:200],
        )
        for tenant, device, content, reason in contents
    )
