"""Configuration backup: reads configurations and keeps them."""

from __future__ import annotations

from devices.drivers.platforms import PLATFORMS
from jobs.types.backup.keep import keep, kept_by
from jobs.types.backup.opsramp import OPSRAMP
from jobs.types.backup.planner import KEY, template_of
from jobs.types.base import JobType
from templates_app.domain.built_in import BuiltInTemplate


def template() -> BuiltInTemplate:
    """Return the backup for all platforms of which the product knows how they show a configuration."""
    return template_of(
        {platform.key: platform.show_running for platform in PLATFORMS.values() if platform.show_running},
        {platform.key: platform.show_startup for platform in PLATFORMS.values() if platform.show_startup},
    )


BACKUP = JobType(
    key=KEY,
    label="Network configuration backup",
    audience="For everybody who is asked what a device looked like yesterday: keeps running and startup "
    "configurations, and tells of changes.",
    icon="download",
    families={"netLD": "Backup", "OpsRamp": "Network Configuration Backup"},
    template=template,
    keep=keep,
    page="backup/page.html",
    show=kept_by,
    starts_on_trap="backup_on_trap",
    opsramp=OPSRAMP,
)
