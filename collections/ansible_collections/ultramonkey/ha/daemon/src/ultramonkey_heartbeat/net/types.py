"""What the rest of the daemon sees of the kernel's network: values and one error."""

from __future__ import annotations

from dataclasses import dataclass


class NetError(Exception):
    """The kernel refused something. `message` says what and why, `remedy` what to do about it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message}; {remedy}" if remedy else message)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True)
class Interface:
    """A network interface as it is now. `carrier` is False for an interface that is down."""

    name: str
    index: int
    up: bool
    carrier: bool
    mac: str
    mtu: int


@dataclass(frozen=True)
class ResolvedAddress:
    """An address with everything that is needed to put it on an interface.

    `label` is the whole label (`eth0:0`), or None; `broadcast` is None for IPv6 and for networks that
    have no broadcast address (/31, /32).
    """

    ip: str
    prefix_length: int
    interface: str
    label: str | None = None
    broadcast: str | None = None

    @property
    def is_ipv6(self) -> bool:
        """Whether this is an IPv6 address."""
        return ":" in self.ip
