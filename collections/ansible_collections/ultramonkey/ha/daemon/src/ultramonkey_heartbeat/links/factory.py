"""From a line of `ha.cf` to the link that carries it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..config.model import BroadcastLink, LinkConfig, MulticastLink, PppLink, SerialLink, UnicastLink
from .base import Link, LinkListener
from .receiver import Receivers
from .udp import UdpBroadcastLink, UdpMulticastLink, UdpUnicastLink


def make_links(
    configs: Sequence[LinkConfig], listener: LinkListener, loop: asyncio.AbstractEventLoop
) -> list[Link]:
    """All links of a configuration. They share receiving sockets, so they should be made together."""
    receivers = Receivers(loop)
    return [make_link(config, listener, loop, receivers) for config in configs]


def make_link(
    config: LinkConfig,
    listener: LinkListener,
    loop: asyncio.AbstractEventLoop,
    receivers: Receivers | None = None,
) -> Link:
    """One link, not yet open. Raises NotImplementedError for a medium that is not built in."""
    shared = receivers or Receivers(loop)
    if isinstance(config, BroadcastLink):
        return UdpBroadcastLink(config, listener, loop, shared)
    if isinstance(config, MulticastLink):
        return UdpMulticastLink(config, listener, loop, shared)
    if isinstance(config, UnicastLink):
        return UdpUnicastLink(config, listener, loop, shared)
    if isinstance(config, SerialLink):
        # Who has no serial line needs no pyserial, and does not pay for it.
        from .serial import TtyLink  # noqa: PLC0415 - see above

        return TtyLink(config, listener, loop)
    if isinstance(config, PppLink):
        from .ppp import PppUdpLink  # noqa: PLC0415 - as rare

        return PppUdpLink(config, listener, loop, shared)
    raise NotImplementedError(f"{config.name}: this kind of link is not built in")
