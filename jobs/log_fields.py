"""What names a run, and a device run, in the server log; who writes a line about one gives all of it."""

from __future__ import annotations

from jobs.models import DeviceRun, JobRun


def of_run(run: JobRun) -> dict[str, object]:
    """Return tenant (its key) and run (id). Claimed runs bring the key along, so that nothing is asked for it."""
    return {"tenant": getattr(run, "tenant_key", None) or run.tenant.key, "run": run.pk}


def of_device_run(row: DeviceRun) -> dict[str, object]:
    """Return what names its run, device run (id) and device (name)."""
    return {**of_run(row.run), "device_run": row.pk, "device": row.device_name}
