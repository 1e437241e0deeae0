"""What heartbeat 3.0.6 does with its scripts: it calls them and believes them, whatever they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..config.model import Group
from ..core import effects as fx
from ..core import events as ev
from ..core.parts import Part


class OldScripts:
    """The groups of one node, by the two halves that 3.0.6 knows."""

    def __init__(self, me: str, groups: Sequence[Group], emit: Callable[[fx.Effect], None]) -> None:
        self._preferred = {group.key: group.preferred == me for group in groups}
        self._emit = emit
        self._running: set[str] = set()
        self._under_way: dict[str, str] = {}
        # What must be stopped before the other is answered, and what can be answered now.
        self._stop_and_answer: list[str] = []
        self._answer: list[tuple[str, bool]] = []

    @property
    def busy(self) -> bool:
        """A script runs."""
        return bool(self._under_way)

    def keys(self, part: Part) -> list[str]:
        """The groups of a part."""
        return [key for key, mine in self._preferred.items() if part & (Part.LOCAL if mine else Part.FOREIGN)]

    def runs(self, key: str) -> bool:
        """It has been started here and not been stopped."""
        return key in self._running

    def start(self, part: Part) -> None:
        """Start every group of a part that does not run."""
        for key in self.keys(part):
            self.start_one(key)

    def start_one(self, key: str) -> None:
        """Start one group unless it runs."""
        if self._under_way.get(key) == "start" or (key in self._running and key not in self._under_way):
            return
        self._running.add(key)
        self._under_way[key] = "start"
        self._emit(fx.StartGroup(key))

    def stop(self, part: Part) -> None:
        """Stop every group of a part that runs."""
        for key in self.keys(part):
            if key in self._running:
                self._under_way[key] = "stop"
                self._emit(fx.StopGroup(key))

    def answer_when_stopped(self, key: str) -> None:
        """Legacy: the other asks for its own."""
        if key in self._running:
            self._stop_and_answer.append(key)
            self._under_way[key] = "stop"
            self._emit(fx.StopGroup(key))
        else:
            self._answer.append((key, False))

    def answers(self) -> Iterator[tuple[str, bool]]:
        """What can be answered now: group, and whether it ran here."""
        answers, self._answer = self._answer, []
        yield from answers

    def finished(self, event: ev.ResourceFinished) -> None:
        """A script has ended; a stop that failed counts as a stop (it would reboot the machine)."""
        key = event.group
        if self._under_way.get(key) != event.operation:
            # The other operation was asked for meanwhile, and comes next.
            return
        del self._under_way[key]
        if event.operation == "stop" or not event.ok:
            self._running.discard(key)
        if event.operation == "stop" and key in self._stop_and_answer:
            self._stop_and_answer.remove(key)
            self._answer.append((key, True))
