"""Does the port accept a connection? Written without streams, for it is asked ten thousand times a second."""

from __future__ import annotations

import asyncio
import errno
import os
import socket


async def connect(address: str, port: int, timeout_s: float) -> None:
    """Connect and close. Raises OSError, of which TimeoutError is one, when that is not possible."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    with socket.socket(family, kind) as asked:
        error = asked.connect_ex((address, port))
        if error == errno.EINPROGRESS:
            # A server on this machine has answered by now, which saves waiting for it.
            error = asked.connect_ex((address, port))
        if error in (errno.EINPROGRESS, errno.EALREADY):
            await _writable(asked.fileno(), timeout_s)
            error = asked.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))


async def _writable(descriptor: int, timeout_s: float) -> None:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[bool] = loop.create_future()
    loop.add_writer(descriptor, _set, future, True)  # noqa: FBT003 - a result, not a switch
    timer = loop.call_later(timeout_s, _set, future, False)  # noqa: FBT003 - likewise
    try:
        connected = await future
    finally:
        timer.cancel()
        loop.remove_writer(descriptor)
    if not connected:
        raise TimeoutError


def _set(future: asyncio.Future[bool], result: bool) -> None:  # noqa: FBT001 - a result
    if not future.done():
        future.set_result(result)
