"""What waits to be written to a slow line: whole frames, bounded by time, the oldest dropped first.

A heartbeat that is late is worth less than the next one. So only as much waits as the line can carry within
`WAIT_SECONDS`, and a frame is handed out only when the line has nearly finished the one before: what has
been handed out, the kernel keeps in a buffer of its own, where it can no longer be overtaken.
"""

from __future__ import annotations

from collections import deque

# The default keepalive. What waits for longer has been overtaken by the next status message.
WAIT_SECONDS = 1.0
# A start bit, eight bits and a stop bit.
BITS_PER_BYTE = 10


class Outbox:
    """Frames for one line of `baud` bits a second. All times are seconds of one monotonic clock."""

    def __init__(self, baud: int) -> None:
        self._bytes_per_second = baud / BITS_PER_BYTE
        self._bytes_max = int(self._bytes_per_second * WAIT_SECONDS)
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._free_at = 0.0

    @property
    def bytes_waiting(self) -> int:
        """How much waits here."""
        return self._bytes

    def put(self, frame: bytes) -> int:
        """Let a frame wait; returns how many older ones were dropped for it.

        A frame that is itself above the limit is accepted when it is alone: it is the newest.
        """
        dropped = 0
        while self._frames and self._bytes + len(frame) > self._bytes_max:
            self._bytes -= len(self._frames.popleft())
            dropped += 1
        self._frames.append(frame)
        self._bytes += len(frame)
        return dropped

    def take(self, now: float) -> bytes:
        """The oldest frame, which is written now. Must not be called when nothing waits."""
        frame = self._frames.popleft()
        self._bytes -= len(frame)
        self._free_at = max(now, self._free_at) + self.seconds(len(frame))
        return frame

    def busy_seconds(self, now: float, kernel_bytes: int) -> float:
        """For how long the line is still busy with what was taken, of which the kernel still has so much."""
        return max(self._free_at - now, self.seconds(kernel_bytes), 0.0)

    def seconds(self, size: int) -> float:
        """How long the line needs for so many bytes."""
        return size / self._bytes_per_second

    def clear(self) -> int:
        """Forget everything, because the line is gone; returns how many frames that were."""
        dropped = len(self._frames)
        self._frames.clear()
        self._bytes = 0
        self._free_at = 0.0
        return dropped
