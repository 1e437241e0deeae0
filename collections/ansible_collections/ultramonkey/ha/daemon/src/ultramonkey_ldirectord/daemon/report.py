"""What the daemon tells about itself, and how it refuses: the JSON of docs/LDIRECTORD.md."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ultramonkey_heartbeat.config.problems import Problem
from ultramonkey_heartbeat.control import schema

from .. import __version__, reading
from ..config.configuration import Loaded
from ..config.model import Configuration, Virtual, canonical
from ..core.director import Director
from ..core.health import Wish
from ..core.probe import Target, server_key
from ..core.table import Connections, Entry
from .doubts import doubts
from .journal import Log
from .keeper import Keeper
from .schedule import Schedule

WEIGHT_MAX = 65_535
# The directory that this daemon's program lies in, which is called like the release it was installed as.
RELEASE = Path(__file__).resolve().parents[2].name


class Daemon(Protocol):
    """What is told about: the parts of a daemon, and what it knows of itself."""

    file: reading.File
    digest_on_disk: str
    began_at: float
    resident: bool
    director: Director
    keeper: Keeper
    schedule: Schedule
    log: Log

    @property
    def configuration(self) -> Configuration:
        """The configuration in force."""


class RefusedError(Exception):
    """A request that is not carried out. `payload` is the answer."""

    def __init__(self, code: str, message: str, remedy: str, result: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        error = {"code": code, "message": message, "remedy": remedy}
        self.payload = {"error": error, "result": dict(result or {})}


@dataclass(frozen=True)
class ServerRequest:
    """What an administrator wants of some servers."""

    targets: list[Target]
    wish: Wish | None
    weight: int | None


def must_be_good(loaded: Loaded) -> None:
    """Raise RefusedError, with all problems, for a configuration that has errors."""
    if loaded.configuration is None:
        raise RefusedError(
            "bad-configuration",
            "the configuration has errors; the old one stays in force",
            "mend what is listed under problems",
            {"problems": problems(loaded.problems)},
        )


def problems(found: tuple[Problem, ...]) -> list[dict[str, Any]]:
    """Problems as data."""
    return [problem.as_data() for problem in found]


def server_request(request: schema.Request, director: Director) -> ServerRequest:
    """Read the arguments of `server`. Raises schema.SchemaError."""
    given = request.arguments
    address, port, service = given.get("address"), given.get("port"), given.get("service")
    wish, weight = given.get("wish"), given.get("weight")
    try:
        targets = director.targets(canonical(str(address)), port)
    except ValueError:
        raise schema.SchemaError(f'"address" {address!r} is not an address', request.request_id) from None
    targets = [target for target in targets if service in (None, str(target[0]))]
    if not targets:
        raise schema.SchemaError(f"there is no real server {address} here", request.request_id)
    if wish is not None and wish not in [each.value for each in Wish]:
        raise schema.SchemaError('"wish" must be normal, drain or maintenance', request.request_id)
    if weight is not None and (type(weight) is not int or not -1 <= weight <= WEIGHT_MAX):
        raise schema.SchemaError(f'"weight" must be 0 to {WEIGHT_MAX}, or -1', request.request_id)
    if wish is None and weight is None:
        raise schema.SchemaError('"wish" or "weight" must be given', request.request_id)
    return ServerRequest(targets, None if wish is None else Wish(wish), weight)


def answer(daemon: Daemon, request: schema.Request) -> dict[str, Any]:
    """Everything that is known, as data; with the argument `brief` only what a script asks for."""
    if not request.arguments.get("brief"):
        return status(daemon)
    state = "active" if daemon.keeper.active else "standby"
    return {"state": state, "pid": os.getpid(), "resident": daemon.resident}


def status(daemon: Daemon) -> dict[str, Any]:
    """Everything that is known, as data."""
    director, keeper = daemon.director, daemon.keeper
    wanted = director.wanted()
    services = [
        _service(
            director, virtual, wanted[virtual.key], keeper.found.get(virtual.key) if keeper.active else None
        )
        for virtual in daemon.configuration.virtuals
    ]
    counted = Counter(server["health"] for service in services for server in service["servers"])
    told = {
        "configuration": str(daemon.file.path),
        "digest": daemon.file.digest,
        "version": __version__,
        "release": RELEASE,
        "pid": os.getpid(),
        "state": "active" if keeper.active else "standby",
        "resident": daemon.resident,
        # Somebody (systemd) starts it again when it ends.
        "watched": "LDIRECTORD_WATCHED" in os.environ,
        "began_at": daemon.began_at,
        "uptime_s": round(time.time() - daemon.began_at),
        "programmed_in_ms": keeper.programmed_in_ms,
        "servers": {name: counted.get(name, 0) for name in ("up", "down", "unknown")},
        "checks_performed": daemon.schedule.performed,
        "checks": len(director.probes),
        "repairs": keeper.repairs,
        "warnings": problems(daemon.file.loaded.problems),
        "services": services,
        "changes": [{"at": at, "text": text} for at, text in daemon.log.changes],
    }
    found = doubts(told, keeper.problems, daemon.digest_on_disk)
    return {**told, "healthy": not found, "problems": found}


def _service(director: Director, virtual: Virtual, wanted: Entry, found: Entry | None) -> dict[str, Any]:
    return {
        "service": str(virtual.key),
        "name": virtual.name,
        "scheduler": virtual.scheduler,
        "in_table": found is not None,
        "fallback_in_use": director.on_fallback(virtual.key),
        "servers": [
            _server(director, (virtual.key, server_key(virtual, real)), wanted, found)
            for real in virtual.reals
        ],
    }


def _server(director: Director, target: Target, wanted: Entry, found: Entry | None) -> dict[str, Any]:
    state = director.states[target]
    place = target[1]
    there = found.servers.get(place) if found is not None else None
    server = wanted.servers.get(place)
    connections = found.connections.get(place, Connections()) if found is not None else Connections()
    return {
        "server": str(place),
        "address": place.address,
        "port": place.port,
        "health": state.health.value,
        "reason": state.reason,
        "since_ms": state.since_ms,
        "failures": state.failures,
        "wish": state.wish.value,
        "weight_set": state.weight,
        "in_maintenance": state.in_maintenance,
        "weight_wanted": None if server is None else server.weight,
        "weight": None if there is None else there.weight,
        "active": connections.active,
        "inactive": connections.inactive,
    }
