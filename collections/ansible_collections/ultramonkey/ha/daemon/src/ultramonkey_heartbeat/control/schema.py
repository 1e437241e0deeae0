"""The lines of the control socket (docs/CONTROL.md): made and checked here, for both ends. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SCHEMA = 1
# No request is longer: thousands of group keys fit.
REQUEST_BYTES_MAX = 64 * 1024
TIMEOUT_MS_MAX = 3_600_000
DEFAULT_TIMEOUT_MS = 60_000

# Phases that end an exchange.
LAST_PHASES = ("completed", "refused")

Json = dict[str, Any]


class SchemaError(ValueError):
    """The line is not what the contract says. The text tells what would be right."""

    def __init__(self, message: str, request_id: str = "") -> None:
        super().__init__(message)
        self.request_id = request_id


@dataclass(frozen=True)
class Request:
    """One request line."""

    request_id: str
    command: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class MoveArguments:
    """What `move` is asked to do."""

    groups: tuple[str, ...]
    target: str | None
    timeout_ms: int


def encode(value: Mapping[str, Any]) -> bytes:
    """One line, ready to be written."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"


def request_line(request_id: str, command: str, arguments: Mapping[str, Any]) -> bytes:
    """A request as a line."""
    return encode({"schema": SCHEMA, "id": request_id, "command": command, "arguments": dict(arguments)})


def parse_request(line: bytes) -> Request:
    """Read a request line, or raise SchemaError."""
    value = _object(line)
    request_id = value.get("id")
    if not isinstance(request_id, str):
        raise SchemaError('"id" must be a text')
    if not _is_ours(value):
        raise SchemaError(f'"schema" must be {SCHEMA}, not {value.get("schema")!r}', request_id)
    command, arguments = value.get("command"), value.get("arguments", {})
    if not isinstance(command, str) or not isinstance(arguments, dict):
        raise SchemaError('"command" must be a text, "arguments" an object', request_id)
    return Request(request_id, command, arguments)


def parse_move(request: Request) -> MoveArguments:
    """Read the arguments of `move`, or raise SchemaError."""
    groups, target = request.arguments.get("groups"), request.arguments.get("target")
    timeout_ms = request.arguments.get("timeout_ms", DEFAULT_TIMEOUT_MS)
    if not isinstance(groups, list) or not groups or not all(isinstance(word, str) for word in groups):
        raise SchemaError('"groups" must be a list of keys, "all", "local" or "foreign"', request.request_id)
    if target is not None and not isinstance(target, str):
        raise SchemaError('"target" must be a node name or null', request.request_id)
    if type(timeout_ms) is not int or not 0 < timeout_ms <= TIMEOUT_MS_MAX:
        raise SchemaError(f'"timeout_ms" must be 1 to {TIMEOUT_MS_MAX}', request.request_id)
    return MoveArguments(tuple(groups), target, timeout_ms)


def parse_on(request: Request) -> bool:
    """Read the argument "on" of a switch, or raise SchemaError."""
    on = request.arguments.get("on")
    if not isinstance(on, bool):
        raise SchemaError('"on" must be true or false', request.request_id)
    return on


def parse_groups(request: Request) -> tuple[str, ...]:
    """Read a list of keys that may be empty or absent, or raise SchemaError."""
    groups = request.arguments.get("groups", [])
    if not isinstance(groups, list) or not all(isinstance(word, str) for word in groups):
        raise SchemaError('"groups" must be a list of keys', request.request_id)
    return tuple(groups)


def parse_journal(request: Request) -> tuple[int | None, str | None]:
    """Read how many entries are wanted, and of which group; None means all. Raises SchemaError."""
    last, group = request.arguments.get("last"), request.arguments.get("group")
    if last is not None and (type(last) is not int or last < 0):
        raise SchemaError('"last" must be a number of entries, or null', request.request_id)
    if group is not None and not isinstance(group, str):
        raise SchemaError('"group" must be a key or null', request.request_id)
    return last, group


def parse_node(request: Request) -> str | None:
    """Read a node's name that may be absent, or raise SchemaError."""
    node = request.arguments.get("node")
    if node is not None and not isinstance(node, str):
        raise SchemaError('"node" must be a node name or null', request.request_id)
    return node


def answer(request_id: str, phase: str, payload: Mapping[str, Any]) -> Json:
    """An answer; `payload` has "result" and, for a refusal, "error"."""
    return {"schema": SCHEMA, "id": request_id, "phase": phase, **payload}


def refusal(request_id: str, code: str, message: str, remedy: str) -> Json:
    """A refusal that comes from the control layer itself."""
    error = {"code": code, "message": message, "remedy": remedy}
    return answer(request_id, "refused", {"error": error, "result": {}})


def parse_answer(line: bytes) -> Json:
    """Read an answer line, or raise SchemaError."""
    value = _object(line)
    if not _is_ours(value):
        raise SchemaError(f"the daemon speaks schema {value.get('schema')!r}, this program {SCHEMA}")
    return value


def _is_ours(value: Json) -> bool:
    # True and 1.0 equal 1.
    return type(value.get("schema")) is int and value["schema"] == SCHEMA


def _object(line: bytes) -> Json:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"not a line of JSON: {error}") from None
    if not isinstance(value, dict):
        raise SchemaError("not a JSON object")
    return value
