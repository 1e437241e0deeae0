"""When the status goes out: on a grid of keepalives, together with a peer's, and again after a change."""

from __future__ import annotations

from ..config.model import HaCf

# At keepalives shorter than this a beat that is nearly due goes out when a peer's comes in: one wake-up
# instead of two, and a processor that has just slept is several times slower than one that has not.
TOGETHER_BELOW_MS = 200
# After a change the status is sent once more, soon: a single lost datagram must not cost a heartbeat.
REPEAT_AFTER_CHANGE_MS = 20


class Beats:
    """The next beat is due at `at_ms`, its repetition at `repeat_at_ms`. Instants in ms."""

    def __init__(self, keepalive_ms: int) -> None:
        self.at_ms = 0
        self.repeat_at_ms: int | None = None
        self._keepalive_ms = keepalive_ms
        self._early_ms = _early_ms(keepalive_ms)
        # A shorter keepalive that holds until some instant.
        self._hurry = (0, 0)

    def configure(self, before: HaCf, ha: HaCf, now_ms: int) -> None:
        """Go by other times. Until a peer has heard our new dead time, it judges us by the old one."""
        self._keepalive_ms = ha.keepalive_ms
        self._early_ms = _early_ms(ha.keepalive_ms)
        self._hurry = (min(before.keepalive_ms, ha.keepalive_ms), now_ms + before.deadtime_ms)
        self.at_ms = now_ms

    def together(self, now_ms: int) -> bool:
        """A peer's beat came in: ours may go out with it, never late, at most half a keepalive early.

        Of two nodes one is always that near, so they fall into step with the first beats.
        """
        if now_ms < self.at_ms - self._early_ms:
            return False
        self.at_ms = now_ms
        return True

    def due(self, now_ms: int) -> bool:
        """A beat or its repetition is due."""
        return now_ms >= self.at_ms or (self.repeat_at_ms is not None and now_ms >= self.repeat_at_ms)

    def went_out(self, now_ms: int, *, changed: bool) -> None:
        """The status was sent."""
        keepalive_ms = self._hurry[0] if now_ms < self._hurry[1] else self._keepalive_ms
        self.repeat_at_ms = now_ms + min(REPEAT_AFTER_CHANGE_MS, keepalive_ms) if changed else None
        if now_ms >= self.at_ms:
            # Stay on the grid, so that a late beat does not make all later ones late.
            missed = (now_ms - self.at_ms) // keepalive_ms
            self.at_ms += (missed + 1) * keepalive_ms


def _early_ms(keepalive_ms: int) -> int:
    return keepalive_ms // 2 if keepalive_ms < TOGETHER_BELOW_MS else 0
