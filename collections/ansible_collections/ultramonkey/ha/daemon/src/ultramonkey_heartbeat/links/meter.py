"""How busy a line is: the bytes of the last seconds against what it could have carried."""

from __future__ import annotations

from collections import deque

# Long enough to hold several heartbeats at every usual keepalive.
WINDOW_SECONDS = 10


class Meter:
    """Bytes in one direction of a line that carries `bytes_per_second`. Times are of one monotonic clock."""

    def __init__(self, bytes_per_second: float) -> None:
        self._bytes_per_second = bytes_per_second
        # Whole second and the bytes in it, oldest first; a second without bytes is not there.
        self._seconds: deque[list[int]] = deque(maxlen=WINDOW_SECONDS + 1)

    def add(self, now: float, size: int) -> None:
        """So many bytes have just passed."""
        if self._seconds and self._seconds[-1][0] == int(now):
            self._seconds[-1][1] += size
        else:
            self._seconds.append([int(now), size])

    def share(self, now: float) -> float:
        """The part of the line's capacity that was used in the last whole seconds: 0 to 1."""
        last = int(now)
        used = sum(size for second, size in self._seconds if last - WINDOW_SECONDS <= second < last)
        # What the kernel takes in one go may be written a second before it has passed.
        return min(1.0, used / (WINDOW_SECONDS * self._bytes_per_second))
