"""The words of the command line. Options may stand before, between and after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

COMMANDS = {
    "start": "check the servers and keep the table; returns when it is programmed",
    "stop": "take the services out of the table; returns when it is clean",
    "restart": "stop, then start",
    "try-restart": "restart if it runs",
    "reload": "read the configuration again and apply the difference, or refuse",
    "force-reload": "the same",
    "status": "what runs: exit code 0 active, 3 not, 1 dead",
    "standby": "check the servers and leave the table alone until `start`; `stop` then leads back here",
    "quit": "end, also what stands by",
    "renew": "have the program that is installed now take over, the table left as it is",
    "check": "say all that is wrong with the configuration",
    "render": "make a configuration of the data (JSON) on standard input, and check it",
    "show": "the configuration as data, in the form that `render` reads",
    "drain": "SERVER: no new connections to it; with --wait, until it has none",
    "maintenance": "SERVER: take it out",
    "normal": "SERVER: as the checks say",
    "weight": "SERVER NUMBER: another weight; -1 is the configured one",
    "metrics": "figures for Prometheus",
    "directives": "all that can stand in the configuration",
}
_WITH_SERVER = ("drain", "maintenance", "normal", "weight")
_FLAGS = {
    "-d": "debug",
    "--debug": "debug",
    "--json": "json",
    "--assume-libraries": "assume_libraries",
}
_PATHS = {"--table": "table", "--run": "run"}
_TEXTS = {"--service": "service"}
_ALONE = {"-h": "help", "-?": "help", "--help": "help", "-v": "version", "--version": "version"}


class UsageError(Exception):
    """The command line means nothing."""


@dataclass(frozen=True)
class Arguments:
    """A command line that means something. `server` is ADDRESS or ADDRESS:PORT."""

    command: str
    configuration: str | None = None
    debug: bool = False
    json: bool = False
    table: Path | None = None
    run: Path | None = None
    server: str = ""
    weight: int | None = None
    # Do not ask whether the libraries are here that some checks need.
    assume_libraries: bool = False
    # Only in the virtual service of this name, as `status` gives it; everywhere when empty.
    service: str = ""
    # How many seconds a drained server has to become idle; None does not wait.
    wait: int | None = None


def parse(words: Sequence[str]) -> Arguments:
    """Read the command line. Raises UsageError."""
    flags = {"debug": False, "json": False, "assume_libraries": False}
    paths: dict[str, Path | None] = {"table": None, "run": None}
    texts = {"service": ""}
    wait: int | None = None
    plain: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in _ALONE:
            return Arguments(_ALONE[word])
        if word in _FLAGS:
            flags[_FLAGS[word]] = True
        elif word in _PATHS and rest:
            paths[_PATHS[word]] = Path(rest.pop(0)).absolute()
        elif word in _TEXTS and rest:
            texts[_TEXTS[word]] = rest.pop(0)
        elif word == "--wait" and rest:
            wait = _number(rest.pop(0), "a number of seconds")
        elif word == "--":
            plain += rest
            break
        elif word.startswith("-") and not (plain and plain[-1].count(".") + plain[-1].count(":")):
            raise UsageError(f"there is no option {word}")
        else:
            plain.append(word)
    return replace(
        _command(plain, flags, paths),
        wait=wait,
        service=texts["service"],
        assume_libraries=flags["assume_libraries"],
    )


def _command(plain: list[str], flags: dict[str, bool], paths: dict[str, Path | None]) -> Arguments:
    # A configuration may be called like a command only when a command follows it.
    first = 1 if len(plain) > 1 and plain[1] in COMMANDS and plain[0] not in _WITH_SERVER else 0
    configuration = plain[0] if first else None
    if not plain[first:]:
        raise UsageError("a command is missing")
    command, *rest = plain[first:]
    if command not in COMMANDS:
        raise UsageError(f"there is no command {command}")
    wanted = {"weight": 2}.get(command, 1 if command in _WITH_SERVER else 0)
    if len(rest) != wanted:
        raise UsageError(f"{command} takes {wanted or 'no'} more words: {COMMANDS[command]}")
    weight = None
    if command == "weight":
        weight = _number(rest[1], "a weight")
    return Arguments(
        command, configuration, flags["debug"], flags["json"], paths["table"], paths["run"],
        rest[0] if rest else "", weight,
    )  # fmt: skip


def _number(text: str, what: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{text} is not {what}") from None
