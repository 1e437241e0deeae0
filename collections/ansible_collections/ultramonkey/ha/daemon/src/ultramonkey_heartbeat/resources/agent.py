"""What the runner knows of a resource: it can be started, stopped and asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from .process import ProcessResult


class ResourceError(Exception):
    """An operation on a resource failed. The text names the resource and says why, in one line."""


class MissingResourceError(ResourceError):
    """There is nothing that could be called: no script, no unit of that name."""


@dataclass(frozen=True)
class Timeouts:
    """How long one operation on one resource may take, in milliseconds.

    `grace_ms` is the time between SIGTERM and SIGKILL for a script that took too long.
    """

    start_ms: int = 60_000
    stop_ms: int = 60_000
    status_ms: int = 20_000
    grace_ms: int = 5_000


class Agent(ABC):
    """One resource of a group. All operations may be repeated, and may be cancelled at any time."""

    def __init__(self, name: str) -> None:
        # How status and logs call the resource: the word of haresources.
        self.name = name

    @abstractmethod
    async def start(self) -> None:
        """Make it run; nothing is done when it runs already. Raises ResourceError."""

    @abstractmethod
    async def stop(self) -> None:
        """Make it not run. Raises ResourceError."""

    @abstractmethod
    async def status(self) -> bool:
        """Whether it runs. Raises ResourceError when that cannot be found out."""

    async def idle(self) -> None:  # noqa: B027 - most resources are nothing while they are not held
        """Make it what it is on a node that does not hold its group. Raises ResourceError."""

    def announce(self) -> None:  # noqa: B027 - most resources have nothing to announce
        """Tell the network again where the resource is, if it is started and the network cares."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The IP addresses that this host has because of this resource, while it is started."""
        return ()


def failure(name: str, operation: str, result: ProcessResult, timeout_ms: int) -> ResourceError:
    """The error for a program that did not end well, with the last line that it had to say."""
    if result.timed_out:
        what = f"did not finish within {timeout_ms / 1000:g} s"
    elif result.exit_code is not None and result.exit_code < 0:
        what = f"was ended by signal {-result.exit_code}"
    else:
        what = f"failed with exit code {result.exit_code}"
    lines = (result.stderr.strip() or result.stdout.strip()).splitlines()
    said = f": {lines[-1].strip()[:200]}" if lines else ""
    return ResourceError(f"{name}: {operation} {what}{said}")
