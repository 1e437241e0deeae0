r"""Finds frames of the text form in the bytes of a serial line.

Goals: an undamaged frame is always delivered, whatever noise surrounds it; memory and work are bounded;
nothing is judged here. What is delivered need not be a message: the codec verifies it and drops the rest.

A frame ends with a line `<<<`. Nothing inside a frame can look like that, since every line there has an
equals sign. Where it begins is less certain. A line `>>>` surely begins one. But noise can stick to it
(a break on opening the line is received as a NUL byte, an overrun swallows a newline: `ttl=3\nau>>>`),
and a value may really end in `>>>`. So at an end mark, the last sure beginning and the last few `>>>` at
the end of a line after it are all candidates, and each is delivered: at most one verifies.

Carriage returns are dropped, as 3.0.6 does; some serial devices add them.
"""

from __future__ import annotations

from .limits import STREAM_CANDIDATES_MAX, STREAM_FRAME_BYTES_MAX
from .text import END, START

_SURE_START = b"\n" + START
_END = b"\n" + END
# What a line that is opened begins with: a break is received as NUL.
_BETWEEN_FRAMES = b"\0\n"


class StreamDecoder:
    """Collects bytes of one line; make a new one when the line is opened again."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._damaged = 0

    @property
    def buffered_bytes(self) -> int:
        """How much is kept, waiting for an end mark; at most STREAM_FRAME_BYTES_MAX."""
        return len(self._buffer)

    def take_damaged(self) -> int:
        """How many runs of bytes that belong to no frame were dropped since this was last asked.

        That is about the number of frames that lost a mark. Damage between the marks is found by the codec.
        """
        damaged, self._damaged = self._damaged, 0
        return damaged

    def feed(self, data: bytes) -> list[bytes]:
        """The frames, `>>>` to `<<<` with final newline, that these bytes complete, in order of arrival."""
        buffer = self._buffer
        # The end mark may have begun in what was there before.
        search_from = max(0, len(buffer) - len(_END) + 1)
        buffer += data.replace(b"\r", b"")
        frames: list[bytes] = []
        consumed = 0
        while True:
            end = buffer.find(_END, max(search_from, consumed))
            if end < 0:
                break
            end += len(_END)
            piece = bytes(buffer[consumed:end][-STREAM_FRAME_BYTES_MAX:])
            candidates = _candidates(piece)
            if not candidates or len(candidates[0]) < len(piece.lstrip(_BETWEEN_FRAMES)):
                self._damaged += 1
            frames += candidates
            consumed = end
        # What is older cannot belong to a frame within the limit any more.
        del buffer[: max(consumed, len(buffer) - STREAM_FRAME_BYTES_MAX)]
        return frames


def _candidates(data: bytes) -> list[bytes]:
    """All that may be the frame at the end of `data`, which ends with an end mark; longest first."""
    sure = data.rfind(_SURE_START)
    if sure >= 0:
        data = data[sure + 1 :]
    starts: list[int] = []
    position = data.rfind(START)
    while position >= 0 and len(starts) < STREAM_CANDIDATES_MAX:
        starts.append(position)
        position = data.rfind(START, 0, position)
    if data.startswith(START) and starts[-1] != 0:
        starts.append(0)
    return [data[start:] for start in reversed(starts)]
