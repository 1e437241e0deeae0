"""What an ldirectord.cf says, as values.

Durations are whole milliseconds. Addresses are texts in their canonical form, so that equal ones are equal.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from enum import Enum


class Forward(Enum):
    """How packets reach a real server."""

    GATE = "gate"
    MASQ = "masq"
    IPIP = "ipip"


class Kind(Enum):
    """What a check does."""

    CONNECT = "connect"
    NEGOTIATE = "negotiate"
    # Some connects, then one negotiation.
    COMBINED = "combined"
    PING = "ping"
    EXTERNAL = "external"
    # Always up without being asked.
    ON = "on"
    # Never asked, never in service.
    OFF = "off"


def host_text(address: str) -> str:
    """The address as it stands before a port: IPv6 in brackets."""
    return f"[{address}]" if ":" in address else address


@dataclass(frozen=True, order=True)
class ServiceKey:
    """What the kernel knows a virtual service by: address and port, or a firewall mark.

    `protocol` is tcp or udp, and empty for a mark; `version` is 4 or 6, which a mark has, too.
    """

    version: int
    protocol: str = ""
    address: str = ""
    port: int = 0
    mark: int = 0

    def __str__(self) -> str:
        """`tcp:192.0.2.1:80`, `udp:[2001:db8::1]:53`, `fwm:1`, `fwm6:1`."""
        if not self.protocol:
            return f"fwm{'6' if self.version == 6 else ''}:{self.mark}"  # noqa: PLR2004 - IPv6
        return f"{self.protocol}:{host_text(self.address)}:{self.port}"


@dataclass(frozen=True)
class Real:
    """One real server of a virtual service, as it is written.

    `port` is 0 when none is given. `request` and `receive` are its own, or None. Thresholds of 0 are none.
    """

    address: str
    port: int
    forward: Forward
    weight: int = 1
    request: str | None = None
    receive: str | None = None
    lower: int = 0
    upper: int = 0
    line: int = 0


@dataclass(frozen=True)
class Fallback:
    """The server that is used while no real server can be. `port` 0 means that of the virtual service."""

    address: str
    port: int
    forward: Forward


@dataclass(frozen=True)
class Check:
    """How the real servers of one virtual service are checked.

    `port` None means that of the real server, else the usual one of the service.
    """

    kind: Kind
    service: str
    connects: int = 0
    attempts: int = 1
    port: int | None = None
    interval_ms: int = 10_000
    checktimeout_ms: int = 5_000
    negotiatetimeout_ms: int = 30_000
    request: str = ""
    receive: str = ""
    http_method: str = "GET"
    virtualhost: str = ""
    login: str = ""
    password: str = field(default="", repr=False)
    database: str = ""
    secret: str = field(default="", repr=False)
    command: tuple[str, ...] = ()
    verify_tls: bool = False
    redirects: bool = True


@dataclass(frozen=True)
class Virtual:
    """One virtual service with all that is known of it, the global directives included."""

    key: ServiceKey
    line: int
    name: str
    reals: tuple[Real, ...]
    check: Check
    scheduler: str = "wrr"
    flags: tuple[str, ...] = ()
    persistent_s: int = 0
    # A dotted quad, or a prefix length for IPv6; empty for a single client.
    netmask: str = ""
    one_packet: bool = False
    fallback: Fallback | None = None
    fallback_command: str = ""
    quiescent: bool = False
    cleanstop: bool = True
    failurecount: int = 1
    risecount: int = 1


@dataclass(frozen=True)
class Configuration:
    """A whole ldirectord.cf without an error."""

    file: str
    virtuals: tuple[Virtual, ...]
    interval_ms: int = 10_000
    autoreload: bool = False
    callback: str = ""
    # An absolute path or the name of a syslog facility.
    logfile: str = "/var/log/ldirectord.log"
    maintenance_directory: str = ""
    supervised: bool = False
    # Of established TCP connections, closing ones, and UDP; 0 leaves what the kernel has.
    ipvs_timeouts_s: tuple[int, ...] = (0, 0, 0)


def canonical(address: str) -> str:
    """The one way to write an address. Raises ValueError when it is none."""
    return str(ipaddress.ip_address(address))
