"""Reads the configuration files, for the daemon and for `config check`."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .config.configuration import AUTHKEYS, HA_CF, HARESOURCES, Loaded, assemble

NODEINFO = "nodeinfo"
# heartbeat's files are a page or two; somebody named the wrong file when it is longer than this.
FILE_BYTES_MAX = 4 * 1024 * 1024


def load(directory: Path, node: str | None = None) -> Loaded:
    """Read and check the three files of a directory for a node (default: this machine).

    A file that is absent becomes a problem; raises OSError for one that is there and cannot be read.
    """
    ha_cf, _ = _read(directory / HA_CF)
    haresources, _ = _read(directory / HARESOURCES)
    authkeys, mode = _read(directory / AUTHKEYS)
    return assemble(ha_cf, haresources, authkeys, mode, node or node_name(directory))


def node_name(directory: Path | None = None) -> str:
    """What this machine is called in the cluster, in lower case: `uname -n`.

    Or what the first line of `nodeinfo` in the directory says, as heartbeat 3.0.6 has it. Raises OSError for
    one that cannot be read.
    """
    text = _read(directory / NODEINFO)[0] if directory is not None else None
    # Without its newline 3.0.6 does not take the line for one.
    named, newline, _ = (text or "").partition("\n")
    return (named.strip() if newline and named.strip() else os.uname().nodename).lower()


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
