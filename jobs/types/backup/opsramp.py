"""OpsRamp's `networkconfigbackup`: its `configParams` are the backup's parameters."""

from __future__ import annotations

from jobs.domain.opsramp.body import Body, Words
from jobs.domain.opsramp.reader import Reader
from jobs.models import ServiceJob
from jobs.types.backup.parameters import ALL_VERSIONS, VERSION_WITH_CHANGES
from jobs.types.base import OpsRampType, value_of
from templates_app.domain.variables import TRUE

#: A field of `configParams` → our parameter, in the order of its answers.
PARAMETERS = {
    "versionsSaved": "versions_saved",
    "backUpTrigger": "backup_on_trap",
    "startupConfigAlert": "startup_alert",
    "runtimeConfigAlert": "running_alert",
    "startUpConfigFilesBackUp": "startup",
    "runTimeConfigFilesBackUp": "running",
}
VERSIONS = (ALL_VERSIONS, VERSION_WITH_CHANGES)
FLAGS = tuple(name for name in PARAMETERS if name != "versionsSaved")


def read_parts(read: Reader, body: dict[str, object], script: dict[str, object]) -> dict[str, object]:
    """Return `config`, the parameters by OpsRamp's names."""
    path = "script.configParams"
    given = read.mapping(script.get("configParams", {}), path, ("versionsSaved", *FLAGS, "runConfigAlert"))
    found: dict[str, object] = {
        "versionsSaved": read.choice(given.get("versionsSaved", VERSIONS[0]), f"{path}.versionsSaved", VERSIONS)
    }
    for flag in FLAGS:
        # Without a word about it, the running configuration is what a backup is of.
        found[flag] = read.boolean(given.get(flag, flag == "runTimeConfigFilesBackUp"), f"{path}.{flag}")
    if "runConfigAlert" in given:
        other = read.boolean(given["runConfigAlert"], f"{path}.runConfigAlert")
        if "runtimeConfigAlert" in given:
            read.same(found["runtimeConfigAlert"], other, f"{path}.runConfigAlert {path}.runtimeConfigAlert")
        found["runtimeConfigAlert"] = other
    if not found["startUpConfigFilesBackUp"] and not found["runTimeConfigFilesBackUp"]:
        read.wrong(f"{path}.runTimeConfigFilesBackUp", "Back up at least one of the two configurations.")
    return {"config": found}


def variables(body: Body) -> dict[str, str]:
    """Return the parameters as the job has them."""
    given = body.parts["config"].items()
    return {PARAMETERS[key]: ("yes" if value else "no") if isinstance(value, bool) else value for key, value in given}


def write(job: ServiceJob) -> dict[str, object]:
    """Return the `script` of a job's body."""
    texts = {key: value_of(job, name) for key, name in PARAMETERS.items()}
    params = {key: text.lower() in TRUE if key in FLAGS else text for key, text in texts.items()}
    return {"jobType": WORDS.kind, "configParams": params}


WORDS = Words(
    kind="networkconfigbackup",
    name="Network Configuration Backup",
    needs_devices=True,
    script_fields=("configParams",),
    read=read_parts,
)
OPSRAMP = OpsRampType(words=WORDS, variables=variables, write=write, title=lambda body: WORDS.kind)
