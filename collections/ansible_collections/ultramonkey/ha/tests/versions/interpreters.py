"""Which Pythons this machine has."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path


@functools.cache
def interpreter(version: str) -> str | None:
    """A working Python of this version: of the machine, or one that pyenv has built."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    built = sorted(root.glob(f"versions/{version}.*/bin/python{version}"))
    for path in (f"/usr/bin/python{version}", shutil.which(f"python{version}"), *map(str, built)):
        if path is None or not Path(path).exists():
            continue
        asked = [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        if subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() == version:
            return path
    return None
