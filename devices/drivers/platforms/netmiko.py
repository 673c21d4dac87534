"""Netmiko's device types as platforms: Netmiko knows how to log in and to prepare a session, this says the rest.

What they share is coarse: a line is rejected when its answer has one of the common words for that, and a prompt is what
begins with the name that Netmiko found and stays the last line for a moment. Keys are Netmiko's; a test compares the
table with the installed Netmiko. Source of the lines: the defaults of Netmiko's classes; how the running configuration
is shown, of the vendors' manuals.
"""

import re

from devices.drivers.platform import IOS_VOLATILE, Platform, reading

#: Any line that may be a prompt; the session replaces it by one with the device's own name.
PROMPT = re.compile(r"^(?P<base>\S[^\r\n]{0,120}?)[>#$%\]:]\s{0,2}$")
#: Words with which such systems begin to say that they did not take a line.
FAILURE = re.compile(
    r"^\s{0,80}(?:%{1,2}\s?|CLINFR\d{4}\s{1,3}|Error:\s?)?(?:invalid|incomplete|ambiguous|unknown"
    r"|unrecogni[sz]ed|bad|wrong"
    r"|too many parameters|missing|incorrect|illegal|error|unsupported|syntax error|parse error|command incomplete"
    r"|configuration lock present|permission denied)\b"
    r"|^\s{0,8}%.*(?:denied|not allowed|failed|fail\b)"
    r"|^command (?:fail|reject|not found|authorization failed|parse error)"
    r"|^\s*\^\s*$|command not found|permission denied|^[ ]{0,8}(?:minor|major|critical): |^NMINST\d{4} "
    r"|^(?:value|command) parse error|^node_check_object fail|^entry not found|^object .{0,40} operator error"
    r"|MUST be set|^(?:set|delete|commit|value validation) failed|^validation error|^server error|^configuration path: "
    r"|^expected end of command|^failure: |^no such item|^input does not match|^nothing to delete"
    r"|^request failed|^could not |^cannot |^module not present",
    re.IGNORECASE,
)
#: What may follow a pipe.
FILTERS = (
    "(include|exclude|begin|section|count|match|except|find|inc|exc|beg) {pattern}",
    "grep( -[Eciv]+)* {pattern}",
    "display (set|xml|json)|no-more|count|json",
)
COMMON = ("ping {host}", "(traceroute|tracert) {host}", "dir( (boot)?flash:)?")
#: The verbs that only read, by the beginnings of keys; the others have `show`. A shell's commands are not listed.
VERBS = (
    (("_linux", "netapp_cdot", "generic_termserver", "mikrotik_switchos"), ()),
    (("h3c_", "hp_comware", "huawei", "3com_"), ("display",)),
    (("fortinet", "juniper_screenos"), ("get", "show")),
    (("nokia_", "alcatel_sros", "rad_etx"), ("show", "info")),
    (("f5_ltm", "f5_tmsh"), ("show", "list")),
)
PAGER = re.compile(
    r"(?:--\s?More\s?--(?: or \(q\)uit| \(q\) quit[^\r\n]{0,60}|, next page: [^\r\n]{0,60})?|---- More ----"
    r"|<--- More --->|\(more[^)]*\)|^More: <space>,[^\r\n]{0,60}|^Press <SPACE> to continue[^\r\n]{0,40}:"
    r"|^Press any key to continue \(Q to quit\)|-- \[Q quit\|[^\]\r\n]{0,40}\]|^:)\s*$",
    re.IGNORECASE,
)
RENAMES = re.compile(r"^\s*(hostname|sysname|set system host-name|system name)\s+\S+")
#: What changes by itself in a configuration, by the beginnings of keys: the first that fits counts, beside what IOS
#: does. Sources, facts only: the heads of configurations in the vendors' guides, what the backup models of Oxidized
#: (ytti/oxidized, lib/oxidized/model, by the model's name) leave out, and what people report.
VOLATILE: tuple[tuple[tuple[str, ...], tuple[re.Pattern[str], ...]], ...] = (
    # NX-OS: the head of `show running-config` (NX-OS Fundamentals Configuration Guide; Oxidized `nxos`).
    (
        ("cisco_nxos",),
        (
            re.compile(r"^!Command: "),
            re.compile(r"^!Time: "),
            re.compile(r"^!Running configuration last done at: "),
            re.compile(r"^!Startup config saved at: "),
        ),
    ),
    # IOS XR prints the time before each answer and the last commit in the head (IOS XR System Management Guide).
    (
        ("cisco_xr",),
        (
            re.compile(r"^!! Last configuration change at "),
            re.compile(r"^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d\.\d+ "),
        ),
    ),
    # ASA: the head with who wrote it and when, and the checksum at the end (ASA CLI Book 1; Oxidized `asa`).
    (
        ("cisco_asa", "cisco_ftd"),
        (
            re.compile(r"^: Saved"),
            re.compile(r"^: Written by .* at "),
            re.compile(r"^Cryptochecksum:"),
            re.compile(r"^: Hardware: .*uptime"),
        ),
    ),
    # FortiOS encrypts each secret anew whenever it shows it (netshot-net/Netshot issue 220; ytti/oxidized issues 697,
    # 1627, 2320, 3176), private keys too (Oxidized `fortios`).
    (
        ("fortinet",),
        (
            re.compile(r"^#conf_file_ver="),
            re.compile(r"^\s*set \S+ ENC (?P<varies>\S+)"),
            re.compile(r"^\s*set private-key .*-----BEGIN (?P<block>ENCRYPTED PRIVATE KEY)-----"),
        ),
    ),
    # Huawei VRP: the head of `display current-configuration` (CloudEngine Configuration Guide).
    (("huawei",), (re.compile(r"^!Last configuration was (?:updated|saved) at "),)),
    # RouterOS: the head of an export, and remarks on what is so at the moment (RouterOS manual; Oxidized `routeros`).
    (
        ("mikrotik",),
        (
            re.compile(r"^# (?:[a-z]{3}/\d\d/\d{4}|\d{4}-\d\d-\d\d) \d\d:\d\d:\d\d by RouterOS"),
            re.compile(r"^# (?:inactive time|poe-out status: |received packet from |\S+ not ready)"),
        ),
    ),
    # SR OS: when the configuration was put together (SR OS Basic System Configuration Guide; Oxidized `sros`).
    (("nokia_sros", "alcatel_sros"), (re.compile(r"^# (?:Generated|Finished) "),)),
    # Gaia Clish: `show configuration` says who exported it and when (Oxidized `gaiaos`).
    (("checkpoint_gaia",), (re.compile(r"^# Exported by \S+ on "),)),
    # Onyx: when the running configuration was put together (Oxidized `mlnxos`).
    (("mellanox",), (re.compile(r"^## Generated at \d"),)),
    # FASTPATH switches: the head of `show running-config` (Oxidized `edgeswitch`, `powerconnect`).
    (
        ("ubiquiti_edge", "ubiquiti_unifi", "netgear_prosafe", "broadcom_icos", "dell_powerconnect", "dell_os6"),
        (
            re.compile(r"^!\s*System Up Time\b"),
            re.compile(r"^!\s*Current S(?:NTP Synchronized|ystem) Time\b"),
            re.compile(r"^sflow \S+ destination owner \S+ timeout (?P<varies>\d+)$"),
        ),
    ),
    # PAN-OS marks what was edited, by whom and when (SaltStack pull request 43749 on `dirtyId`).
    (("paloalto",), (re.compile(r"(?P<varies> admin=\"[^\"]*\" dirtyId=\"\d+\" time=\"[^\"]*\")"),)),
    (("juniper",), (re.compile(r"^## Last (?:changed|commit): "), re.compile(r"^/\* Last (?:changed|commit)"))),
)

#: key | vendor | system | yes: its Telnet login is known
#: | enter configuration mode | leave it (lines) | save | show the running configuration
TABLE = """\
a10 | A10 | ACOS | | configure terminal | end | write memory | show running-config
accedian | Accedian
adtran_os | Adtran | OS | yes | config term | end | copy running-config startup-config | show running-config
adva_fsp150f2 | Adva | FSP150F2 | | | | copy running-config startup-config
adva_fsp150f3 | Adva | FSP150F3 | | | | copy running-config startup-config
alaxala_ax26s | AlaxalA | AX26S | | configure terminal | | write
alaxala_ax36s | AlaxalA | AX36S | | configure terminal | | write
alcatel_aos | Alcatel | AOS | | | | write memory flash-synchro
alcatel_sros | Alcatel | SROS | | edit-config exclusive | commit | | admin display-config
allied_telesis_awplus | Allied Telesis | AlliedWare Plus | | configure terminal | exit \
    | copy running-config startup-config | show running-config
apc_aos | APC | AOS
apresia_aeos | Apresia | AEOS | yes | configure terminal | end \
    | copy running-config startup-config | show running-config
arris_cer | Arris | CER | | configure | end | write memory | show running-config
aruba_aoscx | Aruba | AOS-CX | | configure term | end | copy running-config startup-config | show running-config
aruba_os | Aruba | ArubaOS | | configure term | end | copy running-config startup-config | show running-config
aruba_osswitch | Aruba | AOS-Switch | | configure terminal | end | write memory | show running-config
aruba_procurve | Aruba | ProCurve | yes | configure terminal | end | write memory | show running-config
asterfusion_asternos | Asterfusion | ASTERNOS | | configure terminal | end | write | show running-config
audiocode_66 | AudioCodes | 66 | yes | | exit | write
audiocode_72 | AudioCodes | 72 | yes | | exit | write
audiocode_shell | AudioCodes | SHELL | yes | | .. | SaveConfiguration
avara_aos | Avara | AOS | | enable | disable | save flash
avaya_ers | Avaya | ERS | | configure terminal | end | save config | show running-config
avaya_vsp | Avaya | VSP | | configure terminal | end | save config | show running-config
aviat_wtm | Aviat | WTM | | config | commit; end
bintec_boss | bintec | BOSS | yes | | | save
broadcom_icos | Broadcom | ICOS | | configure | exit | write memory | show running-config
brocade_fastiron | Brocade | FASTIRON | yes | configure terminal | end | write mem | show running-config
brocade_fos | Brocade | FOS | | | | copy running-config startup-config
brocade_netiron | Brocade | NETIRON | yes | configure terminal | end | write memory | show running-config
brocade_nos | Brocade | NOS | | configure terminal | end | copy running-config startup-config | show running-config
brocade_vdx | Brocade | VDX | | configure terminal | end | copy running-config startup-config | show running-config
brocade_vyos | Brocade | VYOS | | configure | commit; exit
calix_b6 | Calix | B6 | yes | configure terminal | end | copy run start | show running-config
calix_exa | Calix | EXA | yes
casa_cmts | Casa | CMTS | | config | | copy running-config startup-config
cdot_cros | C-DOT | CROS | | config | commit; end
centec_os | Centec | OS | yes | configure terminal | end | write | show running-config
checkpoint_gaia | Check Point | Gaia | | | | save config | show configuration
ciena_saos | Ciena | SAOS | yes | | | configuration save
ciena_saos10 | Ciena | SAOS10
ciena_waveserver | Ciena | WAVESERVER | | | | configuration save
cisco_ap | Cisco | AP | | | | copy running-config startup-config
cisco_apic | Cisco | APIC | | sudo -s | exit
cisco_asa | Cisco | ASA | | configure terminal | end | write mem | show running-config
cisco_ftd | Cisco | FTD | | | | copy running-config startup-config
cisco_ioswlc | Cisco | WLC (IOS) | yes | configure terminal | end | write mem | show running-config
cisco_nxos | Cisco | NX-OS | yes | configure terminal | end | copy running-config startup-config | show running-config
cisco_s200 | Cisco | S200 | yes | configure terminal | end | write memory | show running-config
cisco_s300 | Cisco | S300 | yes | configure terminal | end | write memory | show running-config
cisco_s500 | Cisco | S500 | yes | configure terminal | end | write memory | show running-config
cisco_tp | Cisco | TP | | configure terminal | end | | show running-config
cisco_viptela | Cisco | Viptela | | conf terminal | commit; end
cisco_wlc | Cisco | WLC (AireOS) | | config | exit | save config | show running-config
cisco_xe | Cisco | IOS XE | yes | configure terminal | end | write mem | show running-config
cisco_xr | Cisco | IOS XR | yes | configure terminal | commit; end
cloudgenix_ion | CloudGenix | ION
corelight_linux | Corelight | LINUX | | sudo -s | exit
coriant | Coriant
cumulus_linux | Cumulus | Linux | | sudo -s | exit | nv config apply
dell_dnos9 | Dell | DNOS9 | | configure terminal | end | write memory | show running-config
dell_force10 | Dell | FORCE10 | | configure terminal | end | write memory | show running-config
dell_isilon | Dell | ISILON | | sudo su | exit
dell_os10 | Dell | OS10 | | configure terminal | end \
    | copy running-configuration startup-configuration | show running-config
dell_os6 | Dell | OS6 | | config | end | copy running-config startup-config | show running-config
dell_os9 | Dell | OS9 | | configure terminal | end | write memory | show running-config
dell_powerconnect | Dell | POWERCONNECT | yes | config | end | copy running-config startup-config | show running-config
dell_sonic | Dell | SONIC | | configure terminal | end | write memory | show running-config
digi_transport | Digi | TRANSPORT | | | | config 0 save
dlink_ds | D-Link | DS | yes | | | save
edgecore_sonic | Edgecore | SONIC | | sudo -s | exit
ekinops_ek360 | Ekinops | EK360 | | configure terminal | end | write mem | show running-config
eltex | Eltex | | | configure terminal | end | | show running-config
eltex_esr | Eltex | ESR | | configure | commit; end
endace | Endace | | | conf t | exit | configuration write | show running-config
enterasys | Enterasys | | | configure terminal | end | | show running-config
ericsson_ipos | Ericsson | IPOS | | configure | commit; end
ericsson_mltn63 | Ericsson | MLTN63 | | config | exit | write | show running-config
ericsson_mltn66 | Ericsson | MLTN66 | | config | exit | write | show running-config
extreme | Extreme | (EXOS) | yes | | | save configuration primary | show configuration
extreme_ers | Extreme | ERS | | configure terminal | end | save config | show running-config
extreme_exos | Extreme | EXOS | yes | | | save configuration primary | show configuration
extreme_netiron | Extreme | NETIRON | yes | configure terminal | end | write memory | show running-config
extreme_nos | Extreme | NOS | | configure terminal | end | copy running-config startup-config | show running-config
extreme_slx | Extreme | SLX | | configure terminal | end | copy running-config startup-config | show running-config
extreme_tierra | Extreme | TIERRA | | configure terminal | end \
    | copy run flash://config-file/startup-config | show running-config
extreme_vdx | Extreme | VDX | | configure terminal | end | copy running-config startup-config | show running-config
extreme_vsp | Extreme | VSP | | configure terminal | end | save config | show running-config
extreme_wing | Extreme | WING | | configure terminal | end | copy running-config startup-config | show running-config
f5_linux | F5 | Linux | | sudo -s | exit
f5_ltm | F5 | LTM
f5_tmsh | F5 | TMSH
fiberstore_fsos | FS | FSOS | | config | end | copy running-config startup-config | show running-config
fiberstore_fsosv2 | FS | FSOSV2 | yes | config | exit | write | show running-config
fiberstore_networkos | FS | NETWORKOS | | configure terminal | exit | | show running-config
flexvnf | Versa | FlexVNF | | configure | commit; exit configuration-mode
fortinet | Fortinet | FortiOS | | | | | show
fsas_sir | Fsas | SIR | | configure | end | commit | show running-config
fujitsu_sir | Fujitsu | SIR | | configure | end | commit | show running-config
furukawa_fitelnet | Furukawa | FITELNET | yes | configure terminal | commit; end
garderos_grs | Garderos | GRS | | configuration terminal | commit; exit
generic | Generic | command line | yes
generic_termserver | Generic | terminal server | yes
h3c_comware | H3C | Comware | | system-view | return | save force | display current-configuration
hillstone_stoneos | Hillstone | STONEOS | | configure | end | save all | show running-config
hirschmann_hios | Hirschmann | HIOS | | configure terminal | end | save | show running-config
hp_comware | HPE | Comware | yes | system-view | return | save force | display current-configuration
hp_procurve | HPE | ProCurve | yes | configure terminal | end | write memory | show running-config
huawei | Huawei | | yes | system-view | return | save | display current-configuration
huawei_olt | Huawei | OLT | yes | config | return | save | display current-configuration
huawei_ont | Huawei | ONT | yes | | | save
huawei_smartax | Huawei | SMARTAX | | config | return | save | display current-configuration
huawei_smartaxmmi | Huawei | SMARTAXMMI | | config | return | save
huawei_vrp | Huawei | VRP | | system-view | return | save | display current-configuration
huawei_vrpv8 | Huawei | VRP 8 | | system-view | commit; return | | display current-configuration
iij_seilos | IIJ | SEILOS | yes | | | save-to flashrom
infinera_packet | Infinera | PACKET | yes | configure terminal | end \
    | copy running-config startup-config | show running-config
ipinfusion_ocnos | IP Infusion | OCNOS | yes | configure terminal | commit; end
juniper | Juniper | (old name) | | configure | commit; exit configuration-mode | | show configuration | display set
juniper_screenos | Juniper | ScreenOS | | | | save config | get config
keymile | Keymile | | | | | write mem
keymile_nos | Keymile | NOS | | configure terminal | end | write mem | show running-config
lancom_lcossx4 | LANCOM | LCOSSX4 | | configure terminal | end \
    | copy running-config startup-config | show running-config
lancom_lcossx5 | LANCOM | LCOSSX5 | | configure terminal | end | write memory confirm | show running-config
maipu | Maipu | | yes | configure terminal | end | write | show running-config
mellanox | Mellanox | | | config term | exit | configuration write | show running-config
mellanox_mlnxos | Mellanox | MLNXOS | | config term | exit | configuration write | show running-config
mikrotik_routeros | MikroTik | RouterOS | | | | copy running-config startup-config | /export
mikrotik_switchos | MikroTik | SwitchOS | | | | copy running-config startup-config
moxa_nos | Moxa | NOS | | configure terminal | end | copy running-config startup-config | show running-config
mrv_lx | MRV | LX | | configuration | end | save config flash | show running-config
mrv_optiswitch | MRV | OPTISWITCH | | configure terminal | end | save config flash | show running-config
nec_ix | NEC | IX | yes | | exit | write memory
netapp_cdot | NetApp | CDOT | | set -privilege diagnostic -confirmations off | set -privilege admin -confirmations off
netgear_prosafe | NETGEAR | PROSAFE | | configure | exit | | show running-config
netscaler | Citrix | NetScaler
nokia_isam | Nokia | ISAM | | configure | exit all | admin save
nokia_srl | Nokia | SR Linux | | enter candidate private | commit | | info flat
nokia_sros | Nokia | SR OS | yes | edit-config exclusive | commit | | admin display-config
oneaccess_oneos | OneAccess | ONEOS | yes | configure terminal | end | write mem | show running-config
opengear_linux | Opengear | LINUX | | sudo -s | exit
ovs_linux | Open vSwitch | LINUX | | sudo -s | exit
paloalto_panos | Palo Alto Networks | PAN-OS | yes | configure | commit; exit | | show config running
perle_iolan | Perle | IOLAN | | | | save
pluribus | Pluribus
quanta_mesh | Quanta | MESH | | configure | end | copy running-config startup-config | show running-config
rad_etx | RAD | ETX | yes | config | exit all | admin save
raisecom_roap | Raisecom | ROAP | | configure terminal | end | write startup-config | show running-config
raisecom_ros | Raisecom | ROS | yes | config | end | write | show running-config
ruckus_fastiron | Ruckus | FASTIRON | yes | configure terminal | end | write mem | show running-config
ruijie_os | Ruijie | OS | yes | configure terminal | end | write | show running-config
silverpeak_vxoa | Silver Peak | VXOA | | configure terminal | exit \
    | copy running-config startup-config | show running-config
sixwind_os | 6WIND | OS | | edit running | commit; exit
smartoptics_dwdm | Smartoptics | DWDM
sophos_sfos | Sophos | SFOS
supermicro_smis | Supermicro | SMIS | yes | configure terminal | end | write startup-config | show running-config
telcosystems_binos | Telcosystems | BINOS | yes | configure terminal | end | | show running-config
teldat_cit | Teldat | CIT | yes | p 4 | | save yes
tplink_jetstream | TP-Link | JETSTREAM | yes | configure | exit \
    | copy running-config startup-config | show running-config
ubiquiti_edge | Ubiquiti | EDGE | | configure | exit | write memory | show running-config
ubiquiti_edgerouter | Ubiquiti | EdgeRouter | | configure | commit; exit | | show configuration commands
ubiquiti_edgeswitch | Ubiquiti | EdgeSwitch | | configure | exit | write memory | show running-config
ubiquiti_unifiswitch | Ubiquiti | UNIFISWITCH | | configure | exit | write memory | show running-config
vertiv_mph | Vertiv | MPH | | | | save
vyatta_vyos | Vyatta | VYOS | | configure | commit; exit | | show configuration commands
vyos | VyOS | | | configure | commit; exit | | show configuration commands
watchguard_fireware | WatchGuard | FIREWARE | | configure | exit | | show running-config
yamaha | Yamaha | | yes | administrator | exit | save
zpe_nodegrid | ZPE | NODEGRID
zte_zxros | ZTE | ZXROS | yes | configure terminal | end | write | show running-config
zyxel_os | Zyxel | OS | | | | copy running-config startup-config
"""


def _reads(key: str) -> re.Pattern[str]:
    """Return the syntax of lines that only read."""
    verbs = next((v for ends, v in VERBS if key.startswith(ends) or key.endswith("_linux") and not v), ("show",))
    if not verbs:
        return re.compile(r"(?!)")
    return reading(f"({'|'.join(verbs)})( {{args}})?", *COMMON, filters=FILTERS)


def _platform(row: str) -> Platform:
    """Return the platform of one row; cells at its end may be missing."""
    cells = [cell.strip() for cell in row.split("|", 7)]
    key, vendor, system, telnet, enter, leave, save, running = cells + [""] * (8 - len(cells))
    return Platform(
        key=key,
        label=f"{vendor} {system}".strip(),
        vendor=vendor,
        telnet=bool(telnet),
        netmiko=True,
        only_by_name=True,
        prompt=PROMPT,
        modes="",
        config_enter=(enter,) if enter else (),
        config_leave=tuple(line.strip() for line in leave.split(";") if line.strip()),
        save=(save,) if save else (),
        show_running=running,
        failure=FAILURE,
        pager=PAGER,
        renames=RENAMES,
        reads=_reads(key),
        acts_on="" if key.endswith("_linux") else "?",
        volatile=(*IOS_VOLATILE, *next((found for begins, found in VOLATILE if key.startswith(begins)), ())),
        settles=True,
    )


NETMIKO = tuple(_platform(row) for row in TABLE.splitlines())
