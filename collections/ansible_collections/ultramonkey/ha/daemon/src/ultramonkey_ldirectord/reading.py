"""Finds and reads ldirectord.cf, looking names up: for the daemon and for `check`.

What only reading needs is imported there: heartbeat asks for `status` often, and waits for it.
"""

from __future__ import annotations

import hashlib
import socket
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ultramonkey_heartbeat.config.problems import Problem

from . import place
from .config.model import Configuration, Kind
from .config.services import WITH_LOGIN_AND_QUERY

if TYPE_CHECKING:
    from .config.configuration import Loaded

DIRECTORY = Path(place.DIRECTORY)
# The longest one known has 36 kB; what is longer than this is no configuration.
FILE_BYTES_MAX = 4 * 1024 * 1024


@dataclass(frozen=True)
class File:
    """A file that was read. `digest` tells whether it has changed since."""

    path: Path
    loaded: Loaded
    digest: str
    text: str = field(default="", repr=False)


def locate(name: str | None, directory: Path = DIRECTORY) -> Path:
    """Where a configuration lies, see `place`."""
    return Path(place.locate(name, str(directory)))


def instance(path: Path, directory: Path = DIRECTORY) -> str:
    """The name of its daemon, see `place`."""
    return place.instance(str(path), str(directory))


def read(path: Path, *, assume_libraries: bool = False) -> File:
    """Read and check a file. Raises OSError when it cannot be read."""
    from .config.configuration import parse  # noqa: PLC0415 - see above

    with path.open("rb") as file:
        data = file.read(FILE_BYTES_MAX + 1)
    if len(data) > FILE_BYTES_MAX:
        raise OSError(f"{path} is longer than {FILE_BYTES_MAX} bytes: not a configuration file")
    # Comments may be in any encoding; what is not UTF-8 survives as it is.
    text = data.decode("utf-8", "surrogateescape")
    loaded = parse(text, path.name, Names())
    if not assume_libraries:
        loaded = _with_libraries(loaded, path.name)
    return File(path, loaded, hashlib.sha256(data).hexdigest(), text)


def render(data: Any, name: str, *, assume_libraries: bool = False) -> tuple[str, tuple[Problem, ...]]:
    """A file of this name made of data (`config.data`), and its problems; empty when one is an error."""
    from .config.configuration import parse  # noqa: PLC0415 - see above
    from .config.data import from_data  # noqa: PLC0415 - likewise

    def judge(text: str) -> tuple[Problem, ...]:
        loaded = parse(text, name, Names())
        return (loaded if assume_libraries else _with_libraries(loaded, name)).problems

    return from_data(data, judge)


def _with_libraries(loaded: Loaded, file: str) -> Loaded:
    """Refuse what could never be checked here."""
    lacking = [] if loaded.configuration is None else _lacking(loaded.configuration, file)
    return replace(loaded, configuration=None, problems=(*loaded.problems, *lacking)) if lacking else loaded


def _lacking(configuration: Configuration, file: str) -> list[Problem]:
    asked = [
        virtual
        for virtual in configuration.virtuals
        if virtual.check.kind in (Kind.NEGOTIATE, Kind.COMBINED)
        and virtual.check.service in WITH_LOGIN_AND_QUERY
    ]
    if not asked:
        return []
    from .checks.sql import missing  # noqa: PLC0415 - see above

    remedy = "install it, or use checktype=connect or external"
    reasons = [(virtual, missing(virtual.check.service)) for virtual in asked]
    return [
        Problem(file, virtual.line, virtual.check.service, reason, remedy)
        for virtual, reason in reasons
        if reason
    ]


class Names:
    """The host's own way to look names up."""

    def address(self, name: str, version: int) -> str | None:
        """The first address of a host."""
        family = socket.AF_INET if version == 4 else socket.AF_INET6  # noqa: PLR2004 - IPv4
        try:
            found = socket.getaddrinfo(name, None, family, socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return None
        return str(found[0][4][0]).partition("%")[0] if found else None

    def port(self, name: str, protocol: str) -> int | None:
        """The port of a service."""
        try:
            return socket.getservbyname(name, protocol)
        except OSError:
            return None
