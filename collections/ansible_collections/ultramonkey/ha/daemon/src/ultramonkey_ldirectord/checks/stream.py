"""A connection to a server of which nothing good is assumed: every read has a limit."""

from __future__ import annotations

import asyncio
import ssl
from functools import lru_cache

from ..config.pattern import compiled
from ..core.probe import Probe
from .outcome import CheckFailedError

# Protocols of lines have lines of a few hundred bytes.
LINE_MAX = 8 * 1024
# Lines of one answer; more is a server that never stops talking.
LINES_MAX = 256


@lru_cache(maxsize=2)
def tls_context(verify: bool) -> ssl.SSLContext:  # noqa: FBT001 - a key of the cache
    """Settings of TLS: with the system's authorities, or with whatever certificate there is."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Stream:
    """One connection. Use with `async with`; leaving it closes at once and waits for nothing."""

    def __init__(self, probe: Probe, *, tls: bool = False, address: str = "", port: int = 0) -> None:
        self._probe = probe
        self._tls = tls
        self._address = address or probe.address
        self._port = port or probe.port
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Stream:  # noqa: PYI034 - typing.Self is of Python 3.11
        context = tls_context(self._probe.verify_tls) if self._tls else None
        name = (self._probe.virtualhost or self._address) if self._tls else None
        self._reader, self._writer = await asyncio.open_connection(
            self._address, self._port, limit=LINE_MAX, ssl=context, server_hostname=name
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.transport.abort()

    def send(self, data: bytes) -> None:
        """Send; what a check sends always fits into the buffers."""
        if self._writer is not None:
            self._writer.write(data)

    def end(self) -> None:
        """Say that nothing more will be sent, where the transport can."""
        if self._writer is not None and self._writer.can_write_eof():
            self._writer.write_eof()

    async def line(self) -> bytes:
        """The next line without its end. Raises CheckFailedError at the end of the stream."""
        try:
            line = await self._reader.readline()
        except ValueError:
            raise CheckFailedError(f"a line is longer than {LINE_MAX} bytes") from None
        if not line.endswith(b"\n"):
            raise CheckFailedError(
                f"closed in the middle of {printable(line)}" if line else "closed the connection"
            )
        return line.rstrip(b"\r\n")

    async def some(self, size: int) -> bytes:
        """Whatever has come, at most `size` bytes; nothing at the end."""
        return await self._reader.read(size)

    async def exactly(self, size: int) -> bytes:
        """That many bytes. Raises CheckFailedError when fewer come."""
        try:
            return await self._reader.readexactly(size)
        except asyncio.IncompleteReadError:
            raise CheckFailedError("closed the connection") from None

    async def up_to(self, limit: int) -> bytes:
        """Everything to the end of the stream, or the first `limit` bytes of it."""
        data = bytearray()
        while len(data) < limit:
            more = await self._reader.read(limit - len(data))
            if not more:
                break
            data += more
        return bytes(data)


def printable(data: bytes) -> str:
    """What a server said, fit for a log: one short line."""
    text = data[:60].decode("utf-8", "replace")
    return repr(text) + ("..." if len(data) > 60 else "")  # noqa: PLR2004 - as above


def must_match(receive: str, answer: bytes, what: str) -> None:
    """Raise CheckFailedError unless the pattern is found. An empty one always is."""
    if receive and not compiled(receive).search(answer):
        raise CheckFailedError(f"{what} does not contain {receive!r}: {printable(answer)}")
