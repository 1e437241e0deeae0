"""Runs on the node: tells in one go, as JSON, what the role must know of it before any change.

The argument is a JSON object: `paths`, `devices` and `ports` to look for, `sources` that should be addresses
or networks, `settings` that the kernel should have and their values, `programs` of which to tell those that
are not there, `ours` files of which to tell whether they are there, `current` the link to the release that
runs, `control` the socket that is there while our own daemon does, `held` the file that is there while
something of ours may, `known` and `given` the names of the role's variables and those that are set, `files`
of which to tell how they are, `commands` of which to tell those that are not ours, `service` the systemd unit
to ask for.
"""  # noqa: INP001 - a program that is sent to the node, no module

from __future__ import annotations

import difflib
import errno
import hashlib
import importlib.util
import ipaddress
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Optional


def version(distribution: str) -> Optional[str]:  # noqa: UP045 - Python 3.9
    """The installed version of a library, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def consoles() -> list[str]:
    """The devices that the kernel writes its messages to."""
    try:
        lines = Path("/proc/consoles").read_text(encoding="ascii").splitlines()
    except OSError:
        return []
    return [f"/dev/{line.split()[0]}" for line in lines if line.strip()]


def is_taken(port: int) -> bool:
    """Whether some program on this host receives on this UDP port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("", port))
        except OverflowError:
            # No port at all; the checker of the configuration has words for that.
            return False
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def no_network(text: str) -> str:
    """Why a text is neither an address nor a network; empty when it is one."""
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        return str(error)
    return ""


def may_be_none(name: str) -> bool:
    """Whether the kernel need not have the setting: sysctl goes by it, or the name is a pattern."""
    return name.startswith("-") or "*" in name


def setting(name: str) -> Path:
    """Where the kernel has a setting of that name, as sysctl reads names (its first separator counts)."""
    separator = next((letter for letter in name if letter in "./"), "/")
    path = name.translate(str.maketrans("./", "/.")) if separator == "." else name
    return Path("/proc/sys", path.lstrip("/"))


def unlike(name: str, value: str) -> str:
    """The present value of a setting that takes numbers, when `value` has none; else empty."""
    try:
        present = setting(name).read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        # Not there, or nobody may read it.
        return ""
    if not present or not all(re.fullmatch(r"-?\d+", word) for word in present):
        return ""
    # Also 0x10, and 8080,9148-9150 where one port is written now.
    fits = bool(value) and all(re.search(r"\d", word) for word in value.split())
    return "" if fits else " ".join(present)


def installed(current: Path) -> str:
    """The version of the daemon that is installed, or an empty string."""
    try:
        about = json.loads((current / "ultramonkey-heartbeat.json").read_text(encoding="utf-8"))
        return str(about["version"])
    except (OSError, ValueError, KeyError):
        return ""


def as_it_is(path: Path) -> list[object]:
    """SHA-256 of a file (nothing for a directory), mode, owner and group; empty when it is neither."""
    try:
        status = path.lstat()
        if stat.S_ISREG(status.st_mode):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        elif stat.S_ISDIR(status.st_mode):
            digest = ""
        else:
            return []
    except OSError:
        return []
    return [digest, f"{stat.S_IMODE(status.st_mode):04o}", status.st_uid, status.st_gid]


def is_strange(path: Path) -> bool:
    """Whether there is a file that does not start our code."""
    try:
        return b"ultramonkey_heartbeat" not in path.read_bytes()
    except OSError:
        return False


def service(name: str) -> dict[str, str]:
    """What systemd says of a unit; nothing where it does not run."""
    if not Path("/run/systemd/system").exists():
        return {}
    argv = ["systemctl", "show", "--property=ActiveState,UnitFileState,NeedDaemonReload", "--", name]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    except OSError:
        return {}
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


def misspelt(given: list[str], known: list[str]) -> dict[str, str]:
    """Variables that nobody reads, but for a letter or two: name to what was meant."""
    near = {name: difflib.get_close_matches(name, known, 1, 0.9) for name in given if name not in known}
    return {name: found[0] for name, found in near.items() if found}


def main() -> None:
    """Look and tell."""
    asked = json.loads(sys.argv[1])
    current = Path(asked["current"])
    seen = {
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "euid": os.geteuid(),
        "libraries": {name: version(name) for name in ("pyroute2", "pyserial")},
        # Debian has it in a package of its own (python3-venv).
        "can_make_venv": importlib.util.find_spec("ensurepip") is not None,
        "paths": [path for path in asked["paths"] if Path(path).exists()],
        "devices": [path for path in asked["devices"] if Path(path).is_char_device()],
        "consoles": consoles(),
        "has_udev": Path("/run/udev/control").exists() and Path("/etc/udev/rules.d").is_dir(),
        "clock_s": time.time(),
        "version": installed(current),
        "ours": [path for path in asked["ours"] if Path(path).exists()],
        "misspelt": misspelt(asked["given"], asked["known"]),
        # The daemon runs, or something that it started may.
        "may_hold": any(Path(asked[name]).exists() for name in ("control", "held")),
        "bad_sources": {text: why for text in asked["sources"] for why in [no_network(text)] if why},
        "no_settings": [n for n in asked["settings"] if not may_be_none(n) and not setting(n).is_file()],
        "bad_settings": {n: now for n, new in asked["settings"].items() for now in [unlike(n, new)] if now},
        "no_programs": [name for name in asked["programs"] if shutil.which(name) is None],
        # Our own daemon has its ports, of course.
        "taken_ports": [] if Path(asked["control"]).exists() else [p for p in asked["ports"] if is_taken(p)],
        "current": current.resolve().name if current.is_symlink() else "",
        "files": {path: as_it_is(Path(path)) for path in asked["files"]},
        "strangers": [path for path in asked["commands"] if is_strange(Path(path))],
        "service": service(asked["service"]),
    }
    json.dump(seen, sys.stdout)


main()
