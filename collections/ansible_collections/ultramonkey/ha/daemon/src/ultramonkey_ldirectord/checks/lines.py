"""Services that speak in lines: smtp, pop, imap, nntp and simpletcp."""

from __future__ import annotations

import re

from ..config.pattern import compiled
from ..core.probe import Probe
from .outcome import CheckFailedError
from .stream import LINES_MAX, Stream, printable

_SIMPLE_MAX = 1024 * 1024
# After the class digit a reply has two digits, then a blank, or a hyphen when more lines follow.
_REPLY = re.compile(rb"([1-5][0-9]{2})([ -]|$)")


async def reply(stream: Stream, wanted: str, what: str) -> bytes:
    """A reply as SMTP, FTP and NNTP have it; its last line. Raises CheckFailedError for another code.

    `wanted` is the beginning of the code that is expected.
    """
    opened = b""
    for _ in range(LINES_MAX):
        line = await stream.line()
        match = _REPLY.match(line)
        if opened:
            # FTP may say anything inside a longer reply, which ends with the code that it began with.
            if match is None or match[1] != opened or match[2] == b"-":
                continue
        elif match is None:
            raise CheckFailedError(f"{what}: {printable(line)}")
        elif match[2] == b"-":
            opened = match[1]
            continue
        if not match[1].decode().startswith(wanted):
            raise CheckFailedError(f"{what}: {printable(line)}")
        return line
    raise CheckFailedError(f"{what}: the answer never ends")


async def command(stream: Stream, text: str, wanted: str) -> bytes:
    """Send a line and take the reply. Passwords are not repeated in the failure."""
    stream.send(text.encode("utf-8", "surrogateescape") + b"\r\n")
    return await reply(stream, wanted, text.split(" ", 1)[0])


async def check_smtp(probe: Probe) -> str:
    """Greeting and EHLO, or HELO. Raises CheckFailedError, OSError."""
    async with Stream(probe) as stream:
        await reply(stream, "2", "greeting")
        try:
            await command(stream, "EHLO ldirectord.invalid", "2")
        except CheckFailedError:
            await command(stream, "HELO ldirectord.invalid", "2")
        stream.send(b"QUIT\r\n")
    return "greeting and EHLO accepted"


async def check_nntp(probe: Probe) -> str:
    """A greeting that begins with 2. Raises CheckFailedError, OSError."""
    async with Stream(probe) as stream:
        line = await reply(stream, "2", "greeting")
        stream.send(b"QUIT\r\n")
    return printable(line)


async def check_pop(probe: Probe) -> str:
    """Greeting, and with a login that it is accepted. Raises CheckFailedError, OSError."""
    async with Stream(probe, tls=probe.service == "pops") as stream:
        await _pop(stream, "", "greeting")
        if probe.login:
            await _pop(stream, f"USER {probe.login}", "USER")
            await _pop(stream, f"PASS {probe.password}", "PASS")
        stream.send(b"QUIT\r\n")
    return "logged in" if probe.login else "greeting"


async def _pop(stream: Stream, text: str, what: str) -> None:
    if text:
        stream.send(text.encode("utf-8", "surrogateescape") + b"\r\n")
    line = await stream.line()
    if not line.startswith(b"+OK"):
        raise CheckFailedError(f"{what}: {printable(line)}")


async def check_imap(probe: Probe) -> str:
    """Greeting, and with a login that it is accepted. Raises CheckFailedError, OSError."""
    async with Stream(probe, tls=probe.service == "imaps") as stream:
        greeting = await stream.line()
        if not greeting.upper().startswith((b"* OK", b"* PREAUTH")):
            raise CheckFailedError(f"greeting: {printable(greeting)}")
        if probe.login and not greeting.upper().startswith(b"* PREAUTH"):
            stream.send(f"a1 LOGIN {_quoted(probe.login)} {_quoted(probe.password)}\r\n".encode())
            await _tagged(stream, b"a1 ", "LOGIN")
        stream.send(b"a2 LOGOUT\r\n")
    return "logged in" if probe.login else "greeting"


async def _tagged(stream: Stream, tag: bytes, what: str) -> None:
    for _ in range(LINES_MAX):
        line = await stream.line()
        if line.startswith(tag):
            if not line[len(tag) :].upper().startswith(b"OK"):
                raise CheckFailedError(f"{what}: {printable(line)}")
            return
        if not line.startswith(b"* "):
            raise CheckFailedError(f"{what}: {printable(line)}")
    raise CheckFailedError(f"{what}: the answer never ends")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


async def check_simpletcp(probe: Probe) -> str:
    r"""Send the request, with `\n` as line ends; a line of the answer must match. Raises CheckFailedError."""
    pattern = compiled(probe.receive)
    async with Stream(probe) as stream:
        stream.send(probe.request.removeprefix("/").replace("\\n", "\n").encode("utf-8", "surrogateescape"))
        stream.end()
        seen = b""
        rest = b""
        while len(seen) < _SIMPLE_MAX:
            data = await stream.some(4096)
            seen += data
            # A line counts when it is whole, or at the end.
            *lines, rest = (rest + data).split(b"\n")
            if any(pattern.search(line) for line in (lines if data else [rest])):
                return "answer matches"
            if not data:
                break
    if not seen:
        raise CheckFailedError("closed the connection")
    raise CheckFailedError(f"the answer does not contain {probe.receive!r}: {printable(seen)}")
