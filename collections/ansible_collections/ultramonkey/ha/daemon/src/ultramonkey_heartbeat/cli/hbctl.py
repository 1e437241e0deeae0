"""`hbctl`: ask the daemon, move groups, check the configuration.

Starts quickly: what only one subcommand needs is imported there.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import __version__
from ..control import client, schema
from . import tables, trials
from .options import add, directory_option, json_option, node_option, seconds

EXIT_COMPLETED, EXIT_REFUSED, EXIT_USAGE, EXIT_UNREACHABLE, EXIT_TIMEOUT = range(5)
# As the shell has it for a program that SIGINT ended.
EXIT_INTERRUPTED = 130

# How much longer than the daemon we wait: its own answer to a timeout is the better one.
_PATIENCE_S = 5.0


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command; returns the exit code of docs/CONTROL.md."""
    options = _parser().parse_args(arguments)
    try:
        answer: Mapping[str, Any] = options.run(options)
    except KeyboardInterrupt:
        print("hbctl: interrupted; what was begun goes on", file=sys.stderr)
        return EXIT_INTERRUPTED
    except client.UnreachableError as error:
        answer = schema.refusal(
            "",
            "unreachable",
            f"no daemon answers: {error}",
            "see `systemctl status heartbeat` and its journal",
        )
    except client.NoAnswerError as error:
        answer = schema.refusal("", "timeout", str(error), "see `hbctl status`")
    except schema.SchemaError as error:
        answer = schema.refusal("", "bad-answer", str(error), "use the hbctl of the daemon's version")
    try:
        _print(answer, options)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (`| head`) has seen enough. Python would complain when it ends, and flushes again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _exit_code(answer)


def _print(answer: Mapping[str, Any], options: argparse.Namespace) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a letter must not keep the rest from being shown.
        sys.stdout.reconfigure(errors="backslashreplace")
    if options.json:
        print(json.dumps(answer))
        return
    result = answer.get("result") or {}
    for line in options.show(result) if result else ():
        print(line)
    error = answer.get("error")
    if error:
        print(f"hbctl: {error['message']} ({error['code']})\n  {error.get('remedy', '')}", file=sys.stderr)


def _exit_code(answer: Mapping[str, Any]) -> int:
    if "error" not in answer:
        # Completed; or accepted, when that was all that was waited for.
        return EXIT_COMPLETED
    code = (answer.get("error") or {}).get("code")
    return {"unreachable": EXIT_UNREACHABLE, "timeout": EXIT_TIMEOUT}.get(str(code), EXIT_REFUSED)


# -- commands ----------------------------------------------------------------------------------------


def _ask(
    options: argparse.Namespace, command: str, arguments: Mapping[str, Any], timeout_s: float
) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    answers = client.ask(command, arguments, path=options.socket, timeout_s=timeout_s)
    with contextlib.closing(answers):
        for answer in answers:
            if answer.get("phase") == "accepted" and not options.wait:
                break
    return answer


def _status(options: argparse.Namespace) -> Mapping[str, Any]:
    return _ask(options, "status", {}, _PATIENCE_S)


def _version(options: argparse.Namespace) -> Mapping[str, Any]:
    result: dict[str, Any] = {"hbctl": __version__, "daemon": None}
    with contextlib.suppress(client.UnreachableError, client.NoAnswerError):
        result["daemon"] = _ask(options, "version", {}, _PATIENCE_S)["result"].get("version")
    return schema.answer("", "completed", {"result": result})


def _move(options: argparse.Namespace, target: str | None) -> Mapping[str, Any]:
    arguments = {
        "groups": options.groups or ["all"],
        "target": target,
        "timeout_ms": math.ceil(options.timeout * 1000),
    }
    return _ask(options, "move", arguments, options.timeout + _PATIENCE_S)


def _standby(options: argparse.Namespace) -> Mapping[str, Any]:
    return _move(options, None)


def _takeover(options: argparse.Namespace) -> Mapping[str, Any]:
    here = _ask(options, "status", {}, _PATIENCE_S)
    return here if "error" in here else _move(options, here["result"]["node"])


def _move_to(options: argparse.Namespace) -> Mapping[str, Any]:
    return _move(options, options.to)


def _maintenance(options: argparse.Namespace) -> Mapping[str, Any]:
    arguments = {"on": options.position == "on", "groups": options.groups}
    return _ask(options, "maintenance", arguments, _PATIENCE_S)


def _node(options: argparse.Namespace) -> Mapping[str, Any]:
    arguments = {"on": options.position == "standby", "node": options.node}
    return _ask(options, "standby", arguments, _PATIENCE_S)


def _cleanup(options: argparse.Namespace) -> Mapping[str, Any]:
    return _ask(options, "cleanup", {"groups": options.groups}, _PATIENCE_S)


def _reload(options: argparse.Namespace) -> Mapping[str, Any]:
    return _ask(options, "reload", {}, _PATIENCE_S)


def _journal(options: argparse.Namespace) -> Mapping[str, Any]:
    return _ask(options, "journal", {"last": options.last, "group": options.group}, _PATIENCE_S)


def _journal_lines(result: Mapping[str, Any]) -> list[str]:
    """The entries for a terminal, in local time."""
    lines = []
    for entry in result["entries"]:
        seconds, ms = divmod(entry["at_ms"], 1000)
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
        lines.append(f"{stamp}.{ms:03}  {entry['text']}")
    return lines


def _check(options: argparse.Namespace) -> Mapping[str, Any]:
    from . import files  # noqa: PLC0415 - the parsers are needed here only

    options.show = files.lines
    return files.check(
        options.directory,
        options.node,
        scripts=options.scripts,
        later=options.later,
        explained=options.explain,
    )


def _show(options: argparse.Namespace) -> Mapping[str, Any]:
    from . import files  # noqa: PLC0415 - the parsers are needed here only

    options.show = lambda result: [*files.lines(result), *json.dumps(result["data"], indent=2).splitlines()]
    return files.show(options.directory, options.node)


def _key(options: argparse.Namespace) -> Mapping[str, Any]:
    from . import keys  # noqa: PLC0415 - the parsers are needed here only

    options.show = lambda result: keys.lines(result) if "keys" in result else []
    if options.operation == "list":
        return keys.tell(options.directory)
    return keys.change(
        options.operation, options.index, options.method, options.directory, dry_run=options.dry_run
    )


def _render(options: argparse.Namespace) -> Mapping[str, Any]:
    from . import files  # noqa: PLC0415 - the parsers are needed here only

    answer = files.render(files.read_standard_input(), options.node)
    options.show = lambda result: [
        *(line for name, text in result["files"].items() for line in (f"# --- {name}", text.rstrip("\n"))),
        *files.lines(result),
    ]
    return answer


# -- command line ------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hbctl",
        description="Ask the heartbeat daemon of this node, and move groups between nodes.",
        epilog="Exit codes: 0 done, 1 refused, 2 wrong usage, 3 no daemon, 4 no answer in time.",
    )
    parser.add_argument("--socket", default=client.SOCKET_PATH, help="control socket (default: %(default)s)")
    json_option(parser, default=False)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    add(commands, "status", _status, tables.status, "who is there, who holds what, what is wrong")
    _add_move(commands, "standby", _standby, "give groups of this node to another")
    _add_move(commands, "takeover", _takeover, "take groups to this node")
    move = _add_move(commands, "move", _move_to, "put groups on a node, asked from any node")
    move.add_argument("--to", required=True, metavar="NODE", help="the node that shall hold them")
    maintenance = add(
        commands,
        "maintenance",
        _maintenance,
        tables.maintenance,
        "leave the cluster or groups alone, or no longer",
    )
    maintenance.add_argument("position", choices=("on", "off"))
    maintenance.add_argument(
        "groups", nargs="*", metavar="GROUP", help="group keys (default: the whole cluster)"
    )
    node = add(commands, "node", _node, tables.node, "have a node hold nothing, or take part again")
    node.add_argument("position", choices=("standby", "active"))
    node.add_argument("node", nargs="?", metavar="NODE", help="default: this node")
    cleanup = add(commands, "cleanup", _cleanup, tables.cleanup, "forget what failed here, once it is mended")
    cleanup.add_argument("groups", nargs="*", metavar="GROUP", help="group keys (default: all)")
    add(commands, "reload", _reload, tables.reload, "have the daemon read its files again")
    journal = add(commands, "journal", _journal, _journal_lines, "what happened here, and why")
    journal.add_argument("group", nargs="?", metavar="GROUP", help="only this group, and the nodes")
    journal.add_argument(
        "--last", type=int, default=50, metavar="N", help="so many entries (default: %(default)s)"
    )
    add(
        commands,
        "version",
        _version,
        lambda r: [f"{k} {v or 'not running'}" for k, v in r.items()],
        "versions",
    )
    trials.add_commands(commands)
    config = commands.add_parser("config", help="the configuration files")
    files = config.add_subparsers(metavar="COMMAND", required=True)
    check = add(files, "check", _check, _nothing, "check ha.cf, haresources and authkeys")
    check.add_argument(
        "--explain", action="store_true", help="say what the cluster would do, and what is doubtful about it"
    )
    check.add_argument(
        "--scripts",
        type=Path,
        metavar="DIR",
        help="where resource scripts are, before /etc/init.d (default: resource.d beside the files)",
    )
    check.add_argument(
        "--later",
        action="append",
        default=[],
        metavar="NAME",
        help="a script or unit that will be installed yet; may be repeated",
    )
    show = add(
        files, "show", _show, _nothing, "what the files say, as JSON that `render` reads; without keys"
    )
    key = add(files, "key", _key, _nothing, "list, add, use or remove keys of authkeys on this node")
    key.add_argument("operation", choices=("list", "add", "use", "remove"))
    key.add_argument(
        "index", nargs="?", type=int, default=1, help="0 to 15; its key is read from standard input"
    )
    key.add_argument("--method", default="sha256", help="default: %(default)s")
    key.add_argument("--dry-run", action="store_true", help="only say what would be")
    for command in (check, show, key):
        directory_option(command)
    render = add(files, "render", _render, _nothing, "make the files from JSON on standard input")
    for command in (check, show, render):
        node_option(command)
    return parser


def _nothing(result: Mapping[str, Any]) -> list[str]:
    del result
    return []


def _add_move(commands: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    parser = add(commands, name, run, tables.move, text)
    parser.add_argument(
        "groups", nargs="*", metavar="GROUP", help="group keys, or all, local, foreign (default: all)"
    )
    parser.add_argument(
        "--timeout", type=seconds, default=60.0, metavar="SECONDS", help="default: %(default)s"
    )
    parser.add_argument(
        "--no-wait", dest="wait", action="store_false", help="return as soon as the move has begun"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
