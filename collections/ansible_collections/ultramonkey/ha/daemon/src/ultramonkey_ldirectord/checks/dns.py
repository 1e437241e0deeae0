"""dns: ask for a name, by UDP or TCP; a record of the answer must match."""

from __future__ import annotations

import secrets

from ..core.probe import Probe
from . import datagram, dns_message
from .outcome import CheckFailedError
from .stream import Stream, must_match


async def check_dns(probe: Probe) -> str:
    """Raises CheckFailedError, OSError."""
    name, kind = dns_message.question(probe.request, probe.receive)
    identifier = secrets.randbelow(65536)
    try:
        question = dns_message.query(identifier, name, kind)
        if probe.protocol == "tcp":
            return _judge(probe, await _by_stream(probe, question), identifier)

        def read(data: bytes) -> str | None:
            # Somebody else's datagram, or an answer to an earlier question, is not for us.
            if data[:2] != identifier.to_bytes(2, "big"):
                return None
            return _judge(probe, data, identifier)

        return await datagram.ask(probe.address, probe.port, question, read)
    except dns_message.DnsError as error:
        raise CheckFailedError(str(error)) from None


async def _by_stream(probe: Probe, question: bytes) -> bytes:
    async with Stream(probe) as stream:
        stream.send(len(question).to_bytes(2, "big") + question)
        size = int.from_bytes(await stream.exactly(2), "big")
        return await stream.exactly(size)


def _judge(probe: Probe, data: bytes, identifier: int) -> str:
    records = dns_message.answer(data, identifier).records
    if not records:
        raise CheckFailedError("the answer has no record")
    must_match(probe.receive, "\n".join(records).encode(), "the answer")
    return f"answered {records[0]}"
