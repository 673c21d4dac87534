"""Keep device configurations."""

from __future__ import annotations

import hashlib
import zlib
from datetime import datetime

from devices.models import ConfigSnapshot, Device, Tenant


def keep_snapshot(*, tenant: Tenant, device: Device, content: str, taken_at: datetime, reason: str) -> ConfigSnapshot:
    """Store one running configuration; equal content of the device's last snapshot shares its bytes only by value."""
    data = content.encode()
    return ConfigSnapshot.objects.create(
        tenant=tenant,
        device=device,
        taken_at=taken_at,
        sha256=hashlib.sha256(data).hexdigest(),
        content_z=zlib.compress(data, 1),
        reason=reason[:200],
    )
