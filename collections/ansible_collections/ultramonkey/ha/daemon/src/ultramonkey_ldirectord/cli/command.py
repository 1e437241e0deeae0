"""`ldirectord [OPTIONS] [CONFIGURATION] COMMAND`: the original's command line, and a little more.

Commands of heartbeat's resource scripts are answered with LSB exit codes. `start` returns when the table is
programmed, `stop` when it is clean. What a running daemon is told never depends on the file being right.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from .. import __version__
from . import actions, show
from .answer import Answer
from .arguments import COMMANDS, Arguments, UsageError, parse

EXIT_OK, EXIT_FAILED, EXIT_CONFIGURATION, EXIT_NOT_RUNNING, EXIT_USAGE = 0, 1, 2, 3, 255

HELP = f"""\
usage: ldirectord [-d] [--json] [CONFIGURATION] COMMAND

CONFIGURATION is looked for in /etc/ha.d, in /etc/ha.d/conf and as it is; without one it is ldirectord.cf.

commands:
{{commands}}

options:
  -d, --debug        stay in the foreground and log to standard output
  --json             answer with one line of JSON
  --assume-libraries of check and render: whatever library a check needs will be here
  --service SERVICE  of drain, maintenance, normal and weight: only there, as `status` names it
  --wait SECONDS     of drain: how long to wait for the server to become idle
  --table FILE       keep the table in FILE instead of the kernel: a rehearsal
  -h, -?, --help     this text
  -v, --version      {__version__}
"""


def main(arguments: Sequence[str]) -> int:
    """Carry out one command; returns the exit code."""
    try:
        given = parse(arguments)
    except UsageError as error:
        print(f"ldirectord: {error}\n\n{_help()}", file=sys.stderr)
        return EXIT_USAGE
    if given.command == "help":
        print(_help())
        return EXIT_OK
    if given.command == "version":
        print(f"ldirectord {__version__}")
        return EXIT_OK
    if given.command == "directives":
        from ..config.reference import help_text  # noqa: PLC0415 - only here

        print(help_text())
        return EXIT_OK
    answer = actions.ACTIONS[given.command](given)
    _print(given, answer)
    return answer.code


def _help() -> str:
    lines = [f"  {name:<14} {text}" for name, text in COMMANDS.items()]
    return HELP.format(commands="\n".join(lines))


def _print(given: Arguments, answer: Answer) -> None:
    if given.json:
        print(json.dumps({"schema": 1, "exit_code": answer.code, **answer.data}))
        return
    for line in _lines(given, answer.data):
        print(line)
    for line in show.problems(answer.data) if given.command != "metrics" else ():
        print(line, file=sys.stdout if given.command == "check" else sys.stderr)
    if answer.data.get("error"):
        print(f"ldirectord: {answer.data['error']}", file=sys.stderr)


def _lines(given: Arguments, data: Mapping[str, Any]) -> Sequence[str]:
    if given.command == "metrics":
        return show.metrics(data)
    if given.command == "status":
        return show.status(data)
    return [data["text"]] if data.get("text") else []
