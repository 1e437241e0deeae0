"""What the kernel does for a built-in resource, with an end: in time, or as the resource's own error."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from ..net.types import NetError
from .agent import ResourceError

_T = TypeVar("_T")


async def within(name: str, timeout_ms: int, operation: str, work: Awaitable[_T]) -> _T:
    """What `work` gives. Raises ResourceError when it takes longer, or fails with NetError."""
    try:
        return await asyncio.wait_for(work, timeout_ms / 1000)
    except asyncio.TimeoutError:
        raise ResourceError(f"{name}: {operation} did not finish within {timeout_ms / 1000:g} s") from None
    except NetError as error:
        raise ResourceError(f"{name}: {error}") from error
