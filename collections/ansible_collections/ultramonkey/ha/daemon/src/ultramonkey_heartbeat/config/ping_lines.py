"""Ping nodes: machines outside the cluster by which a node sees whether it is cut off; their directives."""

from __future__ import annotations

import ipaddress

from .directive import Directive, Shape
from .model import PingNode
from .problems import shown
from .values import BadValueError, is_host_name, looks_like_address, read_host, read_time_ms, written_time

Words = tuple[str, ...]

_IPV6 = 6


def read_ping(words: Words) -> PingNode:
    """`ping HOST`: an address of either family, or a name."""
    return PingNode("ping", words[0], (read_host(words[0]),))


def read_ping6(words: Words) -> PingNode:
    """`ping6 HOST`: an IPv6 address, or a name that has one."""
    host = read_host(words[0])
    if looks_like_address(host) and ipaddress.ip_address(host).version != _IPV6:
        raise BadValueError(host, f"{shown(host)} is not an IPv6 address", "use ping for IPv4")
    return PingNode("ping6", words[0], (host,))


def read_ping_group(words: Words) -> PingNode:
    """`ping_group NAME HOST...`."""
    name, hosts = words[0], words[1:]
    # A label like the name of a host.
    if not is_host_name(name):
        raise BadValueError(
            name, f"{shown(name)} is not the name of a ping group", "write a word of letters and digits"
        )
    if not hosts:
        raise BadValueError(
            name, f"the ping group {shown(name)} has no members", "write ping_group NAME HOST HOST..."
        )
    return PingNode("ping_group", name, tuple(dict.fromkeys(read_host(host) for host in hosts)))


def written_ping(node: PingNode) -> str:
    """The line that reads back as this ping node."""
    return " ".join(("ping_group", node.name, *node.hosts) if node.group else (node.directive, node.name))


def _without_a_name(value: object) -> tuple[str, str] | None:
    if not isinstance(value, PingNode) or not looks_like_address(value.name):
        return None
    return (
        f"has {value.name} as its name, so that address is not asked",
        "put a name before it, as in ping_group gateways 192.0.2.1 192.0.2.2",
    )


PINGS: tuple[Directive, ...] = (
    Directive(
        "deadping",
        "TIME",
        "how long a ping node does not answer before it is lost",
        lambda words: read_time_ms(words[0]),
        default="deadtime",
        unit="seconds, or with ms or us",
        range="more than twice keepalive",
        write=lambda ha: [f"deadping {written_time(ha.deadping_ms)}"] if ha.deadping_ms is not None else [],
    ),
    Directive(
        "ping",
        "HOST...",
        "machines outside the cluster, such as the gateway, by which a node sees whether it is cut off: "
        "an echo request goes to each every keepalive, and a node that sees fewer of them than another one "
        "hands its groups to it",
        read_ping,
        Shape.MANY,
        # All ping nodes are written here, in their own order, which status and cl_status keep.
        write=lambda ha: [written_ping(node) for node in ha.pings],
    ),
    Directive("ping6", "HOST...", "as ping, over IPv6", read_ping6, Shape.MANY),
    Directive(
        "ping_group",
        "NAME HOST...",
        "several hosts that count as one ping node, which is seen as long as any of them answers",
        read_ping_group,
        Shape.LINE,
        doubt=_without_a_name,
    ),
)
