"""Answers as people and Prometheus read them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ultramonkey_heartbeat.cli.tables import table

Json = Mapping[str, Any]


def problems(data: Json) -> list[str]:
    """What is wrong, each on a line; a server that is down stands in the table of the status already."""
    found = data.get("problems", ())
    return [str(problem["text"]) for problem in found if problem.get("code") != "server-down"]


def status(data: Json) -> list[str]:
    """What runs. The first line is what heartbeat reads."""
    lines = [str(data.get("text", ""))]
    for service in data.get("services", ()):
        note = ", on its fallback" if service["fallback_in_use"] else ""
        missing = "" if service["in_table"] or data.get("state") != "active" else ", missing in the table"
        lines += [
            "",
            f"{service['service']} {service['scheduler']}{note}{missing} {service['name']}".rstrip(),
        ]
        rows = [_server(server) for server in service["servers"]]
        lines += [
            "  " + line for line in table(("SERVER", "STATE", "WEIGHT", "ACTIVE", "INACTIVE", "WHY"), rows)
        ]
    return lines


def _server(server: Json) -> list[str]:
    state = server["health"]
    if server["in_maintenance"]:
        state += ", maintenance"
    elif server["wish"] != "normal":
        state += f", {server['wish']}"
    weight = "-" if server["weight"] is None else str(server["weight"])
    return [server["server"], state, weight, str(server["active"]), str(server["inactive"]), server["reason"]]


_METRICS = (
    ("ldirectord_active", "Whether the table is kept by this daemon."),
    ("ldirectord_checks_total", "Checks made since the start."),
    ("ldirectord_repairs_total", "Times the table had been changed by somebody else."),
    ("ldirectord_problems", "How much is not as it should be; `status` says what."),
    ("ldirectord_fallback_in_use", "Whether a service has no server but its fallback."),
    ("ldirectord_server_up", "Whether the checks find a server well."),
    ("ldirectord_server_weight", "Weight in the table; absent when the server is not in it."),
    ("ldirectord_server_active_connections", "Active connections."),
)


def metrics(data: Json) -> list[str]:
    """Figures in the text format of Prometheus."""
    samples = list(_samples(data)) if "services" in data else [("ldirectord_active", "", 0)]
    lines = []
    for name, text in _METRICS:
        mine = [(labels, value) for sample, labels, value in samples if sample == name]
        if mine:
            kind = "counter" if name.endswith("_total") else "gauge"
            lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
            lines += [f"{name}{labels} {value}" for labels, value in mine]
    return lines


def _samples(data: Json) -> Iterable[tuple[str, str, int]]:
    yield "ldirectord_active", "", int(data["state"] == "active")
    yield "ldirectord_checks_total", "", data["checks_performed"]
    yield "ldirectord_repairs_total", "", data["repairs"]
    yield "ldirectord_problems", "", len(data["problems"])
    for service in data["services"]:
        labels = f'service="{service["service"]}"'
        yield "ldirectord_fallback_in_use", f"{{{labels}}}", int(service["fallback_in_use"])
        for server in service["servers"]:
            both = f'{{{labels},server="{server["server"]}"}}'
            yield "ldirectord_server_up", both, int(server["health"] == "up")
            if server["weight"] is not None:
                yield "ldirectord_server_weight", both, server["weight"]
            yield "ldirectord_server_active_connections", both, server["active"]
