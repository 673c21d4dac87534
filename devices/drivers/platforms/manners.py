"""What the table of Netmiko's device types is too coarse for: how single systems speak, by key.

Each is held by its messages in `tests/field/documented/`, whose files name the documents.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from devices.drivers.platform import NEGATIVE, Platform
from devices.drivers.platforms.cisco_ios import CISCO_IOS
from devices.drivers.platforms.juniper_junos import JUNIPER_JUNOS

Manner = Callable[[Platform], Platform]
#: A remark on a line that was taken.
REMARK = re.compile(
    r"^[ ]{0,8}[!%#]?[ ]?(?:Warning|Notice|Note|Info)\b|will (?:only )?take effect|[(]y/n[)]"
    r"|No configuration changes to commit|committed successfully|is in progress",
    re.IGNORECASE,
)
#: `(config)` and what it holds on the way down.
BRACKETS = re.compile(r"\((?:conf|Config)[^)\n]{0,60}\)\s?#\s?$", re.IGNORECASE)
SQUARE = re.compile(r"^\[[^\]\n]{1,120}\]\s?$")
HASH = re.compile(r"#\s?$")
#: Lines that save.
SAVES = re.compile(r"^\s*(?:wr|copy run|save|admin save)")
COMMITS = re.compile(r"^\s*commit\b")


def saying(
    config: re.Pattern[str] | None = None,
    done: re.Pattern[str] | None = None,
    *,
    asks: tuple[tuple[str, str], ...] = (),
    comment: str = "",
    saves: re.Pattern[str] = SAVES,
    save: tuple[str, ...] = (),
    above: re.Pattern[str] | None = None,
) -> Manner:
    """Return what makes a coarse platform one whose configuration mode, known by its prompt, is silent about lines that
    it takes; a save is none unless its answer matches `done`, and `asks` are what it is asked."""

    def made(coarse: Platform) -> Platform:
        return replace(
            coarse,
            config_prompt=config,
            config_failure=NEGATIVE if config else coarse.config_failure,
            notice=REMARK,
            confirmations=((saves, done),) if done else (),
            save=save or coarse.save,
            save_answers=asks,
            comment=comment,
            above=above,
        )

    return made


def as_ios(coarse: Platform) -> Platform:
    """Return a platform that speaks as IOS does, whoever logs in."""
    return replace(
        coarse,
        config_prompt=CISCO_IOS.config_prompt,
        config_end=CISCO_IOS.config_end,
        config_failure=CISCO_IOS.config_failure,
        failure=CISCO_IOS.failure,
        notice=CISCO_IOS.notice,
        confirmations=CISCO_IOS.confirmations,
        save_answers=CISCO_IOS.save_answers,
        inputs=CISCO_IOS.inputs,
        input_asks=CISCO_IOS.input_asks,
        renames=CISCO_IOS.renames,
        comment=CISCO_IOS.comment,
    )


YES = (("(y/n)", "y"),)
FASTPATH = saying(BRACKETS, re.compile("Configuration Saved"), asks=YES)
COMWARE = saying(SQUARE, re.compile("successfully"))
HUAWEI = saying(SQUARE, re.compile("saved successfully|Save the configuration successfully"), asks=(("[Y/N]", "y"),))
PROCURVE = saying(BRACKETS)
FASTIRON = saying(BRACKETS, re.compile("Write startup-config done"), comment="!")
VYOS = saying(HASH, above=JUNIPER_JUNOS.above)
MANNERS: dict[str, Manner] = {
    "cisco_xe": as_ios,
    "cisco_ioswlc": as_ios,
    "cisco_nxos": saying(BRACKETS, re.compile("Copy complete"), comment="!"),
    "cisco_xr": saying(BRACKETS, comment="!"),
    "cisco_asa": saying(BRACKETS, re.compile(r"\[OK\]"), comment="!"),
    "cisco_wlc": saying(re.compile(r"\S config>\s?$"), re.compile("Configuration Saved"), asks=YES),
    "cisco_s300": saying(
        BRACKETS, re.compile("Copy succeeded|completed successfully"), asks=(("[N] ?", "Y"), ("(Y/N)", "Y"))
    ),
    "hp_comware": COMWARE,
    "h3c_comware": COMWARE,
    "huawei": HUAWEI,
    "huawei_vrp": HUAWEI,
    "aruba_aoscx": saying(BRACKETS, re.compile(r"\[Success\]"), comment="!"),
    "aruba_os": saying(BRACKETS, re.compile("successfully|Configuration Saved"), comment="!"),
    "hp_procurve": PROCURVE,
    "aruba_procurve": PROCURVE,
    "aruba_osswitch": PROCURVE,
    "dell_os10": saying(BRACKETS, re.compile("Copy completed"), comment="!"),
    "dell_force10": saying(BRACKETS, comment="!"),
    "dell_os9": saying(BRACKETS, comment="!"),
    "extreme_exos": saying(None, re.compile("saved to .{0,60} successfully"), asks=(("(y/N)", "y"),)),
    "paloalto_panos": saying(
        HASH, re.compile("committed successfully|No changes to commit"), saves=COMMITS, above=JUNIPER_JUNOS.above
    ),
    "vyos": VYOS,
    "vyatta_vyos": VYOS,
    "ubiquiti_edgerouter": VYOS,
    "nokia_sros": saying(None, re.compile(r"Completed|\bOK\b"), save=("admin save",)),
    "ubiquiti_edgeswitch": FASTPATH,
    "ubiquiti_edge": FASTPATH,
    "brocade_fastiron": FASTIRON,
    "ruckus_fastiron": FASTIRON,
}


def mannered(coarse: Platform) -> Platform:
    """Return a platform of Netmiko's with what is known of how it speaks."""
    manner = MANNERS.get(coarse.key)
    return manner(coarse) if manner else coarse
