"""Runs on the node: tells in one go, as JSON, what the role must know of it before any change.

The argument is a JSON object: `addresses` to be judged, `gateways` to be reached directly, `modules`
to be loaded.
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
    if Path(f"/sys/module/{name}").exists():
        return True
    modprobe = shutil.which("modprobe", path=PATH)
    if modprobe is None:
        return False
    argv = [modprobe, "--dry-run", "--quiet", name]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0  # noqa: S603 - words of ours


def main() -> None:
    """Look and tell."""
    asked = json.loads(sys.argv[1])
    seen = {
        "euid": os.geteuid(),
        "has_ip": shutil.which("ip", path=PATH) is not None,
        "no_addresses": [text for text in asked["addresses"] if not is_address(text)],
        "far_gateways": [text for text in asked["gateways"] if not is_near(text)],
        "lacking_modules": [name for name in asked["modules"] if not has_module(name)],
    }
    json.dump(seen, sys.stdout)


main()
