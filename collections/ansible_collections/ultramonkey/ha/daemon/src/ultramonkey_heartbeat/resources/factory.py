"""From a word of `haresources` to the agent that carries it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..config.address import ADDRESS_SCRIPTS
from ..config.model import Address, Resource
from ..config.sync_daemon import SCRIPT, parse_sync_daemon
from ..net.sync_daemon import SyncDaemons
from .address import AddressAgent, AddressBook, Herald
from .agent import Agent, Timeouts
from .environment import environment
from .script import ScriptAgent
from .search import DIRECTORIES, SYSTEMCTL, unit_of
from .sync_daemon import Swapper, SyncDaemonAgent
from .systemd import SystemdAgent


@dataclass(frozen=True)
class Surroundings:
    """What agents need of the host.

    `node` is our own name, which scripts get as HA_CURHOST; `parameters` are the settings of ha.cf, which
    they get as HA_<name>.
    """

    node: str
    network: AddressBook
    announcer: Herald
    timeouts: Timeouts = field(default_factory=Timeouts)
    directories: Sequence[Path] = DIRECTORIES
    systemctl: str = SYSTEMCTL
    parameters: Mapping[str, str] = field(default_factory=dict)
    sync_daemons: Swapper = field(default_factory=SyncDaemons)


def make_agent(resource: Resource, address: Address | None, surroundings: Surroundings) -> Agent:
    """The agent for a resource. `address` is what its arguments mean, if it is an address."""
    timeouts = surroundings.timeouts
    if address is not None and resource.script in ADDRESS_SCRIPTS:
        return AddressAgent(
            resource.text,
            address,
            network=surroundings.network,
            announcer=surroundings.announcer,
            timeouts=timeouts,
        )
    if resource.script == SCRIPT:
        return SyncDaemonAgent(
            resource.text,
            parse_sync_daemon(resource.arguments),
            daemons=surroundings.sync_daemons,
            timeouts=timeouts,
        )
    unit = unit_of(resource)
    if unit is not None:
        return SystemdAgent(
            resource.text,
            unit,
            environment=environment(surroundings.node, surroundings.parameters),
            timeouts=timeouts,
            systemctl=surroundings.systemctl,
        )
    return ScriptAgent(
        resource.text,
        resource.script,
        resource.arguments,
        environment=environment(surroundings.node, surroundings.parameters),
        timeouts=timeouts,
        directories=surroundings.directories,
    )
