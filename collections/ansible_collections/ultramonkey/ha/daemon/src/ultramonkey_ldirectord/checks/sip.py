"""sip: OPTIONS must be answered with 200, by UDP or TCP."""

from __future__ import annotations

import re
import secrets
import socket

from ..config.model import host_text
from ..core.probe import Probe
from . import datagram
from .outcome import CheckFailedError
from .stream import LINES_MAX, Stream, printable

_STATUS = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2})")


async def check_sip(probe: Probe) -> str:
    """Raises CheckFailedError, OSError."""
    call = secrets.token_hex(8)
    request = _options(probe, call)
    if probe.protocol == "udp":
        return await datagram.ask(probe.address, probe.port, request, lambda data: _read(data, call))
    async with Stream(probe) as stream:
        stream.send(request)
        for _ in range(LINES_MAX):
            line = await stream.line()
            if line.startswith(b"SIP/") or not line:
                verdict = _verdict(line) if line else None
                if verdict is not None:
                    return verdict
            elif b":" not in line:
                raise CheckFailedError(f"the answer is not SIP: {printable(line)}")
    raise CheckFailedError("the answer never ends")


def _read(data: bytes, call: str) -> str | None:
    if call.encode() not in data:
        # An answer to an earlier question has its number, what is no SIP has none.
        if data.startswith(b"SIP/"):
            return None
        raise CheckFailedError(f"the answer is not SIP: {printable(data)}")
    return _verdict(data.split(b"\r\n", 1)[0])


def _verdict(line: bytes) -> str | None:
    """A verdict on a final answer; None for a provisional one."""
    status = _STATUS.match(line)
    if status is None:
        raise CheckFailedError(f"the answer is not SIP: {printable(line)}")
    if status[1].startswith(b"1"):
        return None
    if status[1] != b"200":
        raise CheckFailedError(f"answered {printable(line)}")
    return "answered 200"


def _options(probe: Probe, call: str) -> bytes:
    host = socket.gethostname()
    user = probe.login or f"ldirectord@{host}"
    place = f"{host_text(probe.address)}:{probe.port}"
    lines = (
        f"OPTIONS sip:{place} SIP/2.0",
        f"Via: SIP/2.0/{probe.protocol.upper()} {host};branch=z9hG4bK{call};rport",
        "Max-Forwards: 70",
        f"To: <sip:{place}>",
        f"From: <sip:{user}>;tag={call[:8]}",
        f"Call-ID: {call}",
        "CSeq: 1 OPTIONS",
        f"Contact: <sip:{user}>",
        "Accept: application/sdp",
        "Content-Length: 0",
        "",
        "",
    )
    return "\r\n".join(lines).encode()
