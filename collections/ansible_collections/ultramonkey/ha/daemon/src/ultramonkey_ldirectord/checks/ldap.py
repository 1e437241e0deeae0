"""ldap and ldaps: bind, and read the object named by `request`; its name must match."""

from __future__ import annotations

from ..core.probe import Probe
from . import ber
from .outcome import CheckFailedError
from .stream import Stream, must_match

_READ_BYTES = 64 * 1024


async def check_ldap(probe: Probe) -> str:
    """Raises CheckFailedError, OSError."""
    try:
        async with Stream(probe, tls=probe.service == "ldaps") as stream:
            messages = _Messages(stream)
            both = probe.login and probe.password
            stream.send(ber.bind(1, probe.login if both else "", probe.password if both else ""))
            _must_succeed("bind", ber.BIND_RESPONSE, await messages.next())
            stream.send(ber.search(2, probe.request.removeprefix("/")))
            name = await _entry(messages)
            stream.send(ber.unbind(3))
    except ber.BerError as error:
        raise CheckFailedError(f"the answer is not LDAP: {error}") from None
    must_match(probe.receive, name, "the name of the entry")
    return f"found {name.decode('utf-8', 'replace') or 'the root'}"


async def _entry(messages: _Messages) -> bytes:
    found: list[bytes] = []
    while True:
        tag, content = await messages.next()
        if tag == ber.SEARCH_ENTRY:
            found.append(ber.entry_name(content))
        elif tag != ber.SEARCH_REFERENCE:
            _must_succeed("search", ber.SEARCH_DONE, (tag, content))
            break
        if len(found) > 1:
            break
    if len(found) != 1:
        raise CheckFailedError(f"{'more than one' if found else 'no'} entry found")
    return found[0]


def _must_succeed(what: str, expected: int, operation: tuple[int, bytes]) -> None:
    tag, content = operation
    if tag != expected:
        raise CheckFailedError(f"{what}: another answer than asked for (0x{tag:02x})")
    code, text = ber.result(content)
    if code:
        raise CheckFailedError(f"{what}: error {code} {text}".rstrip())


class _Messages:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._data = b""

    async def next(self) -> tuple[int, bytes]:
        """The next operation."""
        while True:
            found = ber.split(self._data)
            if found is not None:
                tag, content, self._data = found
                if tag != ber.SEQUENCE:
                    raise ber.BerError("no sequence")
                return ber.operation(content)
            more = await self._stream.some(_READ_BYTES)
            if not more:
                raise CheckFailedError("closed the connection")
            self._data += more
