"""Starting configurations of realistic size (20–40 KB), the same for the same device every time."""

from __future__ import annotations

from devices.simulator.state import DeviceSpec


def ios(spec: DeviceSpec) -> list[str]:
    """About 900 lines as a Cisco switch with 48 ports and some routing has them."""
    return _switch(spec, "version 15.2", "GigabitEthernet1/0/{}")


def eos(spec: DeviceSpec) -> list[str]:
    """The same as an Arista switch has them."""
    return _switch(spec, "transceiver qsfp default-mode 4x10G", "Ethernet{}")


def _switch(spec: DeviceSpec, first: str, port: str) -> list[str]:
    lines = [
        first,
        "service timestamps log datetime msec",
        f"hostname {spec.name}",
        "aaa new-model",
        "ip routing",
        "ntp server 192.0.2.123",
        "logging host 192.0.2.50",
        "snmp-server community public-ro RO",
        "spanning-tree mode rapid-pvst",
    ]
    for vlan in range(10, 130):
        lines += [f"vlan {vlan}", f" name SEGMENT-{vlan:03d}"]
    for number in range(1, 49):
        lines += [
            f"interface {port.format(number)}",
            f" description access port {number} of {spec.name}",
            f" switchport access vlan {10 + number}",
            " switchport mode access",
            " spanning-tree portfast",
            " storm-control broadcast level 1.00",
            " no shutdown",
        ]
    for vlan in range(10, 60):
        lines += [f"interface Vlan{vlan}", f" ip address 10.{vlan}.0.1 255.255.255.0", " ip helper-address 192.0.2.10"]
    for number in range(1, 120):
        lines.append(f"ip route 10.200.{number}.0 255.255.255.0 10.10.0.254 name site-{number:03d}")
    lines += ["ip access-list extended MANAGEMENT"]
    lines += [f" permit tcp host 192.0.2.{n} any eq 22" for n in range(1, 60)]
    lines += ["line vty 0 4", " transport input ssh"]
    return lines


def junos(spec: DeviceSpec) -> list[str]:
    """About 500 lines in `set` form."""
    lines = [
        f"set system host-name {spec.name}",
        "set system services ssh",
        "set system ntp server 192.0.2.123",
        "set system syslog host 192.0.2.50 any notice",
        "set snmp community public-ro authorization read-only",
    ]
    for number in range(48):
        unit = f"set interfaces ge-0/0/{number} unit 0"
        lines += [
            f'set interfaces ge-0/0/{number} description "access port {number} of {spec.name}"',
            f"{unit} family ethernet-switching vlan members v{10 + number}",
        ]
    for vlan in range(10, 130):
        lines += [f"set vlans v{vlan} vlan-id {vlan}"]
    lines += [f"set routing-options static route 10.200.{n}.0/24 next-hop 10.10.0.254" for n in range(1, 200)]
    return lines


def linux(spec: DeviceSpec) -> list[str]:
    """The lines of /etc/network/interfaces."""
    lines = ["auto lo", "iface lo inet loopback"]
    for number in range(40):
        lines += [
            f"auto eth{number}",
            f"iface eth{number} inet static",
            f"    address 10.77.{number}.1/24",
            f"    # uplink {number} of {spec.name}",
        ]
    return lines
