"""The directives that name a medium: their words to a link of the model, and back.

`udpport` and `baud` may stand anywhere in the file, so a link is first read with `NOT_SET` in their place
and completed by `with_port_and_baud` when the whole file is known.
"""

from __future__ import annotations

from dataclasses import replace

from .model import BroadcastLink, LinkConfig, MulticastLink, PppLink, SerialLink, UnicastLink
from .problems import shown
from .values import (
    BadValueError,
    integer,
    read_boolean,
    read_host,
    read_interface,
    read_ip,
    read_path,
    read_port,
)

# 694 is the port that IANA assigned to ha-cluster.
DEFAULT_PORT = 694
DEFAULT_BAUD = 19200
BAUDS = (9600, 19200, 38400, 57600, 115200, 230400, 460800)
NOT_SET = 0

Words = tuple[str, ...]


def _read_ttl(word: str) -> int:
    if word == "0":
        raise BadValueError(
            word, "with a TTL of 0 no packet leaves this machine", "write 1, or more across routers"
        )
    return integer(1, 255)(word)


def read_bcast(words: Words) -> BroadcastLink:
    """`bcast INTERFACE`."""
    return BroadcastLink(read_interface(words[0]), NOT_SET)


def read_ucast(words: Words) -> UnicastLink:
    """`ucast INTERFACE ADDRESS`, of either family, or a name that is looked up when the link opens."""
    _expect(words, "INTERFACE", "ADDRESS")
    return UnicastLink(read_interface(words[0]), read_host(words[1]), NOT_SET)


def read_ucast6(words: Words) -> UnicastLink:
    """`ucast6 INTERFACE ADDRESS`."""
    link = read_ucast(words)
    if ":" not in link.address:
        raise BadValueError(words[1], f"{shown(words[1])} is not an IPv6 address", "use ucast for IPv4")
    return link


def read_mcast(words: Words) -> MulticastLink:
    """`mcast INTERFACE GROUP PORT TTL LOOP`."""
    return _multicast(words, 4, "a group from 224.0.0.0 to 239.255.255.255, or mcast6 for IPv6")


def read_mcast6(words: Words) -> MulticastLink:
    """`mcast6 INTERFACE GROUP PORT HOPS LOOP`."""
    return _multicast(words, 6, "a group that begins with ff, such as ff02::694, or mcast for IPv4")


def read_serial(words: Words) -> SerialLink:
    """`serial DEVICE`."""
    return SerialLink(read_path(words[0]), NOT_SET)


def read_ppp_udp(words: Words) -> PppLink:
    """`ppp-udp ADDRESS DEVICE PEER [OPTION...]`. The options are pppd's own, and it judges them."""
    _expect(words[:3], "ADDRESS", "DEVICE", "PEER")
    local, remote = read_ip(words[0]), read_ip(words[2])
    for address in (local, remote):
        if address.version != 4 or address.is_multicast:  # noqa: PLR2004 - the protocol's version
            raise BadValueError(
                str(address),
                f"{address} is not an IPv4 address of a host",
                "PPP is given IPv4 addresses here",
            )
    if local == remote:
        raise BadValueError(
            words[2],
            f"both ends have the address {remote}",
            "write this node's address first, then the peer's",
        )
    return PppLink(str(local), read_path(words[1]), str(remote), NOT_SET, NOT_SET, words[3:])


def read_baud(words: Words) -> int:
    """A speed that serial lines have."""
    if words[0] not in map(str, BAUDS):
        raise BadValueError(
            words[0], f"{shown(words[0])} is not a baud rate", f"write one of {', '.join(map(str, BAUDS))}"
        )
    return int(words[0])


def with_port_and_baud(link: LinkConfig, port: int, baud: int) -> LinkConfig:
    """The link with what `udpport` and `baud` say. A multicast link has a port of its own."""
    if isinstance(link, (BroadcastLink, UnicastLink)):
        return replace(link, port=port)
    if isinstance(link, SerialLink):
        return replace(link, baud=baud)
    if isinstance(link, PppLink):
        return replace(link, baud=baud, port=port)
    return link


def written_link(link: LinkConfig) -> str:
    """The line that names this link; its port or speed is said by `udpport` and `baud`."""
    if isinstance(link, BroadcastLink):
        return f"bcast {link.interface}"
    if isinstance(link, UnicastLink):
        return f"ucast{_family(link.address)} {link.interface} {link.address}"
    if isinstance(link, SerialLink):
        return f"serial {link.device}"
    if isinstance(link, PppLink):
        return " ".join(("ppp-udp", link.address, link.device, link.peer, *link.options))
    group = f"mcast{_family(link.group)} {link.interface} {link.group}"
    return f"{group} {link.port} {link.ttl} {1 if link.loop else 0}"


def _family(address: str) -> str:
    return "6" if ":" in address else ""


def _expect(words: Words, *names: str) -> None:
    if len(words) < len(names):
        missing = ", ".join(names[len(words) :])
        raise BadValueError(words[-1], f"{missing} is missing", f"write {' '.join(names)}")
    if len(words) > len(names):
        extra = words[len(names)]
        raise BadValueError(extra, f"{shown(extra)} is one word too many", f"write {' '.join(names)}")


def _multicast(words: Words, version: int, remedy: str) -> MulticastLink:
    _expect(words, "INTERFACE", "GROUP", "PORT", "TTL", "LOOP")
    group = read_ip(words[1])
    if not group.is_multicast or group.version != version:
        raise BadValueError(
            words[1], f"{shown(words[1])} is not an IPv{version} multicast group", f"write {remedy}"
        )
    return MulticastLink(
        interface=read_interface(words[0]),
        group=str(group),
        port=read_port(words[2]),
        ttl=_read_ttl(words[3]),
        loop=read_boolean(words[4]),
    )
