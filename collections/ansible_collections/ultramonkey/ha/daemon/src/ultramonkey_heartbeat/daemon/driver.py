"""One loop, one timer: events in, effects out, and the timer armed for the core's next deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Callable

from ..core import events as ev
from ..core.effects import Effect
from ..core.node import Node

# Timers of the event loop may fire a little early; half a millisecond later they never do.
_MARGIN_S = 0.0005


class Driver:
    """Feeds one node. Everything that happens to the daemon comes through `give`.

    `on_mistake` is told of an exception of the node: a mistake of ours, after which nobody knows what it
    believes. It is asked nothing more; a daemon that stops is replaced by another node, one that is silently
    wrong is not.
    """

    def __init__(
        self,
        node: Node,
        carry_out: Callable[[Sequence[Effect]], None],
        loop: asyncio.AbstractEventLoop,
        on_mistake: Callable[[Exception], None] | None = None,
    ) -> None:
        self._node = node
        self._on_mistake = on_mistake
        self._mistaken = False
        self._carry_out = carry_out
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._armed_ms = 0

    def now_ms(self) -> int:
        """Monotonic time as the core counts it."""
        return int(self._loop.time() * 1000)

    def give(self, event: ev.Event) -> None:
        """Let the node handle an event, do what it wants, and see when it must be called next."""
        if self._mistaken:
            return
        try:
            effects = self._node.handle(event, self.now_ms())
        except Exception as mistake:
            self._mistaken = True
            self.close()
            if self._on_mistake is None:
                raise
            self._on_mistake(mistake)
            return
        self._carry_out(effects)
        self._arm()

    def close(self) -> None:
        """Give no more events by time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        deadline_ms = self._node.next_deadline()
        if deadline_ms is None:
            self.close()
            return
        # Never armed too early either: to wake up for nothing costs more than to arm anew.
        if self._timer is not None and self._armed_ms == deadline_ms:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._armed_ms = deadline_ms
        self._timer = self._loop.call_at(deadline_ms / 1000 + _MARGIN_S, self._due)

    def _due(self) -> None:
        self._timer = None
        self.give(ev.DeadlineReached())
