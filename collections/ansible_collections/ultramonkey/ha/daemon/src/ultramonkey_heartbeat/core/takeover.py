"""The conversation by which heartbeat 3.0.6 moves resources, spoken to a peer that knows no other.

A 3.0.6 describes what it holds by one of four words, seen from itself: none, local (the groups that
prefer it), foreign (the others), all. It moves them by one-shot messages (docs/PROTOCOL.md, "R1"). We
answer each of them at once, never wait the fixed ten seconds it waits at a common start, and keep our
own rules on our side: the `Steward` starts a group only when it is ours and the peer does not run it.

Only for two nodes: with more, 3.0.6 itself does not know who holds what.

stage      meaning                                                          left when
=========  ===============================================================  ==========================
ABSENT     the peer does not live; all is ours, by the ordinary rules       it is heard
RESIGNING  it returned from a split believing it holds all: we let go       nothing runs here
ASKING     we hold nothing and have asked what it holds (`starting`)        it says so (`resource`)
STABLE     both know who holds what
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

from ..config.model import AutoFailback
from ..wire.message import Field, Message, string
from .assignment import NOBODY, Cause
from .membership import Peer, PeerState
from .parts import PARTS, TAKEOVER, Part
from .report import GroupReport, GroupState, Phase, Report
from .standby import DONE_WITHIN_MS, OTHER_WITHIN_MS, Standby, Step
from .steward import Steward

# `starting` is repeated until answered: 3.0.6 ignores it until it is active itself.
ASK_INTERVAL_MS = 1000


class Stage(Enum):
    """Where the conversation is; see the table above."""

    ABSENT = "absent"
    RESIGNING = "resigning"
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
        self._send = send
        self.stage = Stage.ABSENT
        self.mine = Part.NONE
        # What the peer holds, seen from here.
        self.theirs = Part.NONE
        self._peer_stable = False
        self._standby: Standby | None = None
        self._failback_wanted = False
        self._asked_at_ms: int | None = None
        self._gone_generation = 0
        self._said_shutdown = False
        self._answers_due: list[str] = []
        self._incarnation_of_peer = 0

    # -- time and state ----------------------------------------------------------------------------

    def tick(self, peer: Peer, phase: Phase, now_ms: int) -> None:
        """Bring the conversation to where membership and the groups are."""
        self._incarnation_of_peer = peer.generation
        if phase is Phase.JOINING:
            return
        if not (peer.alive and peer.old):
            self._alone(peer)
        elif phase is Phase.LEAVING:
            self._leave()
        elif self._policy is AutoFailback.LEGACY:
            self._tick_legacy(peer, now_ms)
        else:
            self._tick_nice(peer, now_ms)
        self._describe(peer)

    def next_deadline(self) -> int | None:
        """When the conversation must be looked at again without an event."""
        instants = []
        if self._standby is not None:
            instants.append(self._standby.deadline_ms)
        if self._asked_at_ms is not None and self.stage is Stage.ASKING:
            instants.append(self._asked_at_ms + ASK_INTERVAL_MS)
        return min(instants, default=None)

    def _alone(self, peer: Peer) -> None:
        if self.stage is not Stage.ABSENT:
            self._gone_generation = peer.generation if peer.state is PeerState.DEAD else 0
        self.stage = Stage.ABSENT
        self.mine, self.theirs = Part.ALL, Part.NONE
        self._peer_stable = False
        self._standby = None
        self._failback_wanted = True

    def _leave(self) -> None:
        if not self._said_shutdown and self._policy is not AutoFailback.LEGACY:
            self._said_shutdown = True
            self.mine = Part.NONE
            self._report(stable=False, info="shutdown")

    def _tick_nice(self, peer: Peer, now_ms: int) -> None:
        if self.stage is Stage.ABSENT:
            self._meet(peer)
        if self.stage is Stage.RESIGNING and self._steward.idle():
            self.stage = Stage.ASKING
        if self.stage is Stage.ASKING:
            self._ask(peer, now_ms)
        elif self.stage is Stage.STABLE:
            self._step(now_ms)
            self._fail_back(now_ms)

    def _meet(self, peer: Peer) -> None:
        """The peer is heard: for the first time, again after a split, or after its restart."""
        if self._gone_generation and self._gone_generation == peer.generation:
            # It never noticed, and holds what we took over. It would not let go; so we do.
            self._become_without(Part.ALL)
            self.theirs = Part.ALL
            self.stage = Stage.RESIGNING
        elif self.mine is Part.NONE:
            self.stage = Stage.ASKING
        else:
            self.stage = Stage.STABLE

    def _ask(self, peer: Peer, now_ms: int) -> None:
        due = self._asked_at_ms is None or now_ms - self._asked_at_ms >= ASK_INTERVAL_MS
        if peer.state is PeerState.ACTIVE and due:
            self._asked_at_ms = now_ms
            self._send([string("t", "starting")])

    # -- what the peer says ------------------------------------------------------------------------

    def hear(self, message: Message, now_ms: int) -> None:
        """Take in one numbered message of the peer that is not a status."""
        kind = message.text("t") or ""
        if kind == "reqnodes":
            self._answer_reqnodes(message)
        elif kind in ("ip-request", "ip-request-resp"):
            self._hear_legacy(kind, message)
        elif self.stage is Stage.ABSENT or self._policy is AutoFailback.LEGACY:
            return
        elif kind == "starting":
            self._peer_stable = False
            self._report(stable=self.stage is Stage.STABLE and self._standby is None)
        elif kind == "resource":
            self._hear_resource(message)
        elif kind == "ask_resources":
            self._hear_standby(message, now_ms)
        elif kind == "hb_takeover":
            self.give(TAKEOVER.get(message.text("rsc_hold") or "", Part.NONE), now_ms)

    def _answer_reqnodes(self, message: Message) -> None:
        self._send(
            [
                string("dest", (message.text("src") or "")),
                string("t", "repnodes"),
                string("nodelist", "".join(f"{name} " for name in self._nodes)),
                string("delnodelist", " "),
            ]
        )

    def _hear_resource(self, message: Message) -> None:
        held = PARTS.get(message.text("rsc_hold") or "")
        if held is None:
            return
        full = message.text("rtype") == "full" or held is Part.NONE
        self.theirs = held.mirrored if full else Part(self.theirs | held.mirrored)
        stable = message.text("isstable")
        became_stable = stable == "1" and not self._peer_stable
        if stable is not None:
            self._peer_stable = stable == "1"
        if self.stage is Stage.ASKING:
            self._first_answer()
        elif became_stable and self.stage is Stage.STABLE and self._standby is None:
            self._report(stable=True)
        if message.text("info") != "shutdown":
            self._yield_overlap()

    def _first_answer(self) -> None:
        """We know what the peer holds; what is ours and free we take, without its ten seconds."""
        self.stage = Stage.STABLE
        self._asked_at_ms = None
        self._dictate(self.theirs, to_us=False, cause=Cause.START)
        if not self.theirs & Part.LOCAL:
            self.mine = Part.LOCAL
            self._dictate(Part.LOCAL, to_us=True, cause=Cause.START)
        self._report(stable=True)

    def _yield_overlap(self) -> None:
        """Both claim a part and it is settled: 3.0.6 would only log it, so it is for us to let go."""
        overlap = Part(self.mine & self.theirs)
        if self.stage is Stage.STABLE and self._peer_stable and self._standby is None and overlap:
            self._become_without(overlap)
            self._report(stable=True)

    # -- planned moves -----------------------------------------------------------------------------

    def give(self, part: Part, now_ms: int) -> bool:
        """Begin to give what we hold of a part to the peer. False when that cannot begin now."""
        part = Part(part & self.mine)
        if not part or not self._settled():
            return False
        self._standby = Standby(giving=True, part=part, step=Step.OTHER, deadline_ms=now_ms + OTHER_WITHIN_MS)
        self._say_standby("me")
        return True

    def take(self, part: Part) -> bool:
        """Ask the peer to give us a part that it holds. False when that cannot begin now."""
        if not part or part & ~self.theirs or not self._settled():
            return False
        # It maps the word back: local of the asker is foreign of the giver.
        self._send([string("t", "hb_takeover"), string("rsc_hold", part.word)])
        return True

    def _settled(self) -> bool:
        return self.stage is Stage.STABLE and self._peer_stable and self._standby is None

    def _hear_standby(self, message: Message, now_ms: int) -> None:
        info, part = message.text("info"), PARTS.get(message.text("rsc_hold") or "")
        if part is None:
            return
        standby = self._standby
        if info == "me" and standby is None and self.stage is Stage.STABLE:
            self._standby = Standby(
                giving=False, part=part.mirrored, step=Step.DONE, deadline_ms=now_ms + DONE_WITHIN_MS
            )
            self._say_standby("other")
        elif info == "other" and standby is not None and standby.step is Step.OTHER:
            self._become_without(standby.part)
            standby.step, standby.deadline_ms = Step.STOPPED, now_ms + DONE_WITHIN_MS
            self._report(stable=False, info="standby")
        elif info == "done" and standby is not None and standby.step is Step.DONE:
            self.theirs = Part(self.theirs & ~standby.part)
            self.mine = Part(self.mine | standby.part)
            self._dictate(standby.part, to_us=True, cause=Cause.REQUEST)
            standby.step = Step.STARTED
        elif info == "done" and standby is not None and standby.step is Step.TAKEN:
            self._end_standby()

    def _step(self, now_ms: int) -> None:
        """A standby goes on when our scripts are done, and ends when nobody answers."""
        standby = self._standby
        if standby is None:
            return
        states = [self._steward.groups[key].state for key in self._keys(standby.part)]
        if standby.step is Step.STOPPED and not any(state.runs for state in states):
            self._say_standby("done")
            standby.step = Step.TAKEN
        elif standby.step is Step.STARTED and all(
            state in (GroupState.HELD, GroupState.FAILED) for state in states
        ):
            self._say_standby("done")
            self._end_standby()
        elif now_ms >= standby.deadline_ms:
            self._end_standby()

    def _end_standby(self) -> None:
        self._standby = None
        self._report(stable=True)

    def _fail_back(self, now_ms: int) -> None:
        """Give back what we took over when the peer was away, as the giver's own auto_failback says."""
        if not self._failback_wanted or not self._settled():
            return
        if self._policy is AutoFailback.ON and self.mine & Part.FOREIGN:
            self.give(Part.FOREIGN, now_ms)
        self._failback_wanted = False

    # -- legacy ------------------------------------------------------------------------------------

    def _tick_legacy(self, peer: Peer, now_ms: int) -> None:
        """Each node always holds its own: what is the peer's it asks for; what is ours we ask for."""
        if self.stage is Stage.ABSENT:
            self.stage = Stage.ASKING
            if self._gone_generation and self._gone_generation == peer.generation:
                self._dictate(Part.FOREIGN, to_us=False, cause=Cause.FAILBACK)
        due = self._asked_at_ms is None or now_ms - self._asked_at_ms >= ASK_INTERVAL_MS
        wanted = [key for key in self._keys(Part.LOCAL) if not self._steward.owns(key)]
        if wanted and due and peer.state is PeerState.ACTIVE:
            self._asked_at_ms = now_ms
            for key in wanted:
                self._send([string("t", "ip-request"), string("ipaddr", key)])
        for key in list(self._answers_due):
            if not self._steward.groups[key].state.runs:
                self._answers_due.remove(key)
                self._say_not_ours(key, peer.name, held=True)

    def _hear_legacy(self, kind: str, message: Message) -> None:
        key, peer = message.text("ipaddr") or "", (message.text("src") or "").lower()
        local = self._steward.groups.get(key)
        if local is None or self._policy is not AutoFailback.LEGACY:
            return
        if kind == "ip-request-resp":
            if local.group.preferred == self._steward.me and message.text("ok") == "OK":
                self._steward.dictate((key,), self._steward.me, None, Cause.FAILBACK)
        elif local.state.runs:
            self._steward.dictate((key,), peer, self._incarnation_of_peer, Cause.FAILBACK)
            self._answers_due.append(key)
        else:
            self._say_not_ours(key, peer, held=False)

    def _say_not_ours(self, key: str, peer: str, *, held: bool) -> None:
        self._send(
            [
                string("t", "ip-request-resp"),
                string("dest", peer),
                string("ipaddr", key),
                string("weown", "yes" if held else "no"),
                string("ok", "OK"),
            ]
        )

    # -- saying and writing ------------------------------------------------------------------------

    def _report(self, *, stable: bool, info: str | None = None) -> None:
        fields = [
            string("t", "resource"),
            string("rsc_hold", self.mine.word),
            string("rtype", "full"),
            string("isstable", "1" if stable else "0"),
        ]
        if info is not None:
            fields.append(string("info", info))
        self._send(fields)

    def _say_standby(self, info: str) -> None:
        if self._standby is not None:
            word = self._standby.word
            self._send([string("t", "ask_resources"), string("rsc_hold", word), string("info", info)])

    def _become_without(self, part: Part) -> None:
        self.mine = Part(self.mine & ~part)
        self._dictate(part, to_us=False, cause=Cause.REQUEST)

    def _dictate(self, part: Part, *, to_us: bool, cause: Cause) -> None:
        if to_us:
            self._steward.dictate(self._keys(part), self._steward.me, None, cause)
        else:
            self._steward.dictate(self._keys(part), self._peer_name, self._incarnation_of_peer, cause)

    def _keys(self, part: Part) -> tuple[str, ...]:
        me = self._steward.me
        return tuple(
            key
            for key, local in self._steward.groups.items()
            if part & (Part.LOCAL if local.group.preferred == me else Part.FOREIGN)
        )

    def part_of(self, keys: Sequence[str]) -> Part | None:
        """The part that is exactly these groups, or None."""
        for part in (Part.LOCAL, Part.FOREIGN, Part.ALL):
            if set(self._keys(part)) == set(keys):
                return part
        return None

    @property
    def _peer_name(self) -> str:
        return next(name for name in self._nodes if name != self._steward.me)

    def _describe(self, peer: Peer) -> None:
        """What the peer would say in a report of ours, so that the ordinary rules can read it."""
        if not peer.old:
            return
        held = {key: GroupReport(NOBODY, GroupState.HELD) for key in self._keys(self.theirs)}
        phase = Phase.ACTIVE if peer.state is PeerState.ACTIVE else Phase.JOINING
        peer.report = Report(peer.generation, phase, "", (), held if peer.alive else {})
