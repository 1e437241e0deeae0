"""external: a program says by its exit code whether a server is well."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ultramonkey_heartbeat.resources.process import ProgramError, run

from .outcome import CheckFailedError

# Between asking a program to end and ending it.
_GRACE_MS = 200
_LINE_MAX = 100


async def check_external(
    argv: Sequence[str], timeout_ms: int, environment: Mapping[str, str] | None = None
) -> str:
    """Run the program; its children end with it. Raises CheckFailedError, TimeoutError."""
    try:
        result = await run(
            argv, timeout_ms=timeout_ms, environment=os.environ if environment is None else environment,
            grace_ms=_GRACE_MS,
        )  # fmt: skip
    except ProgramError as error:
        raise CheckFailedError(str(error)) from None
    if result.timed_out:
        raise TimeoutError
    said = (result.stdout.strip() or result.stderr.strip()).splitlines()
    text = f": {said[-1][:_LINE_MAX]}" if said else ""
    if result.exit_code != 0:
        raise CheckFailedError(f"exit code {result.exit_code}{text}")
    return f"exit code 0{text}"
