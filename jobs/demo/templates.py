"""The demo's service templates, the same for every customer."""

from templates_app.domain.content import RuntimeVariable, StepKind, TemplateContent, TemplateStep, VariableType

VERSION = TemplateStep(name="Version", kind=StepKind.READ, commands={"*": "show version", "linux": "uname -a"})
CONFIGURATION = TemplateStep(
    name="Running configuration",
    kind=StepKind.READ,
    commands={
        "*": "show running-config",
        "juniper_junos": "show configuration | display set",
        "linux": "cat /etc/network/interfaces",
    },
    timeout=60,
)
INTERFACES = TemplateStep(
    name="Interfaces",
    kind=StepKind.READ,
    commands={"*": "show ip interface brief", "juniper_junos": "show interfaces terse", "linux": "ip address"},
)

TEMPLATES: dict[str, tuple[str, TemplateContent]] = {
    "Show version": ("Reads the software version of each device.", TemplateContent((VERSION,))),
    "Compliance Check – Routers": (
        "Reads version, interfaces and configuration, so that they can be compared with the standard.",
        TemplateContent((VERSION, INTERFACES, CONFIGURATION)),
    ),
    "Set NTP server": (
        "Adds a time server and saves the configuration.",
        TemplateContent(
            (
                TemplateStep(
                    name="Time server",
                    kind=StepKind.CONFIG,
                    commands={
                        "*": "ntp server {{ ntp_server }}",
                        "juniper_junos": "set system ntp server {{ ntp_server }}",
                        "linux": "echo '# ntp {{ ntp_server }}' >> /etc/network/interfaces",
                    },
                    save=True,
                ),
                VERSION,
            ),
            (
                RuntimeVariable(
                    name="ntp_server",
                    type=VariableType.ADDRESS,
                    label="NTP server",
                    help="The address of the time server to add.",
                    default="192.0.2.123",
                ),
            ),
        ),
    ),
    "Describe interface": (
        "Sets the description of one switch port.",
        TemplateContent(
            (
                TemplateStep(
                    name="Description",
                    kind=StepKind.CONFIG,
                    commands={"*": "interface {{ interface }}\n description {{ text }}"},
                    save=True,
                ),
            ),
            (
                RuntimeVariable(
                    name="interface",
                    type=VariableType.TEXT,
                    label="Interface",
                    help="For example GigabitEthernet1/0/1.",
                ),
                RuntimeVariable(
                    name="text", type=VariableType.TEXT, label="Description", help="What the port is for, in one line."
                ),
            ),
            ("cisco_ios", "arista_eos"),
        ),
    ),
}
PROFILES = {
    "Headquarters": ("Values for sites with their own time server.", {"ntp_server": "192.0.2.10"}),
    "Branch office": ("Values for small sites.", {"ntp_server": "192.0.2.20"}),
}
