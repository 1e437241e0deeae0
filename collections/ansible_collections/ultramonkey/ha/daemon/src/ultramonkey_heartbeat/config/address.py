"""The argument of the address scripts: `ADDRESS[/BITS[/IFACE[:LABEL]][/BROADCAST]]`.

The order is that of 3.0.6: the second part is always the prefix length (or a dotted mask), the third is an
interface unless it begins with a digit, which makes it the broadcast address. Empty parts do not count, so
`192.0.2.1/24/eth0/` is fine.
"""

from __future__ import annotations

import ipaddress
import re

from .model import Address, Resource
from .problems import shown
from .values import INTERFACE_LENGTH_MAX, BadValueError, IpAddress, integer, read_interface, read_ip

# Scripts that the daemon knows as addresses, and the IP versions each takes.
ADDRESS_SCRIPTS = {"IPaddr": (4,), "IPaddr2": (4, 6), "IPv6addr": (6,)}
_FORM = "write ADDRESS/BITS/INTERFACE, as in 192.0.2.10/24/eth0"
_PARTS_MAX = 4
_LABEL = re.compile(r"[A-Za-z0-9_.-]+\Z")


def parse_address(argument: str) -> Address:
    """The address that the argument names, in canonical spelling.

    Raises BadValueError, which names the word at fault.
    """
    head, *rest = argument.split("/")
    ip = _service_address(head)
    parts = [part for part in rest if part]
    if len(parts) >= _PARTS_MAX:
        raise BadValueError(argument, f"{shown(argument)} has more parts than an address can have", _FORM)
    prefix_length = _prefix_length(parts.pop(0), ip) if parts else None
    interface, label = _interface(parts.pop(0)) if parts and not parts[0][0].isdigit() else (None, None)
    broadcast = _broadcast(parts.pop(0), ip) if parts else None
    if parts:
        raise BadValueError(parts[0], f"{shown(parts[0])} stands after the broadcast address", _FORM)
    return Address(str(ip), prefix_length, interface, label, broadcast)


def address_of(resource: Resource) -> Address | None:
    """The address that a resource brings up, or None when its script is not one of ours.

    Raises BadValueError for an argument that is no address, which cannot happen once a configuration has
    been checked.
    """
    versions = ADDRESS_SCRIPTS.get(resource.script)
    if versions is None:
        return None
    if len(resource.arguments) != 1:
        raise BadValueError(
            resource.text,
            f"{shown(resource.text)} needs exactly one argument",
            f"write {resource.script}::192.0.2.10/24/eth0"
            if resource.script != "IPv6addr"
            else "write IPv6addr::2001:db8::10/64/eth0",
        )
    address = parse_address(resource.arguments[0])
    version = ipaddress.ip_address(address.address).version
    if version not in versions:
        raise BadValueError(
            resource.text,
            f"{resource.script} does not take the IPv{version} address {address.address}",
            "use IPv6addr or IPaddr2" if version == 6 else "use IPaddr2",  # noqa: PLR2004 - it is the version
        )
    return address


def odd_broadcast(address: Address) -> str:
    """The broadcast address that the prefix gives, when the one written is another; else an empty string."""
    if address.broadcast is None or address.prefix_length is None:
        return ""
    network = ipaddress.ip_network(f"{address.address}/{address.prefix_length}", strict=False)
    usual = str(network.broadcast_address)
    return "" if usual == address.broadcast else usual


def no_host(address: Address) -> str:
    """What an address is that no machine can have in its network, or an empty string."""
    bits = ipaddress.ip_address(address.address).max_prefixlen
    # Networks of two addresses or one have no others.
    if address.prefix_length is None or ":" in address.address or address.prefix_length > bits - 2:
        return ""
    network = ipaddress.ip_network(f"{address.address}/{address.prefix_length}", strict=False)
    special = {
        network.network_address: "the network itself",
        network.broadcast_address: "its broadcast address",
    }
    return special.get(ipaddress.ip_address(address.address), "")


def _service_address(word: str) -> IpAddress:
    if not word:
        raise BadValueError(word, "the address is missing", _FORM)
    ip = read_ip(word)
    if ip.is_multicast or ip.is_unspecified or str(ip) == "255.255.255.255":
        raise BadValueError(word, f"{shown(word)} cannot be the address of a service", _FORM)
    return ip


def _prefix_length(word: str, ip: IpAddress) -> int:
    if "." in word and ip.version == 4:  # noqa: PLR2004 - it is the version
        return _mask_bits(word)
    try:
        return integer(1, ip.max_prefixlen)(word)
    except BadValueError:
        raise BadValueError(
            word,
            f"{shown(word)} stands where the prefix length belongs, which is 1 to {ip.max_prefixlen}",
            _FORM,
        ) from None


def _mask_bits(word: str) -> int:
    try:
        mask = int(ipaddress.IPv4Address(word))
    except ValueError:
        mask = 0
    ones = bin(mask).count("1")
    if not ones or mask != (0xFFFFFFFF << (32 - ones)) & 0xFFFFFFFF:
        raise BadValueError(word, f"{shown(word)} is not a netmask", "write a prefix length such as 24")
    return ones


def _interface(word: str) -> tuple[str, str | None]:
    name, colon, label = word.partition(":")
    interface = read_interface(name)
    if colon and (not _LABEL.match(label) or len(word) > INTERFACE_LENGTH_MAX):
        raise BadValueError(
            word,
            f"{shown(word)} is not a label",
            f"write INTERFACE:LABEL with at most {INTERFACE_LENGTH_MAX} characters, as in eth0:1",
        )
    return interface, label or None


def _broadcast(word: str, ip: IpAddress) -> str:
    parts: list[str] = word.split(".")
    if ip.version == 6 or len(parts) != 4:  # noqa: PLR2004 - a version, and the parts of a dotted quad
        raise BadValueError(word, f"{shown(word)} is not a broadcast address", _FORM)
    return str(read_ip(word))
