"""What heartbeat asks in a takeover, answered before the rest of the program is even imported.

The daemon that stands by has the table in its head: it must only be told. Python takes 20 ms for that, and
ten times as long with all that the other commands need. Whatever is not this simple is left to them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from ..place import RUN, instance, locate

_COMMANDS = ("start", "stop", "status")
_OPTIONS = ("--run", "--table")
# Longer than the daemon itself takes at most.
_TIMEOUT_S = 45.0


def answer(words: Sequence[str]) -> int | None:
    """Carry out `start`, `stop` or `status` by a word to the daemon; the exit code, or None: not this way."""
    run, rest = RUN, list(words)
    while len(rest) > 1 and rest[0] in _OPTIONS:
        option, value, *rest = rest
        run = os.path.abspath(value) if option == "--run" else run  # noqa: PTH100 - quick to import
    if len(rest) not in (1, 2) or rest[-1] not in _COMMANDS or rest[0].startswith("-"):
        return None
    command = rest[-1]
    if command == "status" and "HA_CURHOST" not in os.environ:
        # People get the servers, too; heartbeat reads one line.
        return None
    path = locate(rest[0] if len(rest) > 1 else None)
    reply = _ask(f"{run}/{instance(path)}.sock", command)
    return None if reply is None else _said(command, path, reply)


def _ask(socket_path: str, command: str) -> dict[str, object] | None:
    """The daemon's last answer; None when there is none, for whatever reason."""
    import json  # noqa: PLC0415 - not before it is known that there may be somebody to ask
    import socket  # noqa: PLC0415 - likewise

    request = {"schema": 1, "id": "1", "command": command, "arguments": {"brief": True}}
    data = b""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_TIMEOUT_S)
            connection.connect(socket_path)
            connection.sendall(json.dumps(request).encode() + b"\n")
            while not data.endswith(b"\n"):
                more = connection.recv(65536)
                if not more:
                    return None
                data += more
        found: dict[str, object] = json.loads(data.splitlines()[-1])
    except (OSError, ValueError):
        return None
    return found


def _said(command: str, path: str, reply: dict[str, object]) -> int | None:
    result = reply.get("result")
    if reply.get("phase") != "completed" or not isinstance(result, dict):
        # The long way asks again, and explains.
        return None
    state, resident = result.get("state"), result.get("resident")
    if command == "start":
        return _print(f"ldirectord for {path} is active", 0)
    if command == "stop":
        # Who does not stay is waited for, and cleaned up after.
        return _print(f"ldirectord for {path} stands by", 0) if resident and state == "standby" else None
    if state == "active":
        return _print(f"ldirectord for {path} is running with pid: {result.get('pid')}", 0)
    return _print(f"ldirectord is stopped for {path} (it stands by and checks)", 3)


def _print(text: str, code: int) -> int:
    sys.stdout.write(text + "\n")
    return code
