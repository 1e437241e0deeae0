"""The maintenance directory: a file that names a server takes it out while it is there.

Names are those of the original: `ADDRESS:PORT`, `ADDRESS`, and the same with a host name, IPv6 in brackets.
The names of the files are looked up, not every server in every sweep: without such files nothing is asked.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Collection

from ..config.model import canonical
from ..core.director import Director
from ..core.probe import Target
from ..reading import Names

_NAME = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?\Z")
# How long a looked up host name is believed.
_NAME_S = 60.0
# More files than this are no list of servers.
_FILES_MAX = 10_000


class Maintenance:
    """Reads the directory, in a thread: it may be on a network file system."""

    def __init__(self) -> None:
        self._names = Names()
        self._known: dict[str, tuple[float, list[str]]] = {}

    async def targets(self, directory: str, director: Director) -> Collection[Target]:
        """The servers that the directory names now; none when it cannot be read."""
        if not directory:
            return ()
        loop = asyncio.get_running_loop()
        places = await loop.run_in_executor(None, self._places, directory)
        return {target for address, port in places for target in director.targets(address, port)}

    def _places(self, directory: str) -> list[tuple[str, int | None]]:
        try:
            names = os.listdir(directory)[:_FILES_MAX]  # noqa: PTH208 - only names are wanted
        except OSError:
            return []
        found: list[tuple[str, int | None]] = []
        for name in names:
            match = _NAME.match(name)
            if match is not None:
                port = int(match["port"]) if match["port"] else None
                found += [(address, port) for address in self._addresses(match["v6"] or match["host"])]
        return found

    def _addresses(self, host: str) -> list[str]:
        try:
            return [canonical(host)]
        except ValueError:
            pass
        known_at, addresses = self._known.get(host, (0.0, []))
        if not known_at or time.monotonic() - known_at > _NAME_S:
            both = [self._names.address(host, version) for version in (4, 6)]
            addresses = [address for address in both if address is not None]
            self._known[host] = (time.monotonic(), addresses)
        return addresses
