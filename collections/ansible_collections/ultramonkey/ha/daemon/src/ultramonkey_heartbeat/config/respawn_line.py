"""`respawn USER PATH ARGUMENT...`: the words to a `Respawn`, and which programs cannot work here."""

from __future__ import annotations

import re

from .model import Respawn
from .problems import shown
from .values import BadValueError, read_path

# As useradd(8) allows, with the capitals and dots that directories of people bring along.
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\$?\Z")
# As in utmp(5).
_USER_LENGTH_MAX = 32

# Programs that came with heartbeat, DRBD and Pacemaker. Each signs on to heartbeat's client interface (or to
# daemons of Pacemaker that do) and ends at once when there is none.
_CLIENTS = frozenset(
    (
        *("api_test", "apphbd", "attrd", "ccm", "cib", "crmd", "cts", "dopd", "diskd", "hbagent", "ifcheckd"),
        *("ipfail", "lha-snmpagent", "lrmd", "mgmtd", "pengine", "pingd", "quorumd", "recoverymgrd"),
        *("stonithd", "tengine"),
    )
)


def read_respawn(words: tuple[str, ...]) -> Respawn:
    """`respawn USER PATH ARGUMENT...`."""
    user = words[0]
    if not _USER.match(user) or len(user) > _USER_LENGTH_MAX:
        raise BadValueError(
            user, f"{shown(user)} is not the name of a user", "write the user first: respawn root /path"
        )
    if len(words) == 1:
        raise BadValueError(
            user, f"{shown(user)} is given no program", "write the program's absolute path after the user"
        )
    return Respawn(user, read_path(words[1]), words[2:])


def unstartable(value: object) -> tuple[str, str] | None:
    """Why this program is not started, and the remedy; None for one that is."""
    if not isinstance(value, Respawn) or not is_old_client(value):
        return None
    if is_ipfail(value):
        return (
            "is not started: what it does is built in",
            "leave the line in for nodes that run heartbeat 3.0.6",
        )
    return (
        "is not started: it needs the client interface of heartbeat 3.0.6, which this daemon does not have",
        "remove the line once no node runs heartbeat 3.0.6",
    )


def is_old_client(program: Respawn) -> bool:
    """Whether the program can only work with heartbeat 3.0.6."""
    return program.path.rpartition("/")[2] in _CLIENTS


def is_ipfail(program: Respawn) -> bool:
    """Whether the program is 3.0.6's ipfail, which hands over from a node that sees fewer ping nodes."""
    return program.path.rpartition("/")[2] == "ipfail"


def written_respawn(program: Respawn) -> str:
    """The line that reads back as this program."""
    return f"respawn {program.user} {program.command}"
