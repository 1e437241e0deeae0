"""Reads the configuration files, for the daemon and for `config check`."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .config.configuration import AUTHKEYS, HA_CF, HARESOURCES, Loaded, assemble

# heartbeat's files are a page or two; somebody named the wrong file when it is longer than this.
FILE_BYTES_MAX = 4 * 1024 * 1024


def load(directory: Path, node: str | None = None) -> Loaded:
    """Read and check the three files of a directory for a node (default: this machine).

    A file that is absent becomes a problem; raises OSError for one that is there and cannot be read.
    """
    ha_cf, _ = _read(directory / HA_CF)
    haresources, _ = _read(directory / HARESOURCES)
    authkeys, mode = _read(directory / AUTHKEYS)
    return assemble(ha_cf, haresources, authkeys, mode, node or node_name())


def node_name() -> str:
    """What this machine is called in the cluster: `uname -n` in lower case."""
    return os.uname().nodename.lower()


def _read(path: Path) -> tuple[str | None, int | None]:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            data = file.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        return None, None
    if len(data) > FILE_BYTES_MAX:
        raise OSError(f"{path} is longer than {FILE_BYTES_MAX} bytes: not a configuration file")
    # Comments may be in any encoding; what is not UTF-8 survives as it is.
    return data.decode("utf-8", "surrogateescape"), mode
