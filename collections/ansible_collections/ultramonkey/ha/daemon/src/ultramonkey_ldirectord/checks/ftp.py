"""ftp: log in, change to /, and with `request` fetch a file."""

from __future__ import annotations

import re

from ..core.probe import Probe
from .lines import command, reply
from .outcome import CheckFailedError
from .stream import Stream, must_match, printable

_FILE_MAX = 1024 * 1024
_EPSV = re.compile(rb"\((.)\1\1([0-9]{1,5})\1\)")
_PASV = re.compile(rb"(?:[0-9]{1,3},){4}([0-9]{1,3}),([0-9]{1,3})")


async def check_ftp(probe: Probe) -> str:
    """Raises CheckFailedError, OSError."""
    async with Stream(probe) as stream:
        await reply(stream, "2", "greeting")
        line = await command(stream, f"USER {probe.login or 'anonymous'}", "")
        if line.startswith(b"3"):
            await command(stream, f"PASS {probe.password or 'ldirectord@localhost'}", "2")
        elif not line.startswith(b"2"):
            raise CheckFailedError(f"USER: {printable(line)}")
        await command(stream, "CWD /", "2")
        if probe.request or probe.receive:
            must_match(probe.receive, await _fetch(probe, stream), "the file")
        stream.send(b"QUIT\r\n")
    return "logged in" if not probe.request else "fetched the file"


async def _fetch(probe: Probe, stream: Stream) -> bytes:
    await command(stream, "TYPE I", "2")
    port = await _passive(probe, stream)
    # The address in the answer is not believed: the file is the server's that is checked.
    async with Stream(probe, port=port) as data:
        await command(stream, f"RETR {probe.request.removeprefix('/')}", "1")
        content = await data.up_to(_FILE_MAX)
    if len(content) < _FILE_MAX:
        await reply(stream, "2", "RETR")
    return content


async def _passive(probe: Probe, stream: Stream) -> int:
    try:
        match = _EPSV.search(await command(stream, "EPSV", "229"))
        if match is not None:
            return int(match[2])
    except CheckFailedError:
        if ":" in probe.address:
            raise
    line = await command(stream, "PASV", "227")
    match = _PASV.search(line)
    if match is None:
        raise CheckFailedError(f"PASV: {printable(line)}")
    return int(match[1]) * 256 + int(match[2])
