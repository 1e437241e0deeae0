"""One question by UDP: sent again while there is no answer, as datagrams may be lost."""

from __future__ import annotations

import asyncio
from typing import Callable, Optional

# How long an answer is waited for before the question is repeated.
_REPEAT_S = 1.0
_WAITING_MAX = 64

# Reads a datagram; None when it is not for us.
Reader = Callable[[bytes], Optional[str]]


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.answers: asyncio.Queue[bytes | Exception] = asyncio.Queue(_WAITING_MAX)

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - the interface
        self._put(data)

    def error_received(self, exc: Exception) -> None:
        self._put(exc)

    def _put(self, item: bytes | Exception) -> None:
        if not self.answers.full():
            self.answers.put_nowait(item)


async def ask(address: str, port: int, question: bytes, read: Reader) -> str:
    """Send the question until `read` accepts an answer, and return what it made of it.

    Never gives up by itself. Raises OSError when the server's host says that nobody listens, and whatever
    `read` raises.
    """
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(_Protocol, remote_addr=(address, port))
    timer: asyncio.TimerHandle | None = None

    def send() -> None:
        nonlocal timer
        transport.sendto(question)
        timer = loop.call_later(_REPEAT_S, send)

    send()
    try:
        while True:
            item = await protocol.answers.get()
            if isinstance(item, Exception):
                raise item
            found = read(item)
            if found is not None:
                return found
    finally:
        if timer is not None:
            timer.cancel()
        transport.close()
