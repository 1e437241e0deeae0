"""What a cluster with this configuration would do, in sentences."""

from __future__ import annotations

from .model import AutoFailback, Configuration, Group
from .values import human_time

_FAILBACK = {
    AutoFailback.ON: "A group returns to its preferred node as soon as that node is back.",
    AutoFailback.OFF: "A group stays where it is until its node leaves or somebody moves it.",
    AutoFailback.LEGACY: "A group always returns to its preferred node, and planned moves are refused.",
}


def explain(configuration: Configuration) -> list[str]:
    """One sentence a line, the most important first."""
    ha = configuration.ha
    links = ", ".join(link.name for link in ha.links)
    lines = [
        f"This is node {configuration.node} of {', '.join(ha.nodes)}.",
        f"Every {human_time(ha.keepalive_ms)} a heartbeat goes out over {links}.",
        f"A node that is silent for {human_time(ha.deadtime_ms)} is dead, and its groups are taken over.",
        f"While this node starts, it waits {human_time(ha.initdead_ms)} for the others.",
        _FAILBACK[ha.auto_failback],
    ]
    if len(ha.links) == 1:
        lines.append("There is one link only: when it breaks, all nodes serve at once.")
    lines.extend(_group_line(group, ha.nodes) for group in configuration.groups)
    if not configuration.groups:
        lines.append("There is no group, so nothing is ever started.")
    return lines


def _group_line(group: Group, nodes: tuple[str, ...]) -> str:
    others = [node for node in nodes if node != group.preferred]
    heirs = f"; without it, on the first of {', '.join(others)} that is alive" if others else ""
    resources = ", then ".join(resource.text for resource in group.resources)
    return f"Group {group.key} runs on {group.preferred}{heirs}: starts {resources}."
