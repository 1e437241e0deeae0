"""What is varied from cell to cell of the matrix, and the configuration files that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

LINKS = ("bcast", "mcast", "ucast", "serial")
KEYS = ("crc", "md5", "sha1")
FAILBACKS = ("on", "off", "legacy")

KEEPALIVE_MS = 250
DEADTIME_MS = 2000
DEADTIME_S = DEADTIME_MS / 1000
# Two daemons that start side by side with many others must find each other. 3.0.6 would have ten seconds.
INITDEAD_MS = 4 * DEADTIME_MS

GROUPS = ("one", "two", "three")

# The serial port of a host.
DEVICE = "/dev/ttyHA0"

_SECRET = "a key of more than sixty-four bytes is hashed first as RFC 2104 has it".replace(" ", "-")


@dataclass(frozen=True)
class Cell:
    """One row: `real_first` says that 3.0.6 is the first node, which is preferred by more groups.

    With `ping`, both watch a ping node, 3.0.6 by its ipfail, and the scenarios are about that.
    """

    link: str
    key: str
    failback: str
    real_first: bool
    ping: bool = False

    @property
    def role(self) -> str:
        """What 3.0.6 is here."""
        return "preferred" if self.real_first else "other"

    @property
    def of_first(self) -> tuple[str, ...]:
        """The groups that prefer the first node; the others prefer the second."""
        # A 3.0.6 that starts alone in legacy mode acquires its groups side by side, and the messages by which
        # it does so garble each other in its FIFO: of two groups of its own it may start only one.
        return GROUPS[:1] if self.failback == "legacy" and self.real_first else GROUPS[:2]

    def __str__(self) -> str:
        return f"{self.link}/{self.key}/{self.failback}/{self.role}{'/ping' if self.ping else ''}"


def every_cell() -> list[Cell]:
    """All combinations."""
    return [Cell(*values) for values in product(LINKS, KEYS, FAILBACKS, (True, False))]


def pairwise() -> list[Cell]:
    """A Latin square: every value of each column beside every value of every other column."""
    return [
        Cell(link, key, FAILBACKS[(i + j) % 3], real_first=(i + j % 2) % 2 == 0)
        for (i, link), (j, key) in product(enumerate(LINKS), enumerate(KEYS))
    ]


def with_ping_node() -> list[Cell]:
    """What ping nodes do does not depend on the medium and the key."""
    return [
        Cell("bcast", "sha1", failback, real_first, ping=True)
        for failback, real_first in product(FAILBACKS, (True, False))
    ]


@dataclass(frozen=True)
class Place:
    """Where a cell lives in the laboratory: pairs side by side differ in ports, groups and addresses."""

    number: int

    @property
    def names(self) -> tuple[str, str]:
        """The two node names, the first one first in ha.cf."""
        return (f"anna{self.number}", f"bert{self.number}")

    @property
    def port(self) -> int:
        """The UDP port of all links."""
        return 694 + self.number

    def address(self, group: str) -> str:
        """The virtual address of a group."""
        return f"192.0.2.{110 + 10 * self.number + GROUPS.index(group)}"


PING_NODE = "192.0.2.100"
_PING = f"""\
ping {PING_NODE}
respawn hacluster /usr/libexec/heartbeat/ipfail
apiauth ipfail gid=haclient uid=hacluster
"""


def ha_cf(cell: Cell, place: Place, addresses: tuple[str, str], *, debug: int = 0) -> str:
    """The same file for both nodes, as both kinds of daemon want it."""
    media = {
        "bcast": "bcast eth0",
        "mcast": f"mcast eth0 239.0.0.{1 + place.number} {place.port} 1 0",
        # The line with the own address is harmless in 3.0.6, and lets both nodes have the same file.
        "ucast": "".join(f"ucast eth0 {address}\n" for address in addresses).rstrip(),
        "serial": f"baud 115200\nserial {DEVICE}",
    }[cell.link]
    return f"""\
logfile /var/log/ha-log
logfacility none
debug {debug}
keepalive {KEEPALIVE_MS}ms
warntime {DEADTIME_MS * 3 // 4}ms
deadtime {DEADTIME_MS}ms
initdead {INITDEAD_MS}ms
udpport {place.port}
{media}
auto_failback {cell.failback}
node {place.names[0]}
node {place.names[1]}
{_PING if cell.ping else ""}"""


def haresources(cell: Cell, place: Place) -> str:
    """Three groups in the three ways in which people write an address."""
    nodes = {group: place.names[group not in cell.of_first] for group in GROUPS}
    return f"""\
{nodes["one"]} trace::one IPaddr2::{place.address("one")}/24/eth0
{nodes["two"]} {place.address("two")}/24/eth0 trace::two
{nodes["three"]} IPaddr2::{place.address("three")}/24/eth0 trace::three
"""


def authkeys(cell: Cell) -> str:
    """One key, of the cell's method."""
    return "auth 3\n3 crc\n" if cell.key == "crc" else f"auth 3\n3 {cell.key} {_SECRET}\n"


# Notes down what is done to a group, and when; the groups have one each.
TRACE_SCRIPT = """\
#!/bin/sh
# trace NAME start|stop|status
running=/run/trace.$1
say() { echo "$(date +%s.%N) $1 $2" >>/var/log/trace; }
case $2 in
  start) if [ -e "$running" ]; then say "$1" again; else say "$1" start; fi; touch "$running" ;;
  stop) [ -e "$running" ] && say "$1" stop; rm -f "$running" ;;
  status) if [ -e "$running" ]; then echo running; else echo stopped; fi ;;
esac
exit 0
"""
