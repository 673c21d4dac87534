"""What the fleet of `make bench` prints: the simulator's texts, and another set that nothing was tuned for.

Both are dicts of texts in which NAME stands for the device's name: `greeting` before the first prompt, `version`,
`configuration`, and `entering` of configuration mode.
"""


def of_the_simulator():
    """Return what the simulator prints: 28 KB of configuration."""
    from devices.simulator import configs
    from devices.simulator.cli_ios import configuration
    from devices.simulator.state import DeviceSpec

    return {
        "greeting": "",
        "version": "Cisco IOS Software, C2960X Software (C2960X-UNIVERSALK9-M), "
        "Version 15.2(7)E4, RELEASE SOFTWARE (fc2)\n"
        'NAME uptime is 60 minutes\nSystem image file is "flash:c2960x-15.2.7.E4.bin"\nConfiguration register is 0xF\n',
        "configuration": configuration(configs.ios(DeviceSpec("", "cisco_ios", "NAME"))),
        "entering": "Enter configuration commands, one per line.  End with CNTL/Z.\n",
    }


def other():
    """Return the texts of a router with a long banner, a certificate, routes and access lists: 75 KB, few of its lines
    alike, signs of prompts and refusals among them."""
    banner = "*" * 70 + "\n* NAME# is watched > log in only with leave #                        *\n" + "*" * 70 + "\n"
    hexadecimal = "".join(
        "  " + " ".join(f"{(row * 8 + column) * 2654435761 % 2**32:08X}" for column in range(8)) + "\n"
        for row in range(60)
    )
    tunnels = "".join(
        f"interface Tunnel{n}\n description % spoke {n} -- see ticket #{4000 + n} (Error budget)\n"
        f" ip address 198.18.{n % 250}.1 255.255.255.252\n ip mtu 1400\n keepalive 10 3\n!\n"
        for n in range(120)
    )
    routes = "".join(f"ip route 198.51.{n % 100}.{n % 250} 255.255.255.255 Tunnel{n % 120} {n}\n" for n in range(600))
    lists = "".join(
        f" {n * 10} permit tcp 203.0.113.{n % 250} 0.0.0.0 any eq {1024 + n} log ! rejected before\n"
        for n in range(400)
    )
    return {
        "greeting": banner,
        "version": "".join(
            f"Router software, line {n} of what a chassis says of itself: slot {n % 13} is not supported in mode {n}\n"
            for n in range(80)
        )
        + "NAME uptime is 3 years, 2 weeks\n",
        "configuration": "Building configuration...\n\nCurrent configuration : 75000 bytes\n!\nversion 16.9\n"
        f"hostname NAME\n!\nbanner login ^C\n{banner}^C\n!\ncrypto pki certificate chain SELF\n certificate ca 01\n"
        f"{hexadecimal}  \tquit\n{tunnels}{routes}ip access-list extended LONG\n{lists}!\nline vty 0 4\n!\nend\n\n",
        "entering": "Configuration mode is watched. Lines take effect at once.\n",
    }


TEXTS = {"simulator": of_the_simulator, "other": other}
