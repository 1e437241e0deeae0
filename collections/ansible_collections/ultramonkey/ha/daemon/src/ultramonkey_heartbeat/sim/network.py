"""What machines hear of each other: media with their delays, losses and cuts.

A `Parcel` is one message under way. Objects travel as they are; a parcel with `data` is bytes that the
receiver must decode and verify.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from ..core import events as ev
from ..wire.message import Message
from .plan import MediumPlan

# A start bit, eight bits and a stop bit.
BITS_PER_BYTE = 10
# What waits for a serial line for longer than this is dropped, as the daemon does.
SERIAL_WAIT_MS = 1000


class Parcel:
    """One message on its way from `sender`, and the event that it is for whoever gets it.

    `status`: it is a status, and tells all that its sender knows. `order` tells what was sent, and read
    (`World.reading`), before what within one millisecond.
    """

    def __init__(
        self,
        sender: str,
        sent_at_ms: int,
        message: Message,
        event: ev.Event,
        *,
        status: bool = False,
        order: int = 0,
    ) -> None:
        self.sender = sender
        self.sent_at_ms = sent_at_ms
        self.message = message
        self.event = event
        self.status = status
        self.order = order


class Medium:
    """One medium: who reaches whom now, and what happens to frames on the way."""

    def __init__(self, plan: MediumPlan, rng: random.Random) -> None:
        self.plan = plan
        self.name = plan.name
        self.plain = plan.perfect
        self._rng = rng
        # How many faults cut this direction at the moment.
        self._cuts: dict[tuple[str, str], int] = {}
        self.down = 0
        self._reach: dict[str, tuple[str, ...]] = {}
        self._busy_until_ms: dict[str, int] = {}
        self._arrived_ms: dict[tuple[str, str], int] = {}
        self._arrange()

    def reach(self, sender: str) -> tuple[str, ...]:
        """Who hears what the sender says here."""
        return self._reach.get(sender, ())

    def cut(self, directions: Iterable[tuple[str, str]], change: int) -> None:
        """Cut these directions once more (+1), or end one such fault (-1)."""
        for direction in directions:
            self._cuts[direction] = self._cuts.get(direction, 0) + change
        self._arrange()

    def break_down(self, change: int) -> None:
        """The medium dies (+1) or comes back (-1)."""
        self.down += change
        self._arrange()

    def heal(self) -> None:
        """Everything is put right, also what was never wrong: nothing is lost or late any more."""
        self._cuts.clear()
        self.down = 0
        self.plain = not self.plan.baud
        self._arrange()

    def _arrange(self) -> None:
        members = self.plan.members
        self._reach = {
            name: tuple(
                other
                for other in members
                if other != name and not self.down and not self._cuts.get((name, other))
            )
            for name in members
        }

    def _over_ms(self, sender: str, size: int, now_ms: int) -> int:
        """When a frame would have arrived if nothing happened to it."""
        plan = self.plan
        if not plan.baud:
            return now_ms + plan.delay_ms
        busy_ms = max(self._busy_until_ms.get(sender, 0), now_ms)
        return busy_ms + size * BITS_PER_BYTE * 1000 // plan.baud + 1

    def spares(self, sender: str, receiver: str, size: int, now_ms: int) -> bool:
        """Nothing has arrived there for so long that this frame must, as it is."""
        last_ms = self._arrived_ms.get((sender, receiver), now_ms)
        return self._must_arrive(last_ms, self._over_ms(sender, size, now_ms))

    def _must_arrive(self, last_ms: int, at_ms: int) -> bool:
        return 0 < self.plan.mercy_ms <= at_ms - last_ms

    def arrivals(
        self, sender: str, receiver: str, size: int, now_ms: int, *, spoilt: bool = False
    ) -> Sequence[int]:
        """When a frame arrives, spoilt or not: never, once or twice. `size` counts on a serial line."""
        plan, rng = self.plan, self._rng
        at_ms = self._over_ms(sender, size, now_ms)
        if plan.baud:
            if self._busy_until_ms.get(sender, 0) - now_ms > SERIAL_WAIT_MS:
                return ()
            self._busy_until_ms[sender] = at_ms
        if self.plain or not (plan.loss or plan.double or plan.tail):
            return (at_ms,)
        late_ms, lost = 0, rng.random() < plan.loss
        if rng.random() < plan.tail:
            late_ms = int(plan.tail_ms_max * rng.random() ** 3)
        if plan.mercy_ms:
            last_ms = self._arrived_ms.get((sender, receiver), now_ms)
            if lost and self._must_arrive(last_ms, at_ms):
                lost = False
            late_ms = max(0, min(late_ms, last_ms + plan.mercy_ms - at_ms))
            if not lost and not spoilt:
                self._arrived_ms[sender, receiver] = at_ms
        times = [] if lost else [at_ms + late_ms]
        if rng.random() < plan.double:
            times.append(at_ms + rng.randint(0, 2 * plan.delay_ms + 50))
        return times

    def garbled(self, data: bytes) -> bytes | None:
        """The frame with one byte changed, or lost where it is a serial line; None when it stays as it is."""
        if self.plain or not self.plan.garble or self._rng.random() >= self.plan.garble:
            return None
        place, more = self._rng.randrange(len(data)), self._rng.randint(1, 255)
        lost = self.plan.baud and more % 2
        instead = b"" if lost else bytes(((data[place] + more) % 256,))
        return data[:place] + instead + data[place + 1 :]
