"""What must hold between the groups of haresources, and of every address in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from . import sync_daemon
from .address import address_of, no_host, odd_broadcast
from .model import Address, Group, Resource
from .problems import Problem, Severity, shown
from .values import BadValueError


def check_groups(groups: Sequence[Group], positions: Sequence[Sequence[int]], file: str) -> list[Problem]:
    """Problems of and between groups. `positions` are the line numbers of each group's resources."""
    problems: list[Problem] = []
    keys: dict[str, int] = {}
    addresses: dict[str, int] = {}
    resources: dict[str, int] = {}
    for group, lines in zip(groups, positions):
        if group.key in keys:
            problems.append(_duplicate_key(group, lines[0], f"{file}:{keys[group.key]}", file))
            continue
        keys[group.key] = lines[0]
        problems.extend(_check_repetition(group, lines, resources, file))
        for resource, line in zip(group.resources, lines):
            problems.extend(_check_address(resource, line, addresses, file))
            problems.extend(_check_sync_daemon(resource, line, file))
    return problems


def _duplicate_key(group: Group, line: int, first: str, file: str) -> Problem:
    return Problem(
        file,
        line,
        group.key,
        f"{shown(group.key)} is already the first resource of the group at {first}, and the first resource "
        "names the group",
        "put another resource first, or join the two lines",
    )


def _check_repetition(
    group: Group, lines: Sequence[int], resources: dict[str, int], file: str
) -> Iterator[Problem]:
    own: set[tuple[str, ...]] = set()
    for resource, line in zip(group.resources, lines):
        identity = (resource.script, *resource.arguments)
        if identity in own:
            yield Problem(
                file,
                line,
                resource.text,
                f"{shown(resource.text)} stands twice in one group",
                "remove one of them",
                Severity.WARNING,
            )
        elif resource.text in resources:
            yield Problem(
                file,
                line,
                resource.text,
                f"{shown(resource.text)} belongs to the group at {file}:{resources[resource.text]} too; "
                "when one group is stopped, the other loses it",
                "put all that needs it into one group",
                Severity.WARNING,
            )
        own.add(identity)
        resources.setdefault(resource.text, line)


def _check_address(resource: Resource, line: int, addresses: dict[str, int], file: str) -> Iterator[Problem]:
    try:
        address = address_of(resource)
    except BadValueError as problem:
        word = problem.word or resource.text
        yield Problem(file, line, word, f"{shown(resource.text)}: {problem.message}", problem.remedy)
        return
    if address is None:
        return
    if address.address in addresses:
        yield Problem(
            file,
            line,
            resource.text,
            f"address {address.address} is already given at {file}:{addresses[address.address]}",
            "give every address once",
        )
    addresses.setdefault(address.address, line)
    yield from _check_broadcast(address, resource, line, file)
    special = no_host(address)
    if special:
        yield Problem(
            file,
            line,
            resource.text,
            f"{address.address}/{address.prefix_length} is no address that a machine can have, but {special}",
            "write an address between the two, or correct the prefix length",
            Severity.WARNING,
        )


def _check_sync_daemon(resource: Resource, line: int, file: str) -> Iterator[Problem]:
    if resource.script != sync_daemon.SCRIPT:
        return
    try:
        sync_daemon.parse_sync_daemon(resource.arguments)
    except BadValueError as problem:
        word = problem.word or resource.text
        yield Problem(file, line, word, f"{shown(resource.text)}: {problem.message}", problem.remedy)


def _check_broadcast(address: Address, resource: Resource, line: int, file: str) -> Iterator[Problem]:
    usual = odd_broadcast(address)
    if usual:
        yield Problem(
            file,
            line,
            resource.text,
            f"{address.broadcast} is not the broadcast address of {address.address}/{address.prefix_length}, "
            f"which is {usual}",
            "leave the broadcast address out, or correct the prefix length",
            Severity.WARNING,
        )
