"""`hb_standby` and `hb_takeover`: the two commands of heartbeat 3.0.6 that move resources.

    hb_standby  [all|foreign|local|failback]    give groups of this node to the other
    hb_takeover [all|foreign|local|failback]    take groups to this node

local are the groups that prefer this node, foreign the others. Seen from this node, `hb_takeover WORD` is
what `hb_standby` with the opposite word is on the other; failback is foreign for hb_standby, so it is local
for hb_takeover: each node gets back what prefers it. (3.0.6 documents that, and moves all.)

As with 3.0.6, exit code 0 means that the request was accepted, and the command does not wait for its end:
scripts call it from places that must not wait, such as a resource's own stop. `hbctl standby` waits. Unlike
3.0.6, which writes to a pipe and never learns more, a request that cannot be carried out is told at once:
the reason on standard error, exit code 1. Exit code 1 is also wrong usage.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from ..control import client, schema
from . import cl_status

EXIT_ACCEPTED, EXIT_REFUSED = 0, 1

_WORDS = ("all", "foreign", "local", "failback")
_FAILBACK = {"hb_standby": "foreign", "hb_takeover": "local"}
# How long the move itself may take, as with hbctl; we have gone by then.
_MOVE_TIMEOUT_MS = schema.DEFAULT_TIMEOUT_MS
_TIMEOUT_S = 10.0


def hb_standby(program: str, arguments: Sequence[str], socket_path: str = client.SOCKET_PATH) -> int:
    """Give groups of this node away. `program` is what usage calls it. Returns the exit code."""
    return _move("hb_standby", program, arguments, socket_path)


def hb_takeover(program: str, arguments: Sequence[str], socket_path: str = client.SOCKET_PATH) -> int:
    """Take groups to this node. `program` is what usage calls it. Returns the exit code."""
    return _move("hb_takeover", program, arguments, socket_path)


def _move(command: str, program: str, arguments: Sequence[str], socket_path: str) -> int:
    if len(arguments) > 1:
        return _usage(program, f"{program}: too many arguments")
    word = arguments[0] if arguments else "all"
    if word not in _WORDS:
        return _usage(program, "" if word == "--help" else f"{program}: wrong resources({word}).")
    groups = _FAILBACK[command] if word == "failback" else word
    if command == "hb_standby":
        print(f"Going standby [{groups}].", file=sys.stderr)
    try:
        target = None if command == "hb_standby" else _own_name(socket_path)
        request = {"groups": [groups], "target": target, "timeout_ms": _MOVE_TIMEOUT_MS}
        # The first answer says whether anything is going to happen.
        answer = next(iter(client.ask("move", request, path=socket_path, timeout_s=_TIMEOUT_S)))
    except (client.UnreachableError, client.NoAnswerError, schema.SchemaError) as error:
        return _refused(command, f"no daemon has taken the request: {error}", "see `hbctl status`")
    if answer.get("phase") == "refused":
        refusal = answer["error"]
        return _refused(command, refusal["message"], refusal.get("remedy", ""))
    return EXIT_ACCEPTED


def _own_name(socket_path: str) -> str:
    *_, answer = client.ask("status", {}, path=socket_path, timeout_s=_TIMEOUT_S)
    result: Mapping[str, Any] = answer["result"]
    return str(result["node"])


def _refused(command: str, message: str, remedy: str) -> int:
    print(f"{command}: {message}", file=sys.stderr)
    if remedy:
        print(f"  {remedy}", file=sys.stderr)
    return EXIT_REFUSED


def _usage(program: str, complaint: str) -> int:
    # Half of it on standard output, as ever.
    if complaint:
        print(complaint)
    print("usage:", flush=True)
    print(f"{program} [{'|'.join(_WORDS)}]", file=sys.stderr)
    return EXIT_REFUSED


# -- one launcher for all ----------------------------------------------------------------------------

_COMMANDS: Mapping[str, Callable[[str, Sequence[str]], int]] = {
    "cl_status": lambda _program, arguments: cl_status.main(arguments),
    "hb_standby": hb_standby,
    "hb_takeover": hb_takeover,
}


def main() -> int:
    """Be the command by whose name the program was called; returns its exit code."""
    program = sys.argv[0]
    command = _COMMANDS.get(PurePath(program).name)
    if command is None:
        print(f"call this program {', '.join(_COMMANDS)}, not {program}", file=sys.stderr)
        return EXIT_REFUSED
    return command(program, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
