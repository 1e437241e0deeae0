"""`ppp-udp`: unicast datagrams over PPP over a serial line, as heartbeat 1.x had it.

Two parts that know nothing of each other: a pppd, which makes an interface for as long as it and the peer's
talk, and an ordinary unicast link over that interface, which comes and goes with it.
"""

from __future__ import annotations

import asyncio

from ..config.model import PppLink, UnicastLink
from .base import LinkCounters, LinkListener
from .pppd import OPTIONS, Pppd
from .receiver import Receivers
from .udp import UdpUnicastLink

WAITING = "waiting for the peer's pppd"


class PppUdpLink:
    """One line, its pppd, and the link over it."""

    form = "netstring"
    slow = True

    def __init__(
        self,
        config: PppLink,
        listener: LinkListener,
        loop: asyncio.AbstractEventLoop,
        receivers: Receivers,
    ) -> None:
        self.name = config.name
        self._device = config.device
        self._listener = listener
        self._why_down = WAITING
        self._reported: tuple[bool, str] | None = None
        inner = UnicastLink(config.interface, config.peer, config.port)
        self._udp = UdpUnicastLink(inner, self, loop, receivers)
        words = [config.device, str(config.baud), f"{config.address}:{config.peer}", *OPTIONS]
        if not {"ifname", "unit"} & set(config.options):
            words += ["ifname", config.interface]
        self._pppd = Pppd([*words, *config.options], self._ended, loop)

    @property
    def up(self) -> bool:
        """Whether PPP stands and messages can be sent."""
        return self._udp.up

    @up.setter
    def up(self, value: bool) -> None:  # the interface of links has a plain attribute
        self._udp.up = value

    @property
    def counters(self) -> LinkCounters:
        """What passed, without the bytes of PPP, IP and UDP."""
        return self._udp.counters

    @counters.setter
    def counters(self, value: LinkCounters) -> None:
        self._udp.counters = value

    def open(self) -> None:
        """Begin to connect. Never raises."""
        self._udp.open()
        self._pppd.start()

    def send(self, frame: bytes) -> None:
        """Send one message, best effort."""
        self._udp.send(frame)

    def interface_changed(self) -> None:
        """Something about an interface changed; perhaps ours has come or gone."""
        self._udp.interface_changed()

    def load(self) -> None:
        """Not known: the kernel queues and the line carries what is not ours, too."""

    def close(self) -> None:
        """Let pppd take leave of its peer, and the interface go. Idempotent."""
        self._udp.close()
        self._pppd.stop()
        self._reported = None

    # What the link over the interface reports.

    def frame_received(self, link: str, data: bytes) -> None:
        """A message came."""
        del link
        self._listener.frame_received(self.name, data)

    def link_changed(self, link: str, up: bool, reason: str) -> None:  # noqa: FBT001 - LinkListener
        """The interface came, or went; why it is not there, pppd knows better."""
        del link
        if up:
            self._pppd.succeeded()
            self._why_down = WAITING
            self._report(up=True, reason=reason)
        elif "no such interface" in reason or "interface is down" in reason:
            self._report(up=False, reason=f"{self._device}: {self._why_down}")
        else:
            self._report(up=False, reason=reason)

    def _ended(self, reason: str) -> None:
        self._why_down = reason
        self._udp.interface_changed()
        if not self.up:
            self._report(up=False, reason=f"{self._device}: {reason}")

    def _report(self, *, up: bool, reason: str) -> None:
        if self._reported != (up, reason):
            self._reported = (up, reason)
            self._listener.link_changed(self.name, up, reason)
