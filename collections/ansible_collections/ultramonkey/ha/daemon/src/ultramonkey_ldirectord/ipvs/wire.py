"""Messages to and from the kernel's IPVS as bytes. Pure.

Written by hand rather than with a library's message classes: a thousand servers are encoded in a few
milliseconds instead of a fifth of a second, which is most of what a takeover may take; and the families,
prefix lengths that libraries lack are a line each. Numbers are those of linux/ip_vs.h; all are in the host's
byte order, but for ports and addresses.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from ultramonkey_heartbeat.net.generic import (
    ACKNOWLEDGE,
    DUMP,
    REQUEST,
    Message,
    attribute,
    attributes,
    message,
    nested,
    number,
    u16,
    u32,
)

from ..config.model import Forward, ServiceKey
from ..core.changes import Change, Verb
from ..core.table import FLAGS, Connections, Server, ServerKey, Service

_NEW_SERVICE, _SET_SERVICE, _DEL_SERVICE, _GET_SERVICE = 1, 2, 3, 4
_NEW_DEST, _SET_DEST, _DEL_DEST, _GET_DEST = 5, 6, 7, 8
_SET_CONFIG, _GET_CONFIG = 12, 13
_CMD_SERVICE, _CMD_DEST = 1, 2
_TIMEOUTS = (4, 5, 6)
_SVC_AF, _SVC_PROTOCOL, _SVC_ADDR, _SVC_PORT, _SVC_MARK = 1, 2, 3, 4, 5
_SVC_SCHEDULER, _SVC_FLAGS, _SVC_TIMEOUT, _SVC_NETMASK = 6, 7, 8, 9
_DEST_ADDR, _DEST_PORT, _DEST_METHOD, _DEST_WEIGHT, _DEST_UPPER, _DEST_LOWER = 1, 2, 3, 4, 5, 6
_DEST_ACTIVE, _DEST_INACTIVE, _DEST_AF = 7, 8, 11

_AF = {4: 2, 6: 10}
_VERSIONS = {2: 4, 10: 6}
_PROTOCOLS = {"tcp": 6, "udp": 17}
_PROTOCOL_NAMES = {value: name for name, value in _PROTOCOLS.items()}
_METHODS = {Forward.MASQ: 0, Forward.IPIP: 2, Forward.GATE: 3}
# 1 is the kernel's own word for an address of its own.
_METHOD_NAMES = {value: method for method, value in _METHODS.items()}
_VERBS = {
    Verb.ADD_SERVICE: _NEW_SERVICE,
    Verb.EDIT_SERVICE: _SET_SERVICE,
    Verb.REMOVE_SERVICE: _DEL_SERVICE,
    Verb.ADD_SERVER: _NEW_DEST,
    Verb.EDIT_SERVER: _SET_DEST,
    Verb.REMOVE_SERVER: _DEL_DEST,
}
_ALL_FLAGS = 0xFFFFFFFF


# --- to the kernel ------------------------------------------------------------------------------------------


def services_request(family: int, sequence: int) -> bytes:
    """Ask for all services."""
    return message(family, REQUEST | DUMP, sequence, _GET_SERVICE, b"")


def servers_request(family: int, sequence: int, key: ServiceKey) -> bytes:
    """Ask for all servers of a service."""
    return message(family, REQUEST | DUMP, sequence, _GET_DEST, nested(_CMD_SERVICE, _identity(key)))


def change_request(family: int, sequence: int, change: Change) -> bytes:
    """Ask for a change."""
    service = _identity(change.key)
    if change.service is not None:
        service += _settings(change.service)
    body = nested(_CMD_SERVICE, service)
    if change.server_key is not None:
        body += nested(_CMD_DEST, _dest(change.server_key, change.server))
    return message(family, REQUEST | ACKNOWLEDGE, sequence, _VERBS[change.verb], body)


def _packed(text: str) -> bytes:
    """An address as bytes: 4 or 16 of them. Addresses of the model are in canonical spelling."""
    if ":" in text:
        return ipaddress.IPv6Address(text).packed
    return bytes(map(int, text.split(".")))


# The services of a takeover are named once for each of their servers.
@lru_cache(maxsize=256)
def _identity(key: ServiceKey) -> bytes:
    family = attribute(_SVC_AF, u16(_AF[key.version]))
    if not key.protocol:
        return family + attribute(_SVC_MARK, u32(key.mark))
    return (
        family
        + attribute(_SVC_PROTOCOL, u16(_PROTOCOLS[key.protocol]))
        + attribute(_SVC_ADDR, _packed(key.address).ljust(16, b"\0"))
        + attribute(_SVC_PORT, key.port.to_bytes(2, "big"))
    )


def _settings(service: Service) -> bytes:
    # IPv6 has a prefix length where IPv4 has a mask.
    mask = service.netmask
    netmask = u32(int(mask)) if mask.isdigit() else ipaddress.IPv4Address(mask).packed
    return (
        attribute(_SVC_SCHEDULER, service.scheduler.encode() + b"\0")
        # All flags are meant: one that is not set is to be cleared.
        + attribute(_SVC_FLAGS, u32(service.flags) + u32(_ALL_FLAGS))
        + attribute(_SVC_TIMEOUT, u32(service.persistent_s))
        + attribute(_SVC_NETMASK, netmask)
    )


def _dest(key: ServerKey, server: Server | None) -> bytes:
    packed = _packed(key.address)
    body = attribute(_DEST_ADDR, packed.ljust(16, b"\0"))
    body += attribute(_DEST_PORT, key.port.to_bytes(2, "big"))
    body += attribute(_DEST_AF, u16(_AF[4 if len(packed) == 4 else 6]))  # noqa: PLR2004 - bytes of IPv4
    if server is None:
        return body
    return (
        body
        + attribute(_DEST_METHOD, u32(_METHODS[server.forward or Forward.GATE]))
        + attribute(_DEST_WEIGHT, u32(server.weight))
        + attribute(_DEST_UPPER, u32(server.upper))
        + attribute(_DEST_LOWER, u32(server.lower))
    )


def timeouts_request(family: int, sequence: int, timeouts_s: Sequence[int] = ()) -> bytes:
    """Ask for the timeouts of connections (TCP, TCP being closed, UDP), or set those that are not 0."""
    flags = REQUEST | ACKNOWLEDGE
    if not timeouts_s:
        return message(family, flags, sequence, _GET_CONFIG, b"")
    body = b"".join(attribute(kind, u32(value)) for kind, value in zip(_TIMEOUTS, timeouts_s))
    return message(family, flags, sequence, _SET_CONFIG, body)


# --- from the kernel ----------------------------------------------------------------------------------------


def read_service(answer: Message) -> tuple[ServiceKey, Service] | None:
    """A service of a dump; None for what we have no words for (SCTP)."""
    a = attributes(answer.attributes.get(_CMD_SERVICE, b""))
    version = _VERSIONS.get(number(a.get(_SVC_AF)))
    if version is None:
        return None
    flags = number(a.get(_SVC_FLAGS, b"")[:4]) & FLAGS
    netmask = a.get(_SVC_NETMASK, b"\xff" * 4)
    mask = str(ipaddress.IPv4Address(netmask[:4])) if version == 4 else str(number(netmask))  # noqa: PLR2004
    scheduler = a.get(_SVC_SCHEDULER, b"").rstrip(b"\0").decode("ascii", "replace")
    service = Service(scheduler, flags, number(a.get(_SVC_TIMEOUT)), mask)
    mark = number(a.get(_SVC_MARK))
    if mark:
        return ServiceKey(version, mark=mark), service
    protocol = _PROTOCOL_NAMES.get(number(a.get(_SVC_PROTOCOL)))
    if protocol is None:
        return None
    address = _address_text(a.get(_SVC_ADDR, b""), version)
    return ServiceKey(version, protocol, address, _port(a.get(_SVC_PORT))), service


def read_server(answer: Message, version: int) -> tuple[ServerKey, Server, Connections] | None:
    """A server of a dump; `version` is that of its service, for kernels that do not tell the server's own."""
    a = attributes(answer.attributes.get(_CMD_DEST, b""))
    if _DEST_ADDR not in a:
        return None
    version = _VERSIONS.get(number(a.get(_DEST_AF)), version)
    server = Server(
        _METHOD_NAMES.get(number(a.get(_DEST_METHOD))),
        number(a.get(_DEST_WEIGHT)),
        number(a.get(_DEST_LOWER)),
        number(a.get(_DEST_UPPER)),
    )
    connections = Connections(number(a.get(_DEST_ACTIVE)), number(a.get(_DEST_INACTIVE)))
    return ServerKey(_address_text(a[_DEST_ADDR], version), _port(a.get(_DEST_PORT))), server, connections


def read_timeouts(answer: Message) -> tuple[int, ...]:
    """The timeouts in force, in seconds."""
    found = answer.attributes
    return tuple(number(found.get(kind)) for kind in _TIMEOUTS)


def _port(value: bytes | None) -> int:
    return int.from_bytes((value or b"")[:2], "big")


def _address_text(value: bytes, version: int) -> str:
    if version == 4:  # noqa: PLR2004 - IPv4
        return str(ipaddress.IPv4Address(value[:4].ljust(4, b"\0")))
    return str(ipaddress.IPv6Address(value[:16].ljust(16, b"\0")))
