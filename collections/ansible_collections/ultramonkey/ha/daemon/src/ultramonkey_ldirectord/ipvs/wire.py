"""Messages to and from the kernel's IPVS as bytes. Pure.

Written by hand rather than with a library's message classes: a thousand servers are encoded in a few
milliseconds instead of a fifth of a second, which is most of what a takeover may take; and the families,
prefix lengths and daemons that libraries lack are a line each. Numbers are those of linux/netlink.h,
linux/genetlink.h and linux/ip_vs.h; all are in the host's byte order, but for ports and addresses.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from ..config.model import Forward, ServiceKey
from ..core.changes import Change, Verb
from ..core.table import FLAGS, Connections, Server, ServerKey, Service

FAMILY_NAME = "IPVS"
GENERIC_CONTROLLER = 16
REQUEST, ACKNOWLEDGE, DUMP = 0x1, 0x4, 0x300
ERROR, DONE = 2, 3

_HEADER = struct.Struct("=IHHII")
_GENERIC = struct.Struct("=BBH")
_ATTRIBUTE = struct.Struct("=HH")
_TYPE_MASK = 0x3FFF
_NESTED = 0x8000
_VERSION = 1

_GET_FAMILY, _FAMILY_ID, _FAMILY_NAME = 3, 1, 2
_NEW_SERVICE, _SET_SERVICE, _DEL_SERVICE, _GET_SERVICE = 1, 2, 3, 4
_NEW_DEST, _SET_DEST, _DEL_DEST, _GET_DEST = 5, 6, 7, 8
_NEW_DAEMON, _DEL_DAEMON, _GET_DAEMON = 9, 10, 11
_CMD_SERVICE, _CMD_DEST, _CMD_DAEMON = 1, 2, 3
_SVC_AF, _SVC_PROTOCOL, _SVC_ADDR, _SVC_PORT, _SVC_MARK = 1, 2, 3, 4, 5
_SVC_SCHEDULER, _SVC_FLAGS, _SVC_TIMEOUT, _SVC_NETMASK = 6, 7, 8, 9
_DEST_ADDR, _DEST_PORT, _DEST_METHOD, _DEST_WEIGHT, _DEST_UPPER, _DEST_LOWER = 1, 2, 3, 4, 5, 6
_DEST_ACTIVE, _DEST_INACTIVE, _DEST_AF = 7, 8, 11
_DAEMON_STATE, _DAEMON_INTERFACE, _DAEMON_ID = 1, 2, 3

_AF = {4: 2, 6: 10}
_VERSIONS = {2: 4, 10: 6}
_PROTOCOLS = {"tcp": 6, "udp": 17}
_PROTOCOL_NAMES = {number: name for name, number in _PROTOCOLS.items()}
_METHODS = {Forward.MASQ: 0, Forward.IPIP: 2, Forward.GATE: 3}
# 1 is the kernel's own word for an address of its own.
_METHOD_NAMES = {number: method for method, number in _METHODS.items()}
_VERBS = {
    Verb.ADD_SERVICE: _NEW_SERVICE,
    Verb.EDIT_SERVICE: _SET_SERVICE,
    Verb.REMOVE_SERVICE: _DEL_SERVICE,
    Verb.ADD_SERVER: _NEW_DEST,
    Verb.EDIT_SERVER: _SET_DEST,
    Verb.REMOVE_SERVER: _DEL_DEST,
}
_ALL_FLAGS = 0xFFFFFFFF


@dataclass(frozen=True)
class SyncDaemon:
    """A daemon of the kernel that copies connections between directors. `state` is master or backup."""

    state: str
    interface: str
    sync_id: int = 0


SYNC_STATES = {"master": 1, "backup": 2}


@dataclass(frozen=True)
class Message:
    """One message from the kernel. `error` is an errno, or 0 for an acknowledgement, in an ERROR message."""

    kind: int
    sequence: int
    error: int
    body: bytes


# --- to the kernel ------------------------------------------------------------------------------------------


def family_request(sequence: int) -> bytes:
    """Ask for the number of the IPVS family."""
    name = _attribute(_FAMILY_NAME, FAMILY_NAME.encode() + b"\0")
    return _message(GENERIC_CONTROLLER, REQUEST | ACKNOWLEDGE, sequence, _GET_FAMILY, name)


def services_request(family: int, sequence: int) -> bytes:
    """Ask for all services."""
    return _message(family, REQUEST | DUMP, sequence, _GET_SERVICE, b"")


def servers_request(family: int, sequence: int, key: ServiceKey) -> bytes:
    """Ask for all servers of a service."""
    return _message(family, REQUEST | DUMP, sequence, _GET_DEST, _nested(_CMD_SERVICE, _identity(key)))


def change_request(family: int, sequence: int, change: Change) -> bytes:
    """Ask for a change."""
    service = _identity(change.key)
    if change.service is not None:
        service += _settings(change.service)
    body = _nested(_CMD_SERVICE, service)
    if change.server_key is not None:
        body += _nested(_CMD_DEST, _dest(change.server_key, change.server))
    return _message(family, REQUEST | ACKNOWLEDGE, sequence, _VERBS[change.verb], body)


def daemons_request(family: int, sequence: int) -> bytes:
    """Ask which synchronization daemons run."""
    return _message(family, REQUEST | DUMP, sequence, _GET_DAEMON, b"")


def daemon_request(family: int, sequence: int, daemon: SyncDaemon, *, start: bool) -> bytes:
    """Ask for a synchronization daemon to start, or to stop."""
    body = _attribute(_DAEMON_STATE, _u32(SYNC_STATES[daemon.state]))
    if start:
        body += _attribute(_DAEMON_INTERFACE, daemon.interface.encode() + b"\0")
        body += _attribute(_DAEMON_ID, _u32(daemon.sync_id))
    command = _NEW_DAEMON if start else _DEL_DAEMON
    return _message(family, REQUEST | ACKNOWLEDGE, sequence, command, _nested(_CMD_DAEMON, body))


def _message(kind: int, flags: int, sequence: int, command: int, body: bytes) -> bytes:
    length = _HEADER.size + _GENERIC.size + len(body)
    return _HEADER.pack(length, kind, flags, sequence, 0) + _GENERIC.pack(command, _VERSION, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + b"\0" * (-len(value) % 4)


def _nested(kind: int, attributes: bytes) -> bytes:
    return _attribute(kind | _NESTED, attributes)


def _u16(value: int) -> bytes:
    return struct.pack("=H", value)


def _u32(value: int) -> bytes:
    return struct.pack("=I", value)


def _address(text: str) -> bytes:
    return ipaddress.ip_address(text).packed.ljust(16, b"\0")


def _identity(key: ServiceKey) -> bytes:
    family = _attribute(_SVC_AF, _u16(_AF[key.version]))
    if not key.protocol:
        return family + _attribute(_SVC_MARK, _u32(key.mark))
    return (
        family
        + _attribute(_SVC_PROTOCOL, _u16(_PROTOCOLS[key.protocol]))
        + _attribute(_SVC_ADDR, _address(key.address))
        + _attribute(_SVC_PORT, key.port.to_bytes(2, "big"))
    )


def _settings(service: Service) -> bytes:
    # IPv6 has a prefix length where IPv4 has a mask.
    mask = service.netmask
    netmask = _u32(int(mask)) if mask.isdigit() else ipaddress.IPv4Address(mask).packed
    return (
        _attribute(_SVC_SCHEDULER, service.scheduler.encode() + b"\0")
        # All flags are meant: one that is not set is to be cleared.
        + _attribute(_SVC_FLAGS, _u32(service.flags) + _u32(_ALL_FLAGS))
        + _attribute(_SVC_TIMEOUT, _u32(service.persistent_s))
        + _attribute(_SVC_NETMASK, netmask)
    )


def _dest(key: ServerKey, server: Server | None) -> bytes:
    packed = ipaddress.ip_address(key.address)
    body = _attribute(_DEST_ADDR, packed.packed.ljust(16, b"\0"))
    body += _attribute(_DEST_PORT, key.port.to_bytes(2, "big"))
    body += _attribute(_DEST_AF, _u16(_AF[packed.version]))
    if server is None:
        return body
    return (
        body
        + _attribute(_DEST_METHOD, _u32(_METHODS[server.forward or Forward.GATE]))
        + _attribute(_DEST_WEIGHT, _u32(server.weight))
        + _attribute(_DEST_UPPER, _u32(server.upper))
        + _attribute(_DEST_LOWER, _u32(server.lower))
    )


# --- from the kernel ----------------------------------------------------------------------------------------


def messages(data: bytes) -> Iterator[Message]:
    """The messages of one datagram. What is cut short is left out."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, _flags, sequence, _port = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size or offset + length > len(data):
            return
        body = data[offset + _HEADER.size : offset + length]
        error = 0
        if kind == ERROR or (kind == DONE and len(body) >= 4):  # noqa: PLR2004 - an errno
            error = -int(struct.unpack_from("=i", body)[0])
        yield Message(kind, sequence, error, body)
        offset += (length + 3) & ~3


def family_number(message: Message) -> int | None:
    """The number of the family in the answer of the controller."""
    number = _attributes(message.body[_GENERIC.size :]).get(_FAMILY_ID)
    return None if number is None else int(struct.unpack("=H", number[:2])[0])


def read_service(message: Message) -> tuple[ServiceKey, Service] | None:
    """A service of a dump; None for what we have no words for (SCTP)."""
    a = _attributes(_inner(message, _CMD_SERVICE))
    version = _VERSIONS.get(_number(a.get(_SVC_AF)))
    if version is None:
        return None
    flags = _number(a.get(_SVC_FLAGS, b"")[:4]) & FLAGS
    netmask = a.get(_SVC_NETMASK, b"\xff" * 4)
    mask = str(ipaddress.IPv4Address(netmask[:4])) if version == 4 else str(_number(netmask))  # noqa: PLR2004
    scheduler = a.get(_SVC_SCHEDULER, b"").rstrip(b"\0").decode("ascii", "replace")
    service = Service(scheduler, flags, _number(a.get(_SVC_TIMEOUT)), mask)
    mark = _number(a.get(_SVC_MARK))
    if mark:
        return ServiceKey(version, mark=mark), service
    protocol = _PROTOCOL_NAMES.get(_number(a.get(_SVC_PROTOCOL)))
    if protocol is None:
        return None
    address = _address_text(a.get(_SVC_ADDR, b""), version)
    return ServiceKey(version, protocol, address, _port(a.get(_SVC_PORT))), service


def read_server(message: Message, version: int) -> tuple[ServerKey, Server, Connections] | None:
    """A server of a dump; `version` is that of its service, for kernels that do not tell the server's own."""
    a = _attributes(_inner(message, _CMD_DEST))
    if _DEST_ADDR not in a:
        return None
    version = _VERSIONS.get(_number(a.get(_DEST_AF)), version)
    server = Server(
        _METHOD_NAMES.get(_number(a.get(_DEST_METHOD))),
        _number(a.get(_DEST_WEIGHT)),
        _number(a.get(_DEST_LOWER)),
        _number(a.get(_DEST_UPPER)),
    )
    connections = Connections(_number(a.get(_DEST_ACTIVE)), _number(a.get(_DEST_INACTIVE)))
    return ServerKey(_address_text(a[_DEST_ADDR], version), _port(a.get(_DEST_PORT))), server, connections


def read_daemon(message: Message) -> SyncDaemon | None:
    """A synchronization daemon of a dump."""
    a = _attributes(_inner(message, _CMD_DAEMON))
    names = {number: name for name, number in SYNC_STATES.items()}
    state = names.get(_number(a.get(_DAEMON_STATE)))
    if state is None:
        return None
    interface = a.get(_DAEMON_INTERFACE, b"").rstrip(b"\0").decode("utf-8", "replace")
    return SyncDaemon(state, interface, _number(a.get(_DAEMON_ID)))


def _inner(message: Message, kind: int) -> bytes:
    return _attributes(message.body[_GENERIC.size :]).get(kind, b"")


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    offset = 0
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size or offset + length > len(data):
            break
        found[kind & _TYPE_MASK] = data[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3
    return found


def _number(value: bytes | None) -> int:
    """A number in the host's byte order, of whatever width; 0 when there is none."""
    if not value:
        return 0
    return int.from_bytes(value, "little" if struct.pack("=H", 1)[0] else "big")


def _port(value: bytes | None) -> int:
    return int.from_bytes((value or b"")[:2], "big")


def _address_text(value: bytes, version: int) -> str:
    if version == 4:  # noqa: PLR2004 - IPv4
        return str(ipaddress.IPv4Address(value[:4].ljust(4, b"\0")))
    return str(ipaddress.IPv6Address(value[:16].ljust(16, b"\0")))
