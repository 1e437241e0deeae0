"""What an administrator has switched on: maintenance (hands off) and standby (holds nothing).

Each switch is a register that all nodes share by gossip, as an assignment is: every status message repeats
those that were ever turned, and the newest wins, so a message that is lost costs one heartbeat, and a node
that was away learns what was turned meanwhile. "Off" is a value like "on", or an old "on" would come back.

Maintenance is switched for the cluster (`CLUSTER`) or for one group; a group is under maintenance when either
is on. Standby is switched for a node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# In the place of a group's key: all groups.
CLUSTER = "*"


@dataclass(frozen=True)
class Switch:
    """One switch as it was last turned.

    `version` is the time of day in ms when it was turned, or one more than the version before, should some
    clock be behind: so the later turn wins, also when it was made on the other side of a split.
    """

    version: int
    on: bool


Switches = Mapping[str, Switch]


@dataclass(frozen=True)
class Turned:
    """A switch that has another position now. `kind` is maintenance or standby."""

    kind: str
    name: str
    on: bool


@dataclass(frozen=True)
class Kept:
    """All switches, as status messages and the state directory have them."""

    maintenance: Switches
    standby: Switches


NOTHING_TURNED = Kept({}, {})


class Switchboard:
    """All switches as this node knows them. `groups` and `nodes` are those that are configured."""

    def __init__(self, groups: Iterable[str], nodes: Iterable[str], kept: Kept = NOTHING_TURNED) -> None:
        self.maintenance: dict[str, Switch] = {}
        self.standby: dict[str, Switch] = {}
        self.configure(groups, nodes)
        self.adopt(kept)

    def configure(self, groups: Iterable[str], nodes: Iterable[str]) -> None:
        """Say which groups and nodes there are from now on; switches of others are forgotten."""
        self._names: dict[str, tuple[str, ...]] = {
            "maintenance": (CLUSTER, *groups),
            "standby": tuple(nodes),
        }
        for kind, names in self._names.items():
            switches = self._switches(kind)
            for name in [name for name in switches if name not in names]:
                del switches[name]

    def maintained(self, key: str) -> bool:
        """The group is to be left alone."""
        return self._is_on(self.maintenance, CLUSTER) or self._is_on(self.maintenance, key)

    def cluster_maintained(self) -> bool:
        """All groups are to be left alone."""
        return self._is_on(self.maintenance, CLUSTER)

    def groups_maintained(self) -> list[str]:
        """The groups that are under maintenance by a switch of their own."""
        return [key for key, switch in self.maintenance.items() if switch.on and key != CLUSTER]

    def on_standby(self, node: str) -> bool:
        """The node is to hold nothing."""
        return self._is_on(self.standby, node)

    def turn(self, kind: str, names: Iterable[str], wall_ms: int, *, on: bool) -> list[Turned]:
        """Turn switches at this time of day; which of them were in the other position."""
        switches = self._switches(kind)
        turned = []
        for name in names:
            before = switches.get(name)
            if (before is not None and before.on) is not on:
                switches[name] = Switch(max(wall_ms, 1 + (before.version if before else 0)), on)
                turned.append(Turned(kind, name, on))
        return turned

    def adopt(self, theirs: Kept) -> list[Turned]:
        """Take over what somebody knows better; which switches have another position now."""
        turned = []
        for kind, switches in (("maintenance", theirs.maintenance), ("standby", theirs.standby)):
            ours = self._switches(kind)
            for name, switch in switches.items():
                before = ours.get(name)
                if name not in self._names[kind] or (before is not None and _rank(switch) <= _rank(before)):
                    continue
                ours[name] = switch
                if (before is not None and before.on) is not switch.on:
                    turned.append(Turned(kind, name, switch.on))
        return turned

    def kept(self) -> Kept:
        """All of it, to be kept or sent."""
        return Kept(dict(self.maintenance), dict(self.standby))

    def _switches(self, kind: str) -> dict[str, Switch]:
        return self.maintenance if kind == "maintenance" else self.standby

    @staticmethod
    def _is_on(switches: Mapping[str, Switch], name: str) -> bool:
        switch = switches.get(name)
        return switch is not None and switch.on


def maintained_by(kept: Kept, key: str) -> bool:
    """Whether somebody who knows these switches leaves the group alone."""
    return any(name in kept.maintenance and kept.maintenance[name].on for name in (CLUSTER, key))


def _rank(switch: Switch) -> tuple[int, bool]:
    # Turned both ways in the same millisecond: hands off.
    return (switch.version, switch.on)


def label(kind: str, name: str) -> str:
    """What a switch belongs to, in words."""
    if kind == "standby":
        return f"node {name}"
    return "the cluster" if name == CLUSTER else f"group {name}"
