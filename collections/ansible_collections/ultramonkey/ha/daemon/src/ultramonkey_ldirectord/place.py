"""Where a configuration lies, and the name of its daemon. Quick to import: heartbeat waits for commands."""

from __future__ import annotations

import os

DIRECTORY = "/etc/ha.d"
DEFAULT = "ldirectord.cf"
RUN = "/run/ldirectord"
_NAME_MAX = 40


def locate(name: str | None, directory: str = DIRECTORY) -> str:
    """Where the original looks for a configuration: in the directory, in `conf` below it, then as it is.

    When there is none, where it should be.
    """
    given = name or DEFAULT
    inside = [] if given.startswith("/") else [f"{directory}/{given}", f"{directory}/conf/{given}"]
    places = [*inside, given]
    found = next((place for place in places if os.path.isfile(place)), None)  # noqa: PTH113 - see above
    return os.path.abspath(found or (given if "/" in given else places[0]))  # noqa: PTH100 - see above


def instance(path: str, directory: str = DIRECTORY) -> str:
    """A name for the daemon of a configuration: one file is always one daemon, however it was named.

    Short, because it becomes part of a socket's address, which the kernel limits to 107 bytes.
    """
    parent, _, name = path.rpartition("/")
    if parent == directory and len(name) <= _NAME_MAX:
        return name
    import hashlib  # noqa: PLC0415 - see above

    return f"{name[:_NAME_MAX]}-{hashlib.sha256(path.encode()).hexdigest()[:8]}"
