"""The kernel's table, from an event loop: a worker thread owns the socket and does one thing at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, TypeVar

from ..core.changes import Change
from ..core.table import Table
from .base import Failure
from .netlink import IpvsSocket

_T = TypeVar("_T")


class KernelTable:
    """IPVS in this network namespace."""

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ipvs")
        # Touched in the worker thread only.
        self._socket = IpvsSocket()

    async def open(self) -> None:
        """Find IPVS. Raises IpvsError."""
        await self._call(lambda _socket: None)

    async def read(self) -> Table:
        """The whole table."""
        return await self._call(IpvsSocket.read)

    async def apply(self, changes: Sequence[Change]) -> list[Failure]:
        """Carry out the changes."""
        return await self._call(lambda kernel: kernel.apply(changes))

    async def keep_timeouts(self, wanted_s: Sequence[int]) -> bool:
        """Let the timeouts of connections be these."""
        return await self._call(lambda kernel: kernel.keep_timeouts(wanted_s))

    async def close(self) -> None:
        """Finish what is under way; nothing may be called afterwards."""
        await asyncio.get_running_loop().run_in_executor(self._worker, self._socket.close)
        self._worker.shutdown(wait=False)

    async def _call(self, function: Callable[[IpvsSocket], _T]) -> _T:
        def work() -> _T:
            self._socket.open()
            return function(self._socket)

        return await asyncio.get_running_loop().run_in_executor(self._worker, work)
