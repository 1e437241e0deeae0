"""What outlives the daemon: its uuid, its generation, and which groups it may have left running."""

from __future__ import annotations

import json
import logging
import re
import secrets
import time
import uuid
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from ..config.haresources import parse_resource
from ..config.model import Group
from ..core.transmit import Identity
from ..safe_files import replace_file
from .paths import Paths

_LOG = logging.getLogger(__name__)

UUID_BYTES = 16
NONCE_MAX = 0xFFFF
# Near the time of day, and in 15 columns; beyond this somebody has written something else there.
GENERATION_MAX = 2**32 - 1
_GENERATION = re.compile(rb"\s*([0-9]{1,15})\s*")


# The namespace of `uuidfrom nodename`: RFC 4122's for names of hosts.
_NAMESPACE = uuid.NAMESPACE_DNS


def identity(
    paths: Paths, name: str, *, uuid_from_name: bool = False, generation_from_time: bool = False
) -> Identity:
    """Who this start of the daemon is: the uuid kept or made, the generation raised by one and kept.

    A uuid from the name is the SHA-1 uuid (version 5) of the lower case name in the namespace of host names;
    3.0.6 derives another one, which no peer minds. A generation from the time is the seconds since 1970.
    Raises OSError when it cannot be kept: a generation that is used twice makes peers deaf to us.
    """
    paths.state.mkdir(mode=0o755, parents=True, exist_ok=True)
    node_uuid = uuid.uuid5(_NAMESPACE, name.lower()).bytes if uuid_from_name else _uuid(paths.uuid)
    nonce = 1 + secrets.randbelow(NONCE_MAX)
    return Identity(name, node_uuid, next_generation(paths.generation, from_time=generation_from_time), nonce)


def _uuid(path: Path) -> bytes:
    try:
        kept = path.read_bytes()
    except FileNotFoundError:
        kept = b""
    if len(kept) == UUID_BYTES:
        return kept
    made = uuid.uuid4().bytes
    replace_file(path, made, 0o600)
    return made


def next_generation(path: Path, *, from_time: bool = False) -> int:
    """One more than the last, or near the time of day when that is lost (as 3.0.6 does).

    `from_time`: the time of day, unless the last was later (the clock was set back, or two starts within a
    second): peers are deaf to a generation that is not above the last.
    """
    try:
        match = _GENERATION.fullmatch(path.read_bytes())
    except FileNotFoundError:
        match = None
    last = int(match[1]) if match else 0
    if not 0 < last < GENERATION_MAX:
        last = int(time.time())
    generation = max(last + 1, int(time.time())) if from_time else last + 1
    write_generation(path, generation)
    return generation


def write_generation(path: Path, generation: int) -> None:
    """Keep the generation, in 3.0.6's format: right aligned in 15 columns."""
    replace_file(path, b"%15d\n" % generation, 0o600)


class HeldGroups:
    """Which groups may run here. The file is there from before the first start until a clean end.

    It has the resources of each group as haresources had them then: whoever cleans up after a crash must
    stop what was started, whatever haresources says now. And it says whose stop has failed: that counts on in
    the next run, which may find it under maintenance and must not take it for one that is held.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._groups: dict[str, Group] = {}
        self._stuck: frozenset[str] = frozenset()

    def left_behind(self, configured: Sequence[Group]) -> tuple[Group, ...] | None:
        """What a daemon that crashed may have left running; None after a clean end.

        A file that cannot be understood means that anything `configured` may run.
        """
        try:
            entries = self._read()
        except FileNotFoundError:
            return None
        except (TypeError, ValueError):
            return tuple(configured)
        return tuple(group for group, _ in entries)

    def stuck_behind(self) -> frozenset[str]:
        """The keys of the groups whose stop had failed by then; none where the file cannot tell."""
        try:
            return frozenset(group.key for group, stuck in self._read() if stuck)
        except (OSError, TypeError, ValueError):
            return frozenset()

    def _read(self) -> list[tuple[Group, bool]]:
        return [_read_entry(entry) for entry in json.loads(self._path.read_text())]

    def write(self, groups: Iterable[Group], stuck: Collection[str] = ()) -> None:
        """Say what may run from now on, and what of it could not be stopped.

        On a memory file system: no disk is waited for.

        To serve is worth more than to be sure that a crash would be cleaned up, so that a directory that
        is full or gone is only a line in the log.
        """
        self._groups = {group.key: group for group in groups}
        self._stuck = frozenset(stuck)
        try:
            self._write()
        except OSError as error:
            _LOG.error("cannot note which groups may run here: %s", error)

    def _write(self) -> None:
        plain: list[object] = []
        for group in self._groups.values():
            words = [group.preferred, *(resource.text for resource in group.resources)]
            plain.append({"stuck": words} if group.key in self._stuck else words)
        temporary = self._path.with_name(f".{self._path.name}.new")
        temporary.write_text(json.dumps(plain))
        temporary.replace(self._path)

    def add(self, group: Group) -> None:
        """The group is about to be started."""
        if group.key not in self._groups:
            self.write((*self._groups.values(), group), self._stuck)

    def remove(self, key: str) -> None:
        """The group has been stopped."""
        if key in self._groups:
            self.write([group for group in self._groups.values() if group.key != key], self._stuck - {key})

    def add_stuck(self, key: str) -> None:
        """The group could not be stopped."""
        if key in self._groups and key not in self._stuck:
            self.write(self._groups.values(), self._stuck | {key})

    def clean(self) -> None:
        """We end, and the peers know it. The file stays if something could not be stopped."""
        if not self._groups:
            self._path.unlink(missing_ok=True)


def _read_entry(entry: object) -> tuple[Group, bool]:
    """A group, and whether it was stuck. Raises ValueError or TypeError for what is none."""
    if isinstance(entry, dict) and set(entry) == {"stuck"}:
        return _read_group(entry["stuck"]), True
    return _read_group(entry), False


def _read_group(words: object) -> Group:
    """A group from its preferred node and its resources. Raises ValueError or TypeError for what is none."""
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise TypeError(words)
    preferred, first, *others = words
    return Group(first, preferred, tuple(parse_resource(word) for word in (first, *others)))
