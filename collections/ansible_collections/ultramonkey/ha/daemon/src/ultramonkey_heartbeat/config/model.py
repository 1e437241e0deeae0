"""What the three configuration files mean, as frozen values.

`ha.cf`, `haresources` and `authkeys` are read by the parsers beside this file; everything after the
parsers sees only these classes. All durations are whole milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Union


class AutoFailback(Enum):
    """Whether a group returns to its preferred node when that node comes back (ha.cf `auto_failback`)."""

    ON = "on"
    OFF = "off"
    # Every group is always returned to its preferred node, and planned moves are refused: the
    # behaviour of heartbeat before nice_failback existed, and 3.0.6's default.
    LEGACY = "legacy"


@dataclass(frozen=True)
class BroadcastLink:
    """`bcast INTERFACE`: datagrams to the interface's broadcast address."""

    interface: str
    port: int

    @property
    def name(self) -> str:
        """The name by which status and logs call this link."""
        return f"bcast {self.interface}"


@dataclass(frozen=True)
class MulticastLink:
    """`mcast INTERFACE GROUP PORT TTL LOOP` (`mcast6` for an IPv6 group)."""

    interface: str
    group: str
    port: int
    ttl: int = 1
    loop: bool = False

    @property
    def name(self) -> str:
        """The name by which status and logs call this link."""
        return f"mcast {self.interface} {self.group}"


@dataclass(frozen=True)
class UnicastLink:
    """`ucast INTERFACE ADDRESS` (`ucast6` for IPv6): datagrams to one peer, by address or name."""

    interface: str
    address: str
    port: int

    @property
    def name(self) -> str:
        """The name by which status and logs call this link."""
        return f"ucast {self.interface} {self.address}"


@dataclass(frozen=True)
class SerialLink:
    """`serial DEVICE`: the text form over a null-modem cable at `baud`."""

    device: str
    baud: int

    @property
    def name(self) -> str:
        """The name by which status and logs call this link."""
        return f"serial {self.device}"


@dataclass(frozen=True)
class PppLink:
    """`ppp-udp ADDRESS DEVICE PEER [OPTION...]`: unicast datagrams over PPP over a serial line."""

    address: str
    device: str
    peer: str
    baud: int
    port: int
    # Further words for pppd.
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name by which status and logs call this link."""
        return f"ppp-udp {self.device}"

    @property
    def interface(self) -> str:
        """What the interface is called: as the options say, else after the device (`ppp-ttyS0`)."""
        for option, value in zip(self.options, self.options[1:]):
            if option == "ifname":
                return value
            if option == "unit":
                return f"ppp{value}"
        # Names of interfaces have 15 characters at most, and the end of a device's name tells most.
        return f"ppp-{''.join(filter(str.isalnum, self.device.replace('/dev/', '')))[-11:]}"


@dataclass(frozen=True)
class PingNode:
    """`ping HOST`, `ping6 HOST` or `ping_group NAME HOST...`: a machine, or several, outside the cluster.

    It is seen as long as any of `hosts` (addresses or names) answers echo requests.
    """

    directive: str
    # By which status, logs and the other nodes call it: the host as written, or the group's name.
    name: str
    hosts: tuple[str, ...]

    @property
    def group(self) -> bool:
        """Several hosts count as one."""
        return self.directive == "ping_group"


LinkConfig = Union[BroadcastLink, MulticastLink, UnicastLink, SerialLink, PppLink]


@dataclass(frozen=True)
class Logging:
    """Where the daemon logs beside the journal (ha.cf `logfile`, `debugfile`, `logfacility`, `debug`)."""

    logfile: str | None = None
    facility: str | None = None
    debug: int = 0
    debugfile: str | None = None


@dataclass(frozen=True)
class Respawn:
    """`respawn USER PATH ARGUMENT...`: a program that runs while the node is active."""

    user: str
    path: str
    arguments: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """The command line as the shell gets it, which is how 3.0.6 runs it, too."""
        return " ".join((self.path, *self.arguments))


@dataclass(frozen=True)
class HaCf:
    """Everything `ha.cf` says, with 3.0.6's defaults filled in."""

    nodes: tuple[str, ...]
    links: tuple[LinkConfig, ...]
    keepalive_ms: int = 1000
    deadtime_ms: int = 30_000
    warntime_ms: int = 15_000
    initdead_ms: int = 30_000
    pings: tuple[PingNode, ...] = ()
    # None: as deadtime.
    deadping_ms: int | None = None
    auto_failback: AutoFailback = AutoFailback.LEGACY
    hopfudge: int = 1
    realtime: bool = True
    rtprio: int = 1
    max_rexmit_delay_ms: int = 250
    logging: Logging = Logging()
    respawn: tuple[Respawn, ...] = ()
    watchdog: str | None = None
    # `hbgenmethod time` and `uuidfrom nodename`; a file is the default of both.
    generation_from_time: bool = False
    uuid_from_name: bool = False
    # None: whatever the service manager allows.
    coredumps: bool | None = None
    # Name and word of each setting that the file gives, as written; for those who show or pass them on.
    written: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    @property
    def ping_deadtime_ms(self) -> int:
        """How long a ping node is silent before it is lost."""
        return self.deadtime_ms if self.deadping_ms is None else self.deadping_ms


@dataclass(frozen=True)
class Resource:
    """One word of a haresources line: a script (or systemd unit) and its arguments.

    `script` is the name as looked up in resource.d (`IPaddr` for a bare address); `text` the word as
    the administrator wrote it, which is how status and logs call the resource.
    """

    script: str
    arguments: tuple[str, ...]
    text: str
    # Where it stands in haresources; 0 when it is from nowhere.
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Group:
    """One haresources line: resources that live on one node together, started left to right."""

    # The first resource's text. It identifies the group on the wire, in status and for administrators.
    key: str
    # Preferred ("master") node, lower case.
    preferred: str
    resources: tuple[Resource, ...]
    line: int = 0


@dataclass(frozen=True)
class Address:
    """A virtual address as haresources writes it: `ADDRESS[/BITS[/IFACE[:LABEL]][/BROADCAST]]`.

    What is None is taken from the route to the address when the resource is started.
    """

    address: str
    prefix_length: int | None = None
    interface: str | None = None
    label: str | None = None
    broadcast: str | None = None


@dataclass(frozen=True)
class AuthKey:
    """One key line of `authkeys`. `secret` is never printed."""

    index: int
    method: str
    secret: bytes

    def __repr__(self) -> str:
        """Everything but the secret: a key must not reach a log by accident."""
        return f"AuthKey(index={self.index}, method={self.method!r})"


@dataclass(frozen=True)
class AuthKeys:
    """The key ring: messages are signed with `current` and verified with the key of their own index."""

    current: int
    keys: tuple[AuthKey, ...]


@dataclass(frozen=True)
class Configuration:
    """The three files together, checked against each other."""

    node: str
    ha: HaCf
    groups: tuple[Group, ...]
    authkeys: AuthKeys
    # SHA-256 over what all nodes must agree on (nodes, groups, failback), first 16 hex digits.
    digest: str
