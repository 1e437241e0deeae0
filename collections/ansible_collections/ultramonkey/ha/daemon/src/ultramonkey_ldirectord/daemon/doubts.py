"""What is not as it should be, from a status: a code for programs, a sentence and a remedy for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]


def doubts(status: Json, refusals: Sequence[str], digest_on_disk: str) -> list[dict[str, Any]]:
    """Problems of a status. `refusals` are the kernel's; the digest is that of the file as last seen."""
    found = [_doubt("kernel-refuses", text, "see the log and `dmesg`") for text in refusals]
    if digest_on_disk != status["digest"]:
        text = f"{status['configuration']} is not the configuration in force"
        found.append(_doubt("not-reloaded", text, "`ldirectord reload` uses it, or says why not"))
    for service in status["services"]:
        found += _of_service(service, active=status["state"] == "active")
    return found


def _of_service(service: Json, *, active: bool) -> Iterator[dict[str, Any]]:
    name = service["service"]
    servers = service["servers"]
    if servers and not any(_serves(server) for server in servers):
        instead = "its fallback serves" if service["fallback_in_use"] else "nobody serves"
        yield _doubt(
            "no-server", f"{name} has no server that is up: {instead}", "mend one of its servers", name
        )
    if active and not service["in_table"]:
        yield _doubt("not-in-table", f"{name} is not in the kernel's table", "see the log", name)
    for server in servers:
        if server["health"] == "down":
            text = f"{server['server']} ({name}) is down: {server['reason']}"
            remedy = "mend the server, or put it into maintenance"
            if not server["in_maintenance"]:
                yield _doubt("server-down", text, remedy, name, server["server"])


def _serves(server: Json) -> bool:
    return bool(server["health"] == "up" and server["wish"] == "normal" and not server["in_maintenance"])


def _doubt(
    code: str, text: str, remedy: str, service: str | None = None, server: str | None = None
) -> dict[str, Any]:
    return {"code": code, "service": service, "server": server, "text": text, "remedy": remedy}
