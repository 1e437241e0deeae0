"""What is allowed in the files taken together, and is probably not what was meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .address import address_of
from .ha_cf import Entry, Source
from .model import AutoFailback, Group, UnicastLink
from .problems import Problem, Severity, shown
from .respawn_line import is_ipfail
from .values import BadValueError

_PINGS = ("ping", "ping6", "ping_group")


def check_peers(source: Source, groups: Iterable[Group]) -> Iterator[Problem]:
    """A heartbeat sent to a service's address reaches whoever holds it, which may be the sender: an error."""
    addresses = _service_addresses(groups)
    for entry in source.links():
        if isinstance(entry.value, UnicastLink) and entry.value.address in addresses:
            yield Problem(
                source.file,
                entry.line,
                entry.value.address,
                f"{entry.value.address} is the address of a service ({addresses[entry.value.address]}), "
                "not of a peer",
                "write the address that the peer always has",
            )


def check_pings(source: Source, groups: Iterable[Group]) -> Iterator[Problem]:
    """A ping node must be a third machine, and ipfail needs one."""
    addresses = _service_addresses(groups)
    remedy = "ping a machine that is none of these and always there, such as the gateway"
    for entry, host in _ping_hosts(source):
        if host in addresses:
            message = (
                f"{entry.directive.name} {host} is the address of a service ({addresses[host]}): "
                "its holder always reaches it, whatever is cut"
            )
            yield _doubt(source, entry, host, message, remedy)
        elif host.lower() in source.nodes:
            message = (
                f"{entry.directive.name} {shown(host)} is a node of the cluster, which is watched anyway"
            )
            yield _doubt(source, entry, host, message, remedy)
    if any(source.of(name) or name in source.failed for name in _PINGS):
        yield from _check_legacy(source)
        return
    for entry in source.of("respawn"):
        if is_ipfail(entry.value):
            yield _doubt(
                source,
                entry,
                entry.words[1],
                "ipfail compares how many ping nodes each node reaches, and no ping node is given",
                "add a line such as ping and the address of the gateway, or remove this line",
            )


def _check_legacy(source: Source) -> Iterator[Problem]:
    """As with ipfail, which ends at once in legacy mode."""
    first = next((entry for name in _PINGS for entry in source.of(name)), None)
    if first is not None and source.ha is not None and source.ha.auto_failback is AutoFailback.LEGACY:
        message = "with auto_failback legacy ping nodes are only shown: no group moves because of them"
        yield _doubt(source, first, first.word, message, "write auto_failback on or auto_failback off")


def check_node_lines(source: Source) -> Iterator[Problem]:
    """Several nodes in one line are read as they are meant; a name that contains a blank is read so, too."""
    on_line: dict[int, list[Entry]] = {}
    for entry in source.of("node"):
        on_line.setdefault(entry.line, []).append(entry)
    for entries in on_line.values():
        if len(entries) > 1:
            message = f"{len(entries)} nodes are named in one line"
            yield _doubt(source, entries[1], entries[1].word, message, "write a node line for each")


def _service_addresses(groups: Iterable[Group]) -> dict[str, str]:
    """Each address of a service, and where it is given."""
    found: dict[str, str] = {}
    for group in groups:
        for resource in group.resources:
            try:
                address = address_of(resource)
            except BadValueError:
                continue
            if address is not None:
                found.setdefault(address.address, f"haresources:{group.line}")
    return found


def _ping_hosts(source: Source) -> Iterator[tuple[Entry, str]]:
    for name in _PINGS:
        for entry in source.of(name):
            # The first word of a group is its name.
            for host in entry.words[1:] if name == "ping_group" else entry.words:
                yield entry, host


def _doubt(source: Source, entry: Entry, word: str, message: str, remedy: str) -> Problem:
    return Problem(source.file, entry.line, word, message, remedy, Severity.WARNING)
