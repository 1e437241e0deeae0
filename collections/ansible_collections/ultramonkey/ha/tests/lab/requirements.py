"""What the laboratory needs from the machine, said plainly before anything is made."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from .errors import LabError

# Command -> Debian package that has it.
_COMMANDS = {
    "ip": "iproute2",
    "mount": "mount",
    "nsenter": "util-linux",
    "pivot_root": "util-linux",
    "umount": "mount",
    "unshare": "util-linux",
}
# Where those commands live even if an unprivileged PATH does not say so.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def check() -> None:
    """Raise `LabError` that lists everything this machine lacks."""
    lacking = []
    if os.geteuid() != 0:
        lacking.append("root: namespaces with their own network need it (run with sudo)")
    for command, package in _COMMANDS.items():
        if shutil.which(command, path=PATH) is None:
            lacking.append(f"the command {command} (apt-get install {package})")
    if not lacking:
        lacking += _kernel_lacks()
    if lacking:
        raise LabError(
            "The laboratory cannot be built here. It lacks:\n" + "\n".join(f"  - {x}" for x in lacking)
        )


def _kernel_lacks() -> list[str]:
    lacking = []
    kinds = ["--mount", "--net", "--uts", "--ipc", "--pid", "--fork"]
    tried = subprocess.run(["unshare", *kinds, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        lacking.append(
            f"the right to make namespaces ({tried.stderr.strip()}); "
            "in a container, CAP_SYS_ADMIN and CAP_NET_ADMIN are needed"
        )
    filesystems = Path("/proc/filesystems").read_text(encoding="ascii").split()
    if "overlay" not in filesystems and shutil.which("modprobe", path=PATH):
        subprocess.run(["modprobe", "overlay"], capture_output=True, check=False)
        filesystems = Path("/proc/filesystems").read_text(encoding="ascii").split()
    if "overlay" not in filesystems:
        lacking.append("the overlay filesystem in the kernel (modprobe overlay)")
    return lacking
