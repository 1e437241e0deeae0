"""The conversation by which heartbeat 3.0.6 moves resources, spoken to a peer that knows no other.

A 3.0.6 describes what it holds by one of four words, seen from itself: none, local (the groups that
prefer it), foreign (the others), all. It moves them by one-shot messages (docs/PROTOCOL.md, "R1"). We
answer each of them at once, never wait the fixed ten seconds it waits at a common start, and keep our
own rules on our side: the `Steward` starts a group only when it is ours and the peer does not run it.

Only for two nodes: with more, 3.0.6 itself does not know who holds what.

stage      meaning                                                          left when
=========  ===============================================================  ==========================
ABSENT     the peer does not live; all is ours, by the ordinary rules       it is heard
ASKING     we have asked what it holds (`starting`)                         it says so (`resource`)
STABLE     both know who holds what                                         it dies, or there is doubt

Doubt: when we hear nothing of it for a while, it may hear nothing of us, declare us dead and take what we
hold. It would take a silence that ends as a healed split, drop everything and restart itself. So before it
can have declared us dead, or as soon as it says that it has (`stonith`), we begin anew as after a restart:
under a new generation (`Node`), and with the question what it holds. What both hold, we give up: it would
only log it.

A part that nobody holds once both are stable is taken: with 3.0.6 alone it would be left nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

from ..config.model import AutoFailback
from ..wire.message import Field, Message
from . import ipfail, phrases
from .assignment import NOBODY, Cause
from .legacy import Legacy
from .membership import Peer, PeerState
from .parts import PARTS, TAKEOVER, Part
from .report import GroupReport, GroupState, Phase, Report
from .shares import Shares
from .standby import PlannedMoves
from .steward import Steward
from .wanted import ASK_AGAIN_MS, Wanted

# `starting` is repeated until answered: 3.0.6 ignores it until it is active itself.
ASK_INTERVAL_MS = 1000
# How long it is asked to release what it does not know that it holds.
RELEASE_WITHIN_MS = 60_000


class Stage(Enum):
    """Where the conversation is; see the table above."""

    ABSENT = "absent"
    ASKING = "asking"
    STABLE = "stable"


class Conversation:
    """Our side of it, with one peer."""

    def __init__(
        self,
        steward: Steward,
        policy: AutoFailback,
        nodes: Sequence[str],
        send: Callable[[list[Field]], None],
    ) -> None:
        self._steward = steward
        self._policy = policy
        self._nodes = nodes
        self._emit = send
        self._last_report: list[Field] | None = None
        self.stage = Stage.ABSENT
        self.shares = Shares(steward, nodes)
        self._moves = PlannedMoves(self.shares, steward, self._send)
        self._peer_stable = False
        self._failback_wanted = False
        self._wanted = Wanted(self.shares, self._moves, self._send)
        # What the peer took over while it gave it to us.
        self._taken_twice = Part.NONE
        self._asked_at_ms: int | None = None
        self._gone_generation = 0
        self._said_shutdown = False
        # The number of its newest report, and of its answer to our question; what is older and comes late
        # changes nothing.
        self._report_seq = 0
        self._answer_seq = 0
        self._doubted_at_ms: int | None = None
        self._declared_dead = False
        self._legacy = Legacy(steward, send) if policy is AutoFailback.LEGACY else None
        # Set where ping nodes are watched; 3.0.6 does nothing with them in legacy mode.
        self.ipfail: ipfail.Ipfail | None = None

    # -- time and state ----------------------------------------------------------------------------

    def tick(self, peer: Peer, phase: Phase, now_ms: int) -> None:
        """Bring the conversation to where membership and the groups are."""
        if peer.generation != self.shares.peer_generation:
            if self.shares.peer_generation and peer.state is PeerState.ACTIVE:
                # It was restarted unheard; it may have taken everything, and asks nobody any more.
                self.stage = Stage.ABSENT
            self.shares.peer_generation, self._report_seq, self._answer_seq = peer.generation, 0, 0
            self._moves.new_generation()
        if phase is Phase.JOINING:
            return
        if not (peer.alive and peer.old):
            self._alone(peer)
        elif phase is Phase.LEAVING:
            self._leave(peer)
        elif self._legacy is not None:
            self._tick_legacy(self._legacy, peer, now_ms)
        else:
            self._tick_nice(peer, now_ms)
        self._describe(peer)

    def next_deadline(self) -> int | None:
        """When the conversation must be looked at again without an event."""
        instants: list[int | None] = [self._moves.deadline_ms]
        if self.settled():
            instants.append(self._wanted.ask_at_ms)
        if self._asked_at_ms is not None and self.stage is Stage.ASKING:
            instants.append(self._asked_at_ms + ASK_INTERVAL_MS)
        if self.ipfail is not None and self.stage is Stage.STABLE:
            instants.append(self.ipfail.next_deadline())
        if self._legacy is not None:
            instants.append(self._legacy.next_deadline())
        return min((at_ms for at_ms in instants if at_ms is not None), default=None)

    def _alone(self, peer: Peer) -> None:
        if self.stage is not Stage.ABSENT:
            self._gone_generation = peer.generation if peer.state is PeerState.DEAD else 0
        self.stage = Stage.ABSENT
        self.shares.mine, self.shares.theirs = Part.ALL, Part.NONE
        self._peer_stable = False
        self._moves.forget()
        self._failback_wanted = True
        self._wanted.forget()
        self._taken_twice = Part.NONE
        if self._legacy is not None:
            self._legacy.forget()
        if self.ipfail is not None:
            self.ipfail.forget()

    def doubts(self, peer: Peer, deadtime_ms: int, keepalive_ms: int, now_ms: int) -> bool:
        """Whether we must begin anew, under a new generation, because the peer may believe us dead.

        `deadtime_ms` is ours: what it measures us by. True once for each silence.
        """
        if not peer.old or peer.last_heard_ms is None or peer.state is PeerState.LEFT:
            return False
        silent_ms = now_ms - peer.last_heard_ms
        # It may have heard us last a keepalive before we heard it, and we look once in a keepalive.
        too_long = silent_ms >= max(deadtime_ms - 2 * keepalive_ms, deadtime_ms // 2)
        if not self._declared_dead and (not too_long or self._doubted_at_ms == peer.last_heard_ms):
            return False
        self._declared_dead = False
        self._doubted_at_ms = peer.last_heard_ms
        self.begin_anew(peer)
        return True

    def begin_anew(self, peer: Peer) -> None:
        """We are under a new generation, and the peer may have taken what we held."""
        if self.stage is Stage.ABSENT:
            return
        if self._legacy is not None:
            self._legacy.meet(peer, unnoticed=False)
            return
        self.stage = Stage.ASKING
        self._asked_at_ms = None
        self._peer_stable = False
        self._moves.forget()

    def _leave(self, peer: Peer) -> None:
        if self._legacy is not None:
            # It waits for our answer, and asks nobody again.
            self._legacy.answer_stopped(peer)
        if not self._said_shutdown and self._policy is not AutoFailback.LEGACY:
            self._said_shutdown = True
            self.shares.mine = Part.NONE
            self._report(stable=False, info="shutdown")

    def _tick_nice(self, peer: Peer, now_ms: int) -> None:
        if self.stage is Stage.ABSENT:
            self._meet(peer)
        if self.stage is Stage.ASKING:
            self._ask(peer, now_ms)
        elif self.stage is Stage.STABLE:
            self._moves.step(now_ms)
            self._fail_back(now_ms)
            self._have_it_released(now_ms)
            self._wanted.step(now_ms, settled=self.settled())
            if self.ipfail is not None:
                self.ipfail.tick(peer, self.shares.mine, self.give, now_ms)

    def _meet(self, peer: Peer) -> None:
        """The peer is heard: for the first time, again after a split, or after its restart."""
        unnoticed = self._gone_generation == peer.generation
        # One that is still starting will ask us. One that is active may have taken everything meanwhile.
        asks_us = peer.state is PeerState.JOINING and not unnoticed
        self.stage = Stage.STABLE if self.shares.mine and asks_us else Stage.ASKING

    def may_ask(self, peer: Peer) -> bool:
        """We have begun anew, and the peer has been heard since: the question can be asked now."""
        return self.stage is Stage.ASKING and self._asked_at_ms is None and self._hears(peer)

    def _hears(self, peer: Peer) -> bool:
        return peer.state is PeerState.ACTIVE and peer.last_heard_ms != self._doubted_at_ms

    def _ask(self, peer: Peer, now_ms: int) -> None:
        due = self._asked_at_ms is None or now_ms - self._asked_at_ms >= ASK_INTERVAL_MS
        if due and self._hears(peer):
            self._asked_at_ms = now_ms
            self._send(phrases.starting())

    # -- what the peer says ------------------------------------------------------------------------

    def hear(self, peer: Peer, message: Message, now_ms: int) -> None:
        """Take in one numbered message of the peer that is not a status."""
        kind = message.text("t") or ""
        if kind == "reqnodes":
            self._send(phrases.repnodes(message.text("src") or "", self._nodes))
        elif kind == "stonith":
            # Repeated after it has heard us again, it is old news.
            news = (message.hexadecimal("seq") or 0) >= self._answer_seq
            self._declared_dead |= news and (message.text("node") or "").lower() == self._steward.me
        elif self.stage is Stage.ABSENT:
            return
        elif self._legacy is not None:
            if kind in ("ip-request", "ip-request-resp"):
                self._legacy.hear(message, peer)
        elif kind in ipfail.WORDS:
            if self.ipfail is not None:
                self.ipfail.hear(message, peer, now_ms)
        elif kind == "starting":
            if (message.hexadecimal("seq") or 0) >= self._report_seq:
                # It was restarted, and knows nothing of a move that was under way.
                self._moves.forget()
                self._peer_stable = False
            self._report(stable=self.stage is Stage.STABLE)
        elif kind == "resource":
            self._hear_resource(message, now_ms)
        elif kind == "ask_resources":
            if self.stage is Stage.STABLE:
                self._moves.hear(message, now_ms)
        elif kind == "hb_takeover":
            self.give(TAKEOVER.get(message.text("rsc_hold") or "", Part.NONE), now_ms)

    def _hear_resource(self, message: Message, now_ms: int) -> None:
        held, seq = PARTS.get(message.text("rsc_hold") or ""), message.hexadecimal("seq") or 0
        if held is None or seq < self._report_seq:
            return
        self._report_seq = seq
        full = message.text("rtype") == "full" or held is Part.NONE
        shares = self.shares
        shares.theirs = held.mirrored if full else Part(shares.theirs | held.mirrored)
        stable = message.text("isstable")
        became_stable = stable == "1" and not self._peer_stable
        if stable is not None:
            self._peer_stable = stable == "1"
        if stable == "1":
            self._moves.told(seq)
        if message.text("info") == "mach_down":
            self._taken_twice = Part(held.mirrored & self._moves.taking)
        if self.stage is Stage.ASKING:
            # Only an answer has no `info`; with one it tells of something it is about to do. What answers a
            # question of before we began anew is none: it does not know us yet.
            if message.text("info") is None and self._asked_at_ms is not None:
                self._answer_seq = seq
                self._first_answer(now_ms)
            else:
                shares.give_up(shares.overlap, Cause.REQUEST)
        elif became_stable and self.settled():
            self._report(stable=True)
        if message.text("info") != "shutdown":
            self._yield_overlap(now_ms)
        if stable == "1":
            self._take_what_is_free()

    def _first_answer(self, now_ms: int) -> None:
        """We know what the peer holds; what is ours and free we take, without its ten seconds."""
        self.stage = Stage.STABLE
        self._asked_at_ms = None
        shares = self.shares
        shares.give_up(shares.theirs, Cause.START)
        # What we held through a doubt stays, and what is ours comes, unless the peer has it.
        shares.take(Part(Part.LOCAL & ~shares.theirs & ~shares.mine), Cause.START)
        if self._policy is AutoFailback.ON:
            self._wanted.want(Part.LOCAL, now_ms + ASK_AGAIN_MS)
        self._report(stable=True)

    def _take_what_is_free(self) -> None:
        """Both are stable, and a part is nowhere: whoever held it was restarted, or let go too much."""
        free = self.shares.free
        if self.settled() and free:
            self.shares.take(free, Cause.TAKEOVER)
            self._failback_wanted = True
            self._report(stable=True)

    def _yield_overlap(self, now_ms: int) -> None:
        """Both claim a part and it is settled: 3.0.6 would only log it, so it is for us to let go."""
        overlap = self.shares.overlap
        if self.settled() and overlap:
            self.shares.give_up(overlap, Cause.REQUEST)
            self._report(stable=True)
            if overlap & Part.LOCAL and self._policy is AutoFailback.ON:
                # It had given us this back, and its takeover of us, not yet done by then, took it once more.
                self._wanted.want(Part.LOCAL, now_ms + ASK_AGAIN_MS)

    # -- planned moves -----------------------------------------------------------------------------

    def give(self, part: Part, now_ms: int) -> bool:
        """Begin to give what we hold of a part to the peer. False when that cannot begin now."""
        part = Part(part & self.shares.mine)
        if not part or not self.settled():
            return False
        self._moves.give(part, now_ms)
        return True

    def take(self, part: Part, now_ms: int, within_ms: int) -> bool:
        """Ask the peer to give us a part that it holds. False when that cannot begin now."""
        if not part or part & ~self.shares.theirs or not self.settled():
            return False
        # Said at once by the next tick.
        self._wanted.want(part, now_ms, now_ms + within_ms)
        return True

    def settled(self) -> bool:
        """Both know who holds what, and nothing is being moved."""
        if self._legacy is not None:
            # Nobody says what it holds, and nothing is moved by request.
            return self.stage is Stage.STABLE
        return self.stage is Stage.STABLE and self._peer_stable and not self._moves.under_way

    def _fail_back(self, now_ms: int) -> None:
        """Give back what we took over when the peer was away, as the giver's own auto_failback says."""
        if self._failback_wanted and self._policy is AutoFailback.ON and self.settled():
            self.give(Part.FOREIGN, now_ms)
            self._failback_wanted = False

    def _have_it_released(self, now_ms: int) -> None:
        """Let the peer stop what its takeover of us started after it had stopped it for us.

        Its takeover and what it gives back to one that returned meanwhile run side by side; it believes
        afterwards that it does not hold the part, but stops it when it is asked for it.
        """
        if self._taken_twice and not self._moves.under_way:
            self._wanted.want(self._taken_twice, now_ms, now_ms + RELEASE_WITHIN_MS, anyway=True)
            self._taken_twice = Part.NONE

    # -- legacy ------------------------------------------------------------------------------------

    def _tick_legacy(self, legacy: Legacy, peer: Peer, now_ms: int) -> None:
        if self.stage is Stage.ABSENT:
            self.stage = Stage.STABLE
            # One that is still starting asks for its own. One that is active already holds it.
            unnoticed = self._gone_generation == peer.generation or peer.state is PeerState.ACTIVE
            legacy.meet(peer, unnoticed=unnoticed)
        legacy.tick(peer, now_ms)

    # -- saying and writing ------------------------------------------------------------------------

    def _send(self, own: list[Field]) -> None:
        if own[0] == phrases.REPORT:
            self._last_report = own
        self._emit(own)

    def _report(self, *, stable: bool, info: str | None = None) -> None:
        self._send(phrases.resource(self.shares.mine, stable=stable, info=info))

    def instead_of(self, message: Message) -> list[Field] | None:
        """What to say when the peer asks again for a message of ours; None: the same.

        3.0.6 takes in what comes late as if it were new: an old report that we are not stable would leave it
        in transition, an old `ask_resources` begin a move of which nobody knows any more.
        """
        if self._legacy is not None or self._said_shutdown or self.stage is Stage.ABSENT:
            return None
        word, info = message.text("rsc_hold") or "", message.text("info") or ""
        stands = {
            "starting": self.stage is Stage.ASKING,
            "resource": False,
            "ask_resources": self._moves.stands(word, info),
            "hb_takeover": self._wanted.stands(word),
        }.get(message.text("t") or "", True)
        return None if stands else self._last_report

    def _describe(self, peer: Peer) -> None:
        """What the peer would say in a report of ours, so that the ordinary rules can read it."""
        if not peer.old:
            return
        if self._legacy is not None:
            held = self._legacy.held_by(peer)
        else:
            held = {key: GroupReport(NOBODY, GroupState.HELD) for key in self.shares.keys(self.shares.theirs)}
        phase = Phase.ACTIVE if peer.state is PeerState.ACTIVE else Phase.JOINING
        peer.report = Report(peer.generation, phase, "", (), held if peer.alive else {})
