"""The table of virtual services as values: what the kernel has, or what it should have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..config.model import Forward, ServiceKey, Virtual, host_text
from ..config.services import SCHEDULER_FLAGS

PERSISTENT, ONE_PACKET = 0x1, 0x4
_SCHEDULER_FLAG_1 = 0x8
# The flags that are settings; the kernel shows others of its own.
FLAGS = PERSISTENT | ONE_PACKET | 0x38


@dataclass(frozen=True, order=True)
class ServerKey:
    """What the kernel knows a server of a service by."""

    address: str
    port: int

    def __str__(self) -> str:
        """`192.0.2.1:80`."""
        return f"{host_text(self.address)}:{self.port}"


@dataclass(frozen=True)
class Service:
    """Settings of a virtual service. `netmask` is a dotted quad, or a prefix length as text."""

    scheduler: str
    flags: int = 0
    persistent_s: int = 0
    netmask: str = "255.255.255.255"


@dataclass(frozen=True)
class Server:
    """Settings of a server in a service.

    `forward` None is what the kernel shows for one of its own addresses, however it was added.
    """

    forward: Forward | None
    weight: int
    lower: int = 0
    upper: int = 0

    def satisfies(self, wanted: Server) -> bool:
        """Whether the kernel's entry is as wanted."""
        return self == wanted or (
            self.forward is None
            and (self.weight, self.lower, self.upper) == (wanted.weight, wanted.lower, wanted.upper)
        )


@dataclass(frozen=True)
class Connections:
    """How much a server has to do now, as the kernel counts."""

    active: int = 0
    inactive: int = 0


@dataclass(frozen=True)
class Entry:
    """A service and its servers."""

    service: Service
    servers: Mapping[ServerKey, Server]
    # Only what was read from the kernel has any.
    connections: Mapping[ServerKey, Connections] = field(default_factory=dict, compare=False)


Table = Mapping[ServiceKey, Entry]


def service_of(virtual: Virtual) -> Service:
    """The settings that the kernel should have for a virtual service."""
    flags = PERSISTENT if virtual.persistent_s else 0
    flags |= ONE_PACKET if virtual.one_packet else 0
    for name in virtual.flags:
        flags |= _SCHEDULER_FLAG_1 << (SCHEDULER_FLAGS[name] - 1)
    single = "255.255.255.255" if virtual.key.version == 4 else "128"  # noqa: PLR2004 - IPv4
    return Service(virtual.scheduler, flags, virtual.persistent_s, virtual.netmask or single)
