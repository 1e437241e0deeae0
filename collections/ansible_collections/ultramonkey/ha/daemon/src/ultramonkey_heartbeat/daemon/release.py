"""After a crash: stop what the daemon held here, and say goodbye in its place.

systemd runs this whenever the daemon has ended (`ExecStopPost`). After a clean end there is nothing to
do. After a crash the peers need not wait for the dead time: once nothing runs here, they are told. Groups
under maintenance are left running, and the peers are told that, too.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from ..config.address import address_of
from ..config.model import Configuration, PppLink, Resource
from ..config.parameters import parameters
from ..control.server import remove_stale
from ..core.farewell import FAREWELL_INTERVAL_MS, farewell
from ..core.switches import Kept
from ..links.factory import make_links
from ..net.announce import Announcer
from ..net.netlink import Network
from ..net.packet import PacketSender
from ..resources.agent import Agent
from ..resources.factory import Surroundings, make_agent
from ..resources.runner import Runner
from .kept_switches import read_switches, split_by_maintenance
from .keys import make_codec
from .paths import Paths
from .persistence import HeldGroups, identity


class _Deaf:
    """Nothing that the links hear matters any more."""

    def frame_received(self, link: str, data: bytes) -> None:
        """Ignore it."""

    def link_changed(self, link: str, up: bool, reason: str) -> None:  # noqa: FBT001 - LinkListener
        """Ignore it."""


async def release(configuration: Configuration, paths: Paths, log: logging.Logger) -> int:
    """Release what is left and say goodbye; returns the exit code."""
    held = HeldGroups(paths.held)
    left = held.left_behind(configuration.groups)
    if left is None:
        return 0
    switches = read_switches(paths)
    alone, left = split_by_maintenance(left, switches)
    if alone:
        log.warning("left running, under maintenance: %s", ", ".join(group.key for group in alone))
    names = ", ".join(group.key for group in left) or "nothing"
    log.warning("the daemon did not end cleanly; releasing what it held: %s", names)
    network = Network()
    await network.open()
    loop = asyncio.get_running_loop()
    announcer = Announcer(loop, PacketSender())
    surroundings = Surroundings(
        configuration.node,
        network,
        announcer,
        directories=paths.script_directories,
        parameters=parameters(configuration.ha),
    )

    def agent_for(resource: Resource) -> Agent:
        return make_agent(resource, address_of(resource), surroundings)

    outcomes = await Runner(agent_for, lambda _: None).release_now(left)
    await network.close()
    stuck = [outcome for outcome in outcomes if not outcome.ok]
    for outcome in stuck:
        log.error("group %s: could not be released: %s", outcome.group, outcome.reason)
    if stuck:
        log.error("no goodbye is said: the other nodes would start what still runs here")
        return 1
    await _say_goodbye(configuration, paths, tuple(group.key for group in alone), switches)
    remove_stale(str(paths.control))
    if alone:
        # For the next daemon to take over, or to release should the maintenance be over by then.
        held.write(alone, held.stuck_behind())
    else:
        held.clean()
    return 0


async def _say_goodbye(
    configuration: Configuration, paths: Paths, alone: Sequence[str], switches: Kept
) -> None:
    loop = asyncio.get_running_loop()
    codec = make_codec(configuration.authkeys)
    # PPP takes seconds to come up: a goodbye over it would be too late.
    usable = [link for link in configuration.ha.links if not isinstance(link, PppLink)]
    links = make_links(usable, _Deaf(), loop)
    for link in links:
        link.open()
    wall_ms = int(time.time() * 1000)
    who = identity(
        paths,
        configuration.node,
        uuid_from_name=configuration.ha.uuid_from_name,
        generation_from_time=configuration.ha.generation_from_time,
    )
    for message in farewell(configuration, who, wall_ms, alone, switches):
        for link in links:
            link.send(codec.encode(message, link.form))
        await asyncio.sleep(FAREWELL_INTERVAL_MS / 1000)
    for link in links:
        link.close()
