"""From the table there is to the table wanted: the changes, in an order that never leaves clients alone.

Within a service what takes traffic comes first and what loses it afterwards, so that between two steps there
is always a server, if there was one before and is one after. Services of others are not touched.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from ..config.model import ServiceKey
from .table import Entry, Server, ServerKey, Service, Table


class Verb(Enum):
    """What is done to the table."""

    ADD_SERVICE = "add service"
    EDIT_SERVICE = "edit service"
    REMOVE_SERVICE = "remove service"
    ADD_SERVER = "add server"
    EDIT_SERVER = "edit server"
    REMOVE_SERVER = "remove server"


@dataclass(frozen=True)
class Change:
    """One change of the table. `before` is what the server was, when it is edited or removed."""

    verb: Verb
    key: ServiceKey
    service: Service | None = None
    server_key: ServerKey | None = None
    server: Server | None = None
    before: Server | None = None


def changes(found: Table, wanted: Table, owned: Collection[ServiceKey] = ()) -> list[Change]:
    """What must be done to `found`. Services of ours (`owned`) that are not wanted any more go."""
    steps: list[Change] = []
    for key, entry in wanted.items():
        there = found.get(key)
        if there is None:
            steps.append(Change(Verb.ADD_SERVICE, key, entry.service))
            there = Entry(entry.service, {})
        elif there.service != entry.service:
            steps.append(Change(Verb.EDIT_SERVICE, key, entry.service))
        steps += _servers(key, there, entry)
    steps += [Change(Verb.REMOVE_SERVICE, key) for key in found if key in owned and key not in wanted]
    return steps


def _servers(key: ServiceKey, there: Entry, entry: Entry) -> list[Change]:
    taking: list[Change] = []
    losing: list[Change] = []
    for server_key, server in entry.servers.items():
        before = there.servers.get(server_key)
        if before is not None and before.satisfies(server):
            continue
        verb = Verb.ADD_SERVER if before is None else Verb.EDIT_SERVER
        step = Change(verb, key, None, server_key, server, before)
        (taking if server.weight else losing).append(step)
    for server_key, before in there.servers.items():
        if server_key not in entry.servers:
            losing.append(Change(Verb.REMOVE_SERVER, key, None, server_key, None, before))
    return taking + losing


def applied(table: Table, steps: Collection[Change]) -> dict[ServiceKey, Entry]:
    """The table after the changes; what the kernel would refuse raises KeyError."""
    result = dict(table)
    # The servers of the services that change are copied once, however many of them change.
    copies: dict[ServiceKey, dict[ServerKey, Server]] = {}
    for step in steps:
        key = step.key
        if step.verb is Verb.REMOVE_SERVICE:
            del result[key]
            copies.pop(key, None)
        elif step.verb is Verb.ADD_SERVICE and step.service is not None:
            if key in result:
                raise KeyError(key)
            result[key] = Entry(step.service, copies.setdefault(key, {}))
        elif step.verb is Verb.EDIT_SERVICE and step.service is not None:
            result[key] = Entry(step.service, result[key].servers)
        else:
            if key not in copies:
                entry = result[key]
                copies[key] = dict(entry.servers)
                result[key] = Entry(entry.service, copies[key], entry.connections)
            _change_server(copies[key], step)
    return result


def _change_server(servers: dict[ServerKey, Server], step: Change) -> None:
    if step.server_key is None or (step.server_key in servers) == (step.verb is Verb.ADD_SERVER):
        raise KeyError(step.server_key)
    if step.server is None:
        del servers[step.server_key]
    else:
        servers[step.server_key] = step.server
