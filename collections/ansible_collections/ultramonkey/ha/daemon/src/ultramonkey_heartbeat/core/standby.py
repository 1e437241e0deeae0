"""A planned move between us and a heartbeat 3.0.6, step by step (docs/PROTOCOL.md, "R1").

giver      taker       what it means
=========  ==========  =========================================
me                     I want to give you this part
           other       do; the giver stops
done                   it has stopped; the taker starts
           done        it runs; both report what they now hold
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from ..wire.message import Field, Message
from . import phrases
from .assignment import Cause
from .parts import PARTS, Part
from .report import GroupState
from .shares import Shares
from .steward import Steward

# 3.0.6 waits so long for `other`, then returns to normal.
OTHER_WITHIN_MS = 10_000
# ... and so long for `done`: scripts may be slow.
DONE_WITHIN_MS = 3_600_000


class Step(Enum):
    """What a standby waits for."""

    OTHER = "the taker's consent"
    STOPPED = "our stops"
    TAKEN = "the taker's starts"
    DONE = "the giver's stops"
    STARTED = "our starts"


@dataclass
class Standby:
    """A planned move under way. `part` is seen from here, whoever gives."""

    giving: bool
    part: Part
    step: Step
    deadline_ms: int

    @property
    def word(self) -> str:
        """As the messages of both sides have it: seen from the giver."""
        return (self.part if self.giving else self.part.mirrored).word


class PlannedMoves:
    """The standby under way, if there is one."""

    def __init__(
        self,
        shares: Shares,
        steward: Steward,
        send: Callable[[list[Field]], None],
    ) -> None:
        self._shares = shares
        self._steward = steward
        self._send = send
        self._standby: Standby | None = None
        # The last move in which we were the taker: the giver waits for our `done` for an hour.
        self._taken: Standby | None = None
        # The number of the report by which the taker told that it has the part. What it said before is old.
        self._told_seq = 0
        # The number of its newest report as a stable one.
        self._stable_seq = 0
        # What we consented to take and do not wait for any more. It may still come: the peer had perhaps
        # reported before it knew of our consent.
        self._may_come = Part.NONE

    @property
    def under_way(self) -> bool:
        """Something is being moved."""
        return self._standby is not None

    @property
    def taking(self) -> Part:
        """What the peer is giving us."""
        return Part.NONE if self._standby is None or self._standby.giving else self._standby.part

    @property
    def deadline_ms(self) -> int | None:
        """When we wait no longer for what comes next."""
        return None if self._standby is None else self._standby.deadline_ms

    def forget(self) -> None:
        """The peer knows nothing of it any more, or must not."""
        self._standby = self._taken = None
        self._may_come = Part.NONE

    def new_generation(self) -> None:
        """The peer numbers from 1 again."""
        self._told_seq = self._stable_seq = 0

    def give(self, part: Part, now_ms: int) -> None:
        """Begin to give a part that we hold."""
        self._taken = None
        self._standby = Standby(giving=True, part=part, step=Step.OTHER, deadline_ms=now_ms + OTHER_WITHIN_MS)
        self._say("me")

    def hear(self, message: Message, now_ms: int) -> None:
        """Take in an `ask_resources` of the peer."""
        info, part = message.text("info"), PARTS.get(message.text("rsc_hold") or "")
        seq = message.hexadecimal("seq") or 0
        if part is None or seq < self._told_seq:
            return
        standby = self._standby
        comes = info == "done" and part.mirrored == self._may_come
        if standby is None or (comes and standby.step is Step.OTHER):
            if info == "me":
                # One that comes late may have been given up. (If not, its `done` alone is enough.)
                late = seq < self._stable_seq
                self._take_soon(part.mirrored, Step.DONE, now_ms, OTHER_WITHIN_MS if late else DONE_WITHIN_MS)
                self._say("other")
            elif comes or (info == "done" and not part.mirrored & self._shares.theirs):
                # It has stopped what it gives us in a move in the midst of which we began anew, or that we
                # believed to be given up, and waits for our end of it.
                self._shares.theirs = Part(self._shares.theirs & ~part.mirrored)
                self._take_soon(part.mirrored, Step.STARTED, now_ms)
                self._shares.take(Part(part.mirrored & ~self._shares.mine), Cause.REQUEST)
        elif info == "other" and standby.step is Step.OTHER:
            self._shares.give_up(standby.part, Cause.REQUEST)
            standby.step, standby.deadline_ms = Step.STOPPED, now_ms + DONE_WITHIN_MS
            self._send(phrases.resource(self._shares.mine, stable=False, info="standby"))
        elif info == "done" and standby.step is Step.DONE:
            self._shares.theirs = Part(self._shares.theirs & ~standby.part)
            # Given what we hold already: it had it, too, and was perhaps the last to announce it.
            self._steward.announce(self._shares.keys(standby.part))
            self._shares.take(standby.part, Cause.REQUEST)
            standby.step = Step.STARTED
        elif info == "done" and standby.step is Step.TAKEN:
            self._end()

    def told(self, seq: int) -> None:
        """The peer, stable, said what it holds.

        Maybe what we give, and its `done` was lost or comes late. Or still what it was to give us: our
        consent came too late for it, or was lost. (Should it give it all the same, its `done` is enough.)
        """
        self._stable_seq = max(seq, self._stable_seq)
        standby = self._standby
        if standby is None or standby.part & ~self._shares.theirs:
            return
        if standby.step is Step.TAKEN:
            self._told_seq = seq
            self._end()
        elif standby.step is Step.DONE:
            self._wait_no_more(standby)

    def stands(self, word: str, info: str) -> bool:
        """Whether we would still say this step of a move."""
        standby = self._standby
        if standby is None:
            return info == "done" and self._taken is not None and self._taken.word == word
        due = {Step.OTHER: "me", Step.DONE: "other", Step.TAKEN: "done"}.get(standby.step)
        return standby.word == word and info == due

    def step(self, now_ms: int) -> None:
        """Go on when our scripts are done; end it when nobody answers."""
        standby = self._standby
        if standby is None:
            return
        states = [self._steward.groups[key].state for key in self._shares.keys(standby.part)]
        if standby.step is Step.STOPPED and not any(state.runs for state in states):
            # Once more, should it have been lost: the taker would think, and say, that both hold the part.
            self._send(phrases.resource(self._shares.mine, stable=False, info="standby"))
            self._say("done")
            standby.step = Step.TAKEN
        elif standby.step is Step.STARTED and all(
            state in (GroupState.HELD, GroupState.FAILED) for state in states
        ):
            self._say("done")
            self._taken = standby
            self._end()
        elif now_ms >= standby.deadline_ms:
            self._wait_no_more(standby)

    def _take_soon(self, part: Part, step: Step, now_ms: int, within_ms: int = DONE_WITHIN_MS) -> None:
        self._taken = None
        self._may_come = Part.NONE
        self._standby = Standby(giving=False, part=part, step=step, deadline_ms=now_ms + within_ms)

    def _wait_no_more(self, standby: Standby) -> None:
        if standby.step is Step.DONE:
            self._may_come = standby.part
        self._end()

    def _end(self) -> None:
        self._standby = None
        self._send(phrases.resource(self._shares.mine, stable=True))

    def _say(self, info: str) -> None:
        if self._standby is not None:
            self._send(phrases.ask_resources(self._standby.word, info))
