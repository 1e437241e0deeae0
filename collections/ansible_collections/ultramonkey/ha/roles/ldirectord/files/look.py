"""Runs on the node: tells in one go, as JSON, what the role must know of it before any change.

The argument is a JSON object: `command` the path of ldirectord, `current` the link to the running release.
"""  # noqa: INP001 - a program that is sent to the node, no module

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def kind(command: Path) -> str:
    """Whose an ldirectord is: `ours`, `foreign`, or `absent`."""
    try:
        return "ours" if b"ultramonkey_ldirectord" in command.read_bytes() else "foreign"
    except OSError:
        return "absent"


def has_ipvs() -> bool:
    """Whether this kernel has IPVS, loaded or to be loaded."""
    if Path("/proc/net/ip_vs").exists():
        return True
    modprobe = shutil.which("modprobe", path=PATH)
    if modprobe is None:
        return False
    argv = [modprobe, "--dry-run", "--quiet", "ip_vs"]
    return subprocess.run(argv, check=False, capture_output=True).returncode == 0  # noqa: S603 - a fixed command


def main() -> None:
    """Look and tell."""
    asked = json.loads(sys.argv[1])
    current = Path(asked["current"])
    seen = {
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "euid": os.geteuid(),
        "ldirectord": kind(Path(asked["command"])),
        "current": current.resolve().name if current.is_symlink() else "",
        "has_ipvs": has_ipvs(),
        "programs": {name: shutil.which(name, path=PATH) is not None for name in ("nft", "modprobe")},
    }
    json.dump(seen, sys.stdout)


main()
