"""Which messages of a peer are new, which are missing, and what we ourselves can send again.

Linux-HA heartbeat numbers every message of a generation from 1 and asks for lost ones by number
(docs/PROTOCOL.md, "Reliable delivery"). A number may arrive late in ordinary traffic, so nothing is
asked for at once. Our own peers repeat their whole state in every status, so for them a lost message
is repaired by the next one anyway; 3.0.6 depends on the repetition.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from enum import Enum

from ..wire.message import Message

# Larger gaps are not worth filling: 3.0.6 forgets them too.
GAP_MAX = 250
# How many sent messages are kept to be sent again (3.0.6: 500).
HISTORY_MAX = 500
# A message is not sent again within this time of its last repetition (3.0.6: 240 ms).
REPEAT_INTERVAL_MS = 240
# At most so many are sent again for one request, and asked for in one go.
BURST_MAX = 50
# Before asking for a missing number, wait a random time: it may only be late.
ASK_DELAY_MS = (50, 250)
# 3.0.6 says most things only once, so a number is asked for until it comes, the peer says that it is gone,
# or it is so far behind the newest that the peer may have forgotten it; after so many times more slowly.
QUICK_ASKS = 8
SLOWER_BY = 4
BEHIND_MAX = 200


class Verdict(Enum):
    """What the sequence number of a message says about it."""

    NEW = "new"
    # New, and some before it have not come.
    GAP = "gap"
    # A missing one that has come at last: true, but older than what we know.
    LATE = "late"
    DUPLICATE = "duplicate"


class _Missing:
    __slots__ = ("ask_at_ms", "asks")

    def __init__(self, ask_at_ms: int) -> None:
        self.ask_at_ms = ask_at_ms
        self.asks = 0


class ReceiveWindow:
    """The sequence numbers of one generation of one peer."""

    def __init__(self, rng: random.Random, repeat_ms: int) -> None:
        self._rng = rng
        self._repeat_ms = repeat_ms
        self._last: int | None = None
        self._missing: dict[int, _Missing] = {}

    def accept(self, seq: int, now_ms: int) -> Verdict:
        """Judge a number and remember it."""
        last = self._last
        if last is None or seq == last + 1:
            self._last = seq
            return Verdict.NEW
        if seq > last:
            self._note_gap(last + 1, seq, now_ms)
            self._last = seq
            return Verdict.GAP
        if self._missing.pop(seq, None) is not None:
            return Verdict.LATE
        return Verdict.DUPLICATE

    @property
    def newest(self) -> int:
        """The greatest number that has come; 0 when none has."""
        return self._last or 0

    @property
    def complete(self) -> bool:
        """Nothing that was sent before the last one is missing."""
        return not self._missing

    def give_up(self, seq: int) -> None:
        """The peer said that it no longer has this one."""
        self._missing.pop(seq, None)

    def _note_gap(self, first: int, beyond: int, now_ms: int) -> None:
        if beyond - first > GAP_MAX:
            self._missing.clear()
            return
        for seq in range(first, beyond):
            if len(self._missing) >= GAP_MAX:
                return
            self._missing[seq] = _Missing(now_ms + self._rng.randint(*ASK_DELAY_MS))

    def due(self, now_ms: int) -> list[int]:
        """The missing numbers that must be asked for now; each is then due again later."""
        asked: list[int] = []
        oldest = (self._last or 0) - BEHIND_MAX
        for seq, missing in list(self._missing.items()):
            if missing.ask_at_ms > now_ms:
                continue
            if seq < oldest:
                del self._missing[seq]
                continue
            if len(asked) == BURST_MAX:
                break
            missing.asks += 1
            slower = 1 if missing.asks < QUICK_ASKS else SLOWER_BY
            missing.ask_at_ms = now_ms + slower * self._repeat_ms
            asked.append(seq)
        return asked

    def next_deadline(self) -> int | None:
        """When the next question is due, or None."""
        return min((m.ask_at_ms for m in self._missing.values()), default=None)


class SendHistory:
    """What we have sent in this generation, to be sent again byte for byte."""

    def __init__(self) -> None:
        self._sent: OrderedDict[int, Message] = OrderedDict()
        self._repeated_at: dict[int, int] = {}
        self.last_seq = 0

    def next_seq(self) -> int:
        """The number of the next message."""
        self.last_seq += 1
        return self.last_seq

    def remember(self, seq: int, message: Message) -> None:
        """Keep a message, and forget the oldest beyond the limit."""
        self._sent[seq] = message
        if len(self._sent) > HISTORY_MAX:
            old, _ = self._sent.popitem(last=False)
            self._repeated_at.pop(old, None)

    def asked_for(self, first: int, last: int, now_ms: int) -> tuple[list[Message], list[int]]:
        """What to send again for a request, and the numbers that we no longer have.

        Numbers never sent are ignored; one sent again very recently is not repeated.
        """
        again: list[Message] = []
        gone: list[int] = []
        last = min(last, self.last_seq, first + BURST_MAX - 1)
        for seq in range(max(first, 1), last + 1):
            message = self._sent.get(seq)
            if message is None:
                gone.append(seq)
                continue
            repeated_at = self._repeated_at.get(seq)
            if repeated_at is None or now_ms - repeated_at >= REPEAT_INTERVAL_MS:
                self._repeated_at[seq] = now_ms
                again.append(message)
        return again, gone
