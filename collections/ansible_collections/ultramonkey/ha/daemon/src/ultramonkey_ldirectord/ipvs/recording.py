"""A table that is only written down: in memory for tests, in a file for rehearsals.

It refuses what the kernel would refuse, and notes every change, so that the whole daemon can be tried where
there is no IPVS, and what it did can be read. Somebody else may change the file, as somebody may the kernel.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..config.model import Forward, ServiceKey
from ..core.changes import Change, applied
from ..core.phrases import change as phrase
from ..core.table import Connections, Entry, Server, ServerKey, Service, Table
from .base import Failure, IpvsError

_KEY = tuple(field.name for field in fields(ServiceKey))


class RecordingTable:
    """A table in memory. `log` has a line for each change, `changes` the changes themselves."""

    def __init__(self) -> None:
        self.table: Table = {}
        self.changes: list[Change] = []
        # As the kernel begins.
        self.timeouts_s: tuple[int, ...] = (900, 120, 300)
        self.log: list[str] = []
        # Set by a test: whatever is done fails with this.
        self.broken = ""

    async def open(self) -> None:
        """There is always a table, unless it is broken."""
        self._check()

    async def read(self) -> Table:
        """The table as it is now."""
        self._check()
        return dict(self.table)

    async def apply(self, changes: Sequence[Change]) -> list[Failure]:
        """Note and carry out the changes."""
        self._check()
        done = list(changes)
        failures: list[Failure] = []
        try:
            self.table = applied(self.table, changes)
        except KeyError:
            done, failures = self._one_by_one(changes)
        self.changes += done
        self.log += [phrase(change, None) for change in done]
        return failures

    def _one_by_one(self, changes: Sequence[Change]) -> tuple[list[Change], list[Failure]]:
        done: list[Change] = []
        failures: list[Failure] = []
        for change in changes:
            try:
                self.table = applied(self.table, [change])
            except KeyError:  # noqa: PERF203 - each is tried for itself
                failures.append(Failure(change, "the table does not allow it"))
            else:
                done.append(change)
        return done, failures

    async def keep_timeouts(self, wanted_s: Sequence[int]) -> bool:
        """Note the timeouts."""
        changed = any(want not in (0, have) for want, have in zip(wanted_s, self.timeouts_s))
        if changed:
            self.timeouts_s = tuple(wanted_s)
        return changed

    async def close(self) -> None:
        """Nothing to let go of."""

    def _check(self) -> None:
        if self.broken:
            raise IpvsError(self.broken)


class FileTable(RecordingTable):
    """A table in a JSON file; the changes are appended to a file beside it, with `.log` behind its name."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._log = Path(f"{path}.log")

    async def read(self) -> Table:
        """The table as the file has it; no file is an empty table."""
        try:
            self.table = from_data(json.loads(self._path.read_text()))
        except FileNotFoundError:
            self.table = {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IpvsError(f"{self._path}: {error}") from error
        return dict(self.table)

    async def apply(self, changes: Sequence[Change]) -> list[Failure]:
        """Change the file."""
        await self.read()
        before = len(self.log)
        failures = await super().apply(changes)
        if len(self.log) > before:
            self._write(self.log[before:])
        return failures

    def _write(self, lines: Sequence[str]) -> None:
        try:
            with self._log.open("a") as log:
                log.writelines(f"{line}\n" for line in lines)
            new = Path(f"{self._path}.new")
            # A line for each service: an encoder that indents is ten times slower.
            rows = ",\n".join(json.dumps(row) for row in as_data(self.table))
            new.write_text(f"[\n{rows}\n]\n")
            os.replace(new, self._path)  # noqa: PTH105 - so that readers see the old one or the new one
        except OSError as error:
            raise IpvsError(f"{self._path}: {error.strerror}") from error


def as_data(table: Table) -> list[dict[str, Any]]:
    """The table as JSON-like data, for files and for status."""
    return [_entry_data(key, table[key]) for key in sorted(table)]


def _entry_data(key: ServiceKey, entry: Entry) -> dict[str, Any]:
    return {
        "service": str(key),
        "key": {name: getattr(key, name) for name in _KEY},
        "scheduler": entry.service.scheduler,
        "flags": entry.service.flags,
        "persistent_s": entry.service.persistent_s,
        "netmask": entry.service.netmask,
        "servers": [_server_data(server, entry.servers[server], entry) for server in sorted(entry.servers)],
    }


def _server_data(key: ServerKey, server: Server, entry: Entry) -> dict[str, Any]:
    connections = entry.connections.get(key, Connections())
    return {
        "address": key.address,
        "port": key.port,
        "method": server.forward.value if server.forward is not None else "local",
        "weight": server.weight,
        "lower": server.lower,
        "upper": server.upper,
        "active": connections.active,
        "inactive": connections.inactive,
    }


def from_data(data: Sequence[Mapping[str, Any]]) -> dict[ServiceKey, Entry]:
    """The table from such data."""
    table = {}
    for row in data:
        servers = {}
        connections = {}
        for server in row["servers"]:
            key = ServerKey(server["address"], server["port"])
            forward = None if server["method"] == "local" else Forward(server["method"])
            servers[key] = Server(forward, server["weight"], server.get("lower", 0), server.get("upper", 0))
            connections[key] = Connections(server.get("active", 0), server.get("inactive", 0))
        service = Service(row["scheduler"], row["flags"], row["persistent_s"], row["netmask"])
        table[ServiceKey(**row["key"])] = Entry(service, servers, connections)
    return table
