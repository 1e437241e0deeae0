"""Reading and changing the kernel's addresses over rtnetlink, from an event loop.

All calls run one after the other in a single worker thread that owns one netlink socket: the kernel
may hold its configuration lock for long (a driver that resets, a thousand other changes), and pyroute2
0.9 refuses to work in a thread whose event loop runs. Interfaces are looked up by name for every call,
which is one cheap system call and never out of date.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, TypeVar

from ..config.model import Address
from . import pyroute
from .types import Interface, NetError, ResolvedAddress

_IPRoute, _NetlinkError = pyroute.load()

_T = TypeVar("_T")

_IFF_UP = 0x1
_IFF_RUNNING = 0x40
# No duplicate address detection: the address must work at once, and its last holder may be half dead.
_IFA_F_NODAD = 0x02
_FOREVER = 0xFFFFFFFF
# Answer a route request with the routing table's entry, not with the path to the one destination.
_RTM_F_FIB_MATCH = 0x2000
_RTN_UNICAST = 1
# The kernel's limit for labels and interface names, without the closing zero byte.
_MAX_LABEL = 15
# Networks of /31 and /32 have no broadcast address.
_LONGEST_WITH_BROADCAST = 30
_LOOPBACK = "lo"
# The code of pyroute2's NetlinkDumpInterrupted, and how often a table may change while we read it.
_DUMP_INTERRUPTED = -1
_DUMP_ATTEMPTS = 5

_REMEDIES: dict[int, tuple[str, str]] = {
    errno.EPERM: ("not permitted", "run as root or with CAP_NET_ADMIN"),
    errno.EACCES: ("not permitted", "check that IPv6 is not disabled on the interface"),
    errno.ENODEV: ("no such interface", "check the interface's name with `ip link`"),
    errno.ENOBUFS: ("the kernel has no buffer left", "try again"),
    errno.EINVAL: ("invalid address", "check the address and its prefix length"),
}


class Network:
    """The kernel's interfaces and addresses. Every method may raise NetError."""

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="netlink")
        # Touched in the worker thread only.
        self._iproute: Any = None

    async def open(self) -> None:
        """Start the worker and its socket now, so that the first change need not wait for them."""
        await self._call(lambda _iproute: None)

    async def close(self) -> None:
        """Finish the calls under way and release thread and socket. Nothing may be called afterwards."""
        await asyncio.get_running_loop().run_in_executor(self._worker, self._close_socket)
        self._worker.shutdown(wait=False)

    async def interfaces(self) -> list[Interface]:
        """All interfaces, in the kernel's order."""
        return await self._call(_interfaces)

    async def add_address(self, address: ResolvedAddress) -> bool:
        """Put the address on its interface. False when it was there already."""
        return await self._call(lambda iproute: _add(iproute, address))

    async def remove_address(self, address: ResolvedAddress) -> bool:
        """Take the address off its interface. False when it, or the interface, was not there.

        Should somebody have added it with another prefix length, that one is removed.
        """
        return await self._call(lambda iproute: _remove(iproute, address))

    async def has_address(self, address: ResolvedAddress) -> bool:
        """Whether the interface has the address, with whatever prefix length."""
        found = await self.find_address(address.ip, address.interface)
        return bool(found)

    async def find_address(self, ip: str, interface: str | None = None) -> list[ResolvedAddress]:
        """Where the address is now. Without `interface` everywhere but on the loopback interface.

        The real servers of a load balancer carry its address on loopback; that one is not ours.
        """
        return await self._call(lambda iproute: _find(iproute, ip, interface))

    async def resolve(self, address: Address) -> ResolvedAddress:
        """Fill in what the configuration leaves open, from the directly connected route to the address.

        Raises NetError when there is no such route, or no such interface.
        """
        return await self._call(lambda iproute: _resolve(iproute, address))

    async def _call(self, function: Callable[[Any], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, self._with_socket, function)

    def _with_socket(self, function: Callable[[Any], _T]) -> _T:
        try:
            if self._iproute is None:
                self._iproute = _IPRoute()
            return function(self._iproute)
        except _NetlinkError as error:
            raise _net_error(error.code, "netlink") from None
        except NetError:
            raise
        except Exception as error:
            # The socket, or what came over it, is in trouble: the next call gets a new one.
            self._close_socket()
            raise NetError(f"netlink: {error!r}", "the next attempt uses a new socket") from error

    def _close_socket(self) -> None:
        iproute, self._iproute = self._iproute, None
        if iproute is not None:
            iproute.close()


def _interfaces(iproute: Any) -> list[Interface]:
    return [
        Interface(
            name=link.get_attr("IFLA_IFNAME"),
            index=link["index"],
            up=bool(link["flags"] & _IFF_UP),
            carrier=bool(link["flags"] & _IFF_RUNNING),
            mac=link.get_attr("IFLA_ADDRESS") or "",
            mtu=link.get_attr("IFLA_MTU") or 0,
        )
        for link in _dump(iproute.get_links)
    ]


def _add(iproute: Any, address: ResolvedAddress) -> bool:
    request = _request(address, _index(address.interface))
    if address.is_ipv6:
        request["flags"] = _IFA_F_NODAD
        # Never the source of what this host itself begins: it may leave at any time, and a real server that
        # carries it on loopback would not answer to it. (The versions of pyroute2 read one or the other.)
        request.update(preferred=0, valid=_FOREVER, cacheinfo={"preferred": 0, "valid": _FOREVER})
    if address.label is not None:
        request["label"] = address.label
    if address.broadcast is not None:
        request["broadcast"] = address.broadcast
    try:
        iproute.addr("add", **request)
    except _NetlinkError as error:
        if error.code == errno.EEXIST:
            return False
        raise _net_error(error.code, f"cannot add {_text(address)}") from None
    return True


def _remove(iproute: Any, address: ResolvedAddress) -> bool:
    try:
        index = socket.if_nametoindex(address.interface)
    except OSError:
        return False
    if _delete(iproute, address, index):
        return True
    removed = False
    for other in _find(iproute, address.ip, address.interface):
        removed = _delete(iproute, other, index) or removed
    return removed


def _delete(iproute: Any, address: ResolvedAddress, index: int) -> bool:
    try:
        iproute.addr("del", **_request(address, index))
    except _NetlinkError as error:
        if error.code in (errno.EADDRNOTAVAIL, errno.ENODEV):
            return False
        raise _net_error(error.code, f"cannot remove {_text(address)}") from None
    return True


def _find(iproute: Any, ip: str, interface: str | None) -> list[ResolvedAddress]:
    wanted = ipaddress.ip_address(ip)
    found = []
    for entry in _dump(iproute.get_addr, family=_family(ip)):
        # IPv4 has the own address in IFA_LOCAL; IFA_ADDRESS is the peer's on point-to-point links.
        local = entry.get_attr("IFA_LOCAL") or entry.get_attr("IFA_ADDRESS")
        if local is None or ipaddress.ip_address(local) != wanted:
            continue
        try:
            name = socket.if_indextoname(entry["index"])
        except OSError:
            continue
        if name == interface or (interface is None and name != _LOOPBACK):
            label = entry.get_attr("IFA_LABEL")
            found.append(
                ResolvedAddress(
                    ip=str(wanted),
                    prefix_length=entry["prefixlen"],
                    interface=name,
                    label=None if label == name else label,
                    broadcast=entry.get_attr("IFA_BROADCAST"),
                )
            )
    return found


def _dump(function: Callable[..., Any], **arguments: Any) -> list[Any]:
    """All entries of a table, read again when it changed in the middle of reading."""
    for _ in range(_DUMP_ATTEMPTS - 1):
        try:
            return list(function(**arguments))
        except _NetlinkError as error:  # noqa: PERF203 - trying again is what this loop is for
            if error.code != _DUMP_INTERRUPTED:
                raise
    return list(function(**arguments))


def _resolve(iproute: Any, address: Address) -> ResolvedAddress:
    ip = ipaddress.ip_address(address.address)
    interface, prefix_length = address.interface, address.prefix_length
    if interface is not None:
        _index(interface)
    if interface is None or prefix_length is None:
        routed_interface, routed_length = _connected_route(iproute, str(ip), interface)
        interface = interface or routed_interface
        prefix_length = routed_length if prefix_length is None else prefix_length
    label = _label(interface, address.label)
    broadcast = address.broadcast
    if broadcast is None and ip.version == 4 and prefix_length <= _LONGEST_WITH_BROADCAST:  # noqa: PLR2004
        network = ipaddress.ip_network((ip, prefix_length), strict=False)
        broadcast = str(network.broadcast_address)
    return ResolvedAddress(str(ip), prefix_length, interface, label, broadcast)


def _connected_route(iproute: Any, ip: str, interface: str | None) -> tuple[str, int]:
    """Interface and prefix length of the directly connected network that the address belongs to."""
    request: dict[str, Any] = {"dst": ip, "family": _family(ip), "flags": _RTM_F_FIB_MATCH}
    if interface is not None:
        request["oif"] = _index(interface)
    try:
        routes = list(iproute.route("get", **request))
    except _NetlinkError as error:
        if error.code not in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EINVAL):
            raise
        routes = []
    for route in routes:
        if route["type"] == _RTN_UNICAST and not route.get_attr("RTA_GATEWAY") and route["dst_len"]:
            name = socket.if_indextoname(route.get_attr("RTA_OIF"))
            # An IPv6 address on loopback has, for a moment, no other route than that of its network there.
            if name != _LOOPBACK or interface == _LOOPBACK:
                return name, route["dst_len"]
    # The route to an address that is up already leads to ourselves; its own entry says the rest. That to the
    # address of a load balancer that stays on loopback does, too: then the networks themselves are asked.
    for there in _find(iproute, ip, interface):
        return there.interface, there.prefix_length
    for name, length in _connected_networks(iproute, ip, interface):
        return name, length
    where = f" over {interface}" if interface else ""
    raise NetError(
        f"{ip}: no directly connected network{where} contains it",
        f"write {ip}/BITS/INTERFACE in haresources, or give an interface an address of that network",
    )


def _connected_networks(iproute: Any, ip: str, interface: str | None) -> list[tuple[str, int]]:
    """Interface and prefix length of the networks that an address belongs to, the narrowest first."""
    wanted = ipaddress.ip_address(ip)
    found = []
    for entry in _dump(iproute.get_addr, family=_family(ip)):
        own = ipaddress.ip_address(entry.get_attr("IFA_LOCAL") or entry.get_attr("IFA_ADDRESS"))
        network = ipaddress.ip_network((own, entry["prefixlen"]), strict=False)
        try:
            name = socket.if_indextoname(entry["index"])
        except OSError:
            continue
        if wanted != own and wanted in network and name != _LOOPBACK and interface in (None, name):
            found.append((name, network.prefixlen))
    return sorted(found, key=lambda each: -each[1])


def _label(interface: str, label: str | None) -> str | None:
    """The kernel's form of a label: it begins with the interface's name."""
    if label is None:
        return None
    whole = label if label.startswith(f"{interface}:") else f"{interface}:{label}"
    if len(whole) > _MAX_LABEL:
        raise NetError(
            f"label {whole!r} is too long", f"use at most {_MAX_LABEL} characters with the interface"
        )
    return whole


def _request(address: ResolvedAddress, index: int) -> dict[str, Any]:
    return {
        "index": index,
        "family": _family(address.ip),
        "address": address.ip,
        "prefixlen": address.prefix_length,
    }


def _index(interface: str) -> int:
    try:
        return socket.if_nametoindex(interface)
    except OSError:
        raise _net_error(errno.ENODEV, interface) from None


def _family(ip: str) -> int:
    return int(socket.AF_INET6 if ":" in ip else socket.AF_INET)


def _text(address: ResolvedAddress) -> str:
    return f"{address.ip}/{address.prefix_length} on {address.interface}"


def _net_error(code: int, subject: str) -> NetError:
    reason, remedy = _REMEDIES.get(code, (errno.errorcode.get(code, str(code)), ""))
    return NetError(f"{subject}: {reason}", remedy)
