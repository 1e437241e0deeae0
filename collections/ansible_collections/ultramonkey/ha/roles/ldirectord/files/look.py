"""Runs on a director or a real server: tells in one go, as JSON, what its role must know before any change.

The argument is a JSON object: `modules` to be loaded, `addresses` to be judged, `gateways` to be reached
directly, `command` the path of ldirectord, `current` the link to the running release. All but the modules may
be left out.
"""  # noqa: INP001 - a program that is sent to the node, no module

from __future__ import annotations

import ipaddress
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
PROGRAMS = ("ip", "modprobe", "nft")
# What a module that is built in shows, too.
SIGNS = {"ip_vs": "/proc/net/ip_vs"}


def is_address(text: str) -> bool:
    """Whether it is an address, and one that a service can have."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_multicast or address.is_unspecified)


def is_near(gateway: str) -> bool:
    """Whether packets reach the gateway without another one between."""
    ip = shutil.which("ip", path=PATH)
    if ip is None or not is_address(gateway):
        return False
    argv = [ip, "-o", "route", "get", gateway]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603 - words of ours
    return done.returncode == 0 and " via " not in done.stdout


def has_module(name: str) -> bool:
    """Whether a module is loaded, built in, or to be loaded."""
    if Path(SIGNS.get(name, f"/sys/module/{name}")).exists():
        return True
    modprobe = shutil.which("modprobe", path=PATH)
    if modprobe is None:
        return False
    argv = [modprobe, "--dry-run", "--quiet", name]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0  # noqa: S603 - words of ours


def kind(command: str) -> str:
    """Whose an ldirectord is: `ours`, `foreign`, or `absent`."""
    try:
        return "ours" if b"ultramonkey_ldirectord" in Path(command).read_bytes() else "foreign"
    except OSError:
        return "absent"


def main() -> None:
    """Look and tell."""
    asked = json.loads(sys.argv[1])
    seen = {
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "euid": os.geteuid(),
        "programs": {name: shutil.which(name, path=PATH) is not None for name in PROGRAMS},
        "lacking_modules": [name for name in asked["modules"] if not has_module(name)],
        "no_addresses": [text for text in asked.get("addresses", []) if not is_address(text)],
        "far_gateways": [text for text in asked.get("gateways", []) if not is_near(text)],
    }
    if "command" in asked:
        seen["ldirectord"] = kind(asked["command"])
    if "current" in asked:
        current = Path(asked["current"])
        seen["current"] = current.resolve().name if current.is_symlink() else ""
    json.dump(seen, sys.stdout)


main()
