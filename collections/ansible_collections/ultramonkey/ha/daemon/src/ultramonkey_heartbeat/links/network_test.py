"""Tests the links over networks from this node, while the same runs on the others. For a command.

It uses the daemon's own links, so that what passes here passes for the daemon: same sockets, same port, same
options. First it only listens: where another cluster speaks, our probes would be a nuisance.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Sequence
from typing import Any

from ..config.model import BroadcastLink, LinkConfig, MulticastLink, UnicastLink
from .base import Link
from .datagram import family_of
from .factory import make_links
from .network_probe import NetworkProbe

_INTERVAL_SECONDS = 0.1
# The others must hear that we have heard them.
_AFTERWARDS_SECONDS = 1.0


def run_network_test(
    configs: Sequence[LinkConfig],
    node: str,
    peers: Sequence[str],
    members: Sequence[str] = (),
    *,
    listen_seconds: float,
    seconds: float,
) -> dict[str, Any]:
    """Listen, exchange probes until all is known or the time is up, and say what was found."""
    kinds = (BroadcastLink, MulticastLink, UnicastLink)
    networks = [config for config in configs if isinstance(config, kinds) and not _leads_here(config)]
    names = [config.name for config in networks]
    test = _Test(NetworkProbe(node, secrets.token_hex(4), names, peers, members))
    asyncio.run(test.run(networks, listen_seconds, seconds if peers else 0.0))
    return test.probe.result()


class _Test:
    """Listens to the links for the probe."""

    def __init__(self, probe: NetworkProbe) -> None:
        self.probe = probe

    def frame_received(self, link: str, data: bytes) -> None:
        """Bytes of one datagram arrived over the link named."""
        self.probe.received(link, data)

    def link_changed(self, link: str, up: bool, reason: str) -> None:  # noqa: FBT001 - the links call it so
        """The link can or can no longer carry anything."""
        self.probe.link_changed(link, up=up, reason=reason)

    async def run(self, configs: Sequence[LinkConfig], listen_seconds: float, seconds: float) -> None:
        """Carry the test out."""
        loop = asyncio.get_running_loop()
        links = make_links(configs, self, loop)
        for link in links:
            link.open()
        try:
            await asyncio.sleep(listen_seconds)
            if seconds and not self.probe.is_disturbing:
                await self._exchange(links, loop.time() + seconds)
        finally:
            for link in links:
                link.close()

    async def _exchange(self, links: Sequence[Link], end: float) -> None:
        loop = asyncio.get_running_loop()
        is_last = False
        while loop.time() < end:
            for link in links:
                if link.up:
                    link.send(self.probe.frame(link.name))
            await asyncio.sleep(_INTERVAL_SECONDS)
            if self.probe.is_complete and not is_last:
                is_last, end = True, min(end, loop.time() + _AFTERWARDS_SECONDS)


def _leads_here(config: LinkConfig) -> bool:
    """Whether this is a `ucast` line with an address of this machine, as files that all nodes share have."""
    return isinstance(config, UnicastLink) and _is_own(config.address)


def _is_own(address: str) -> bool:
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as sock:
        try:
            # Asks which address would be used; sends nothing.
            sock.connect((address, 9))
        except OSError:
            return False
        return bool(sock.getsockname()[0].split("%")[0] == address.split("%", maxsplit=1)[0])
