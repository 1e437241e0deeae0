"""The built-in resource for a virtual address: what IPaddr and IPaddr2 do, without a shell.

Where heartbeat's scripts take 200 ms, this takes one: one netlink request and the first announcement.
"""

from __future__ import annotations

from typing import Protocol

from ..config.model import Address
from ..net.types import ResolvedAddress
from .agent import Agent, Timeouts
from .bounded import within


class AddressBook(Protocol):
    """What is needed of `net.netlink.Network`. Every method may raise NetError."""

    async def resolve(self, address: Address) -> ResolvedAddress:
        """Fill in what the configuration leaves open."""

    async def add_address(self, address: ResolvedAddress) -> bool:
        """Put the address on its interface. False when it was there."""

    async def remove_address(self, address: ResolvedAddress) -> bool:
        """Take the address off its interface. False when it was not there."""

    async def find_address(self, ip: str, interface: str | None = None) -> list[ResolvedAddress]:
        """Where the address is now."""


class Herald(Protocol):
    """What is needed of `net.announce.Announcer`."""

    def start(self, address: ResolvedAddress) -> None:
        """Announce now and go on."""

    def stop(self, address: ResolvedAddress) -> None:
        """Say nothing more."""


class AddressAgent(Agent):
    """One address on one interface, announced while it is held."""

    def __init__(
        self, name: str, address: Address, *, network: AddressBook, announcer: Herald, timeouts: Timeouts
    ) -> None:
        super().__init__(name)
        self._address = address
        self._network = network
        self._announcer = announcer
        self._timeouts = timeouts
        self._started: ResolvedAddress | None = None

    async def start(self) -> None:
        """Add the address if it is not there, and announce it in any case."""
        await within(self.name, self._timeouts.start_ms, "start", self._add())

    async def stop(self) -> None:
        """Say no more and remove the address. An interface that is gone has taken it along."""
        if self._started is not None:
            self._announcer.stop(self._started)
        await within(self.name, self._timeouts.stop_ms, "stop", self._remove())

    async def status(self) -> bool:
        """Whether the host has the address where it should be."""
        return bool(await within(self.name, self._timeouts.status_ms, "status", self._find()))

    def announce(self) -> None:
        """Announce again from the beginning."""
        if self._started is not None:
            self._announcer.start(self._started)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The address, while started."""
        return (self._started.ip,) if self._started is not None else ()

    async def _add(self) -> None:
        resolved = await self._network.resolve(self._address)
        # Known before it is added: a start that is cancelled in between must be undone, too.
        self._started = resolved
        await self._network.add_address(resolved)
        self._announcer.start(resolved)

    async def _remove(self) -> None:
        if self._started is not None and await self._network.remove_address(self._started):
            self._started = None
            return
        # Not there, or left by somebody before us: then its interface and prefix length are not known.
        for found in await self._find():
            await self._network.remove_address(found)
        self._started = None

    async def _find(self) -> list[ResolvedAddress]:
        return await self._network.find_address(self._address.address, self._address.interface)
