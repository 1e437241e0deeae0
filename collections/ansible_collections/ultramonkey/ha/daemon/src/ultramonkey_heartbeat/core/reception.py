"""What arrives: from bytes on a link to what is known of a peer.

Decides for each message whether it counts (verified, of our cluster, of this generation, not seen
before), notes what it tells, and marks what has to be done about it. Whatever does not count changes
nothing but a counter.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from ..config.model import Configuration
from ..wire import brief
from ..wire.errors import MalformedFieldError, WireError
from ..wire.message import Field, Message
from .complaints import Complaints
from .effects import Effect
from .membership import Membership, Peer, old_state_from, state_from
from .notices import ConfigDiffers, Notice, OldPeer
from .panel import Panel
from .report import Report, from_message, raw_fields
from .ring import Ring
from .sequence import Verdict
from .steward import Steward
from .takeover import Conversation
from .transmit import Identity, Transmitter

# A 3.0.6 wants one message in ten acknowledged.
ACKNOWLEDGE_EACH = 10
# The answer to a question for a full status needs about so long on the slowest line.
ASK_IN_FULL_EVERY_MS = 1000
# Several may ask at once, and a question may be replayed.
FULL_GIVEN_EVERY_MS = 240

Decoder = Callable[[bytes], Message]


@dataclass
class Marks:
    """What an event leaves to be done."""

    # What we say of ourselves is no longer what we last said.
    changed: bool = False
    # The groups must be looked at.
    unsettled: bool = False
    # Some deadline may have come nearer.
    sooner: bool = False

    @property
    def any(self) -> bool:
        """There is something to do now."""
        return self.changed or self.unsettled or self.sooner


class Reception:
    """Takes in frames and messages for one node."""

    def __init__(
        self,
        *,
        configuration: Configuration,
        identity: Identity,
        membership: Membership,
        steward: Steward,
        panel: Panel,
        conversation: Conversation | None,
        transmitter: Transmitter,
        complaints: Complaints,
        marks: Marks,
        emit: Callable[[Effect], None],
        decode: Decoder,
        rng: random.Random,
    ) -> None:
        self.received = 0
        self.configure(configuration)
        self._full_given_ms = -FULL_GIVEN_EVERY_MS
        self.ring = Ring(identity.name, configuration.ha.links, configuration.ha.nodes)
        self._identity = identity
        self._membership = membership
        self._steward = steward
        self._panel = panel
        self._conversation = conversation
        self._transmitter = transmitter
        self._complaints = complaints
        self._marks = marks
        self._emit = emit
        self._decode = decode
        self._rng = rng

    def configure(self, configuration: Configuration) -> None:
        """Go by this configuration from now on."""
        ha = configuration.ha
        self._digest = configuration.digest
        self._repeat_ms = ha.max_rexmit_delay_ms
        # A peer that has just come cannot have heard us yet.
        self._deaf_after_ms = 2 * ha.keepalive_ms

    def frame(self, link: str, data: bytes, now_ms: int) -> None:
        """Bytes arrived."""
        try:
            self.message(link, self._decode(data), now_ms)
        except WireError as error:
            self._complaints.frame(link, error, self._membership.peers)

    def message(self, link: str, message: Message, now_ms: int) -> None:
        """A verified message arrived. Raises MalformedFieldError for a field that is not as it should be."""
        source, kind = (message.text("src") or "").lower(), message.text("t") or ""
        if source == self._identity.name:
            if self._is_namesake(message):
                self._complaints.same_name(link)
            return
        peer = self._membership.peers.get(source)
        if peer is None:
            self._complaints.stranger(source, link)
            return
        self.received += 1
        onward = self.ring.pass_on(source, link, message)
        if onward is not None:
            self._emit(onward)
        if kind == brief.TYPE:
            self._same(peer, link, message, now_ms)
        elif kind.startswith("NS_"):
            self._notice(self._membership.link_heard(peer, link, now_ms))
            self._unnumbered(peer, kind, message, now_ms)
        else:
            self._numbered(peer, link, kind, message, now_ms)

    def _is_namesake(self, message: Message) -> bool:
        """Another machine has our name. Our own voice comes back over a loop, or is replayed."""
        if message.binary("srcuuid") not in (None, self._identity.uuid):
            return True
        # A clone of this machine has our uuid, too. What we said in earlier runs has a lower generation.
        run, generation = message.hexadecimal("um_inc"), message.hexadecimal("hg") or 0
        return run not in (None, self._identity.incarnation) and generation >= self._identity.generation

    def _notice(self, notices: list[Notice]) -> None:
        for notice in notices:
            self._emit(notice)

    # -- numbers -----------------------------------------------------------------------------------

    def _numbered(self, peer: Peer, link: str, kind: str, message: Message, now_ms: int) -> None:
        generation, seq = message.hexadecimal("hg"), message.hexadecimal("seq")
        if not generation or not seq or not message.hexadecimal("ts"):
            self._complaints.reject(link, f"a message of {peer.name} lacks its generation, number or stamp")
            return
        if generation != peer.generation or peer.window is None:
            if generation < peer.generation:
                self._complaints.reject(
                    link, f"a message of an earlier generation of {peer.name} (replayed?)"
                )
                return
            if kind != "status":
                # Only a status begins a generation, as in 3.0.6. We came into the middle of its talk.
                return
            self._membership.new_generation(peer, generation, self._rng, self._repeat_ms)
            self._marks.unsettled = True
        window = peer.window
        verdict = window.accept(seq, now_ms) if window is not None else Verdict.DUPLICATE
        # There may be something to ask for, perhaps soon.
        self._marks.sooner |= verdict is Verdict.GAP and peer.old
        self._notice(self._membership.link_heard(peer, link, now_ms))
        if verdict is Verdict.DUPLICATE:
            return
        if kind == "status":
            # One that comes late says nothing about now.
            if seq > peer.status_seq:
                peer.status_seq = seq
                self._status(peer, message, now_ms)
        elif peer.old:
            self._hear_old_peer(peer, kind, message, now_ms)
        if peer.old and seq % ACKNOWLEDGE_EACH == 0 and window is not None and window.complete:
            self._emit(self._transmitter.acknowledge(peer.name, seq, now_ms))

    def _unnumbered(self, peer: Peer, kind: str, message: Message, now_ms: int) -> None:
        if (message.text("dest") or "").lower() != self._identity.name:
            return
        if kind == "NS_rexmit":
            first, last = message.decimal("firstseq"), message.decimal("lastseq")
            if first is None or last is None:
                return
            again, gone = self._transmitter.history.asked_for(first, last, now_ms)
            for sent in again:
                self._repeat(sent, now_ms)
            for seq in gone:
                self._emit(self._transmitter.cannot_repeat(peer.name, seq, now_ms))
        elif kind == "NS_full" and now_ms - self._full_given_ms >= FULL_GIVEN_EVERY_MS:
            self._full_given_ms = now_ms
            self._marks.changed = True
        elif kind == "NS_nak_rexmit" and peer.window is not None:
            number = message.hexadecimal("firstseq")
            if number is not None:
                peer.window.give_up(number)

    def _repeat(self, sent: Message, now_ms: int) -> None:
        """What was true when it was said and is no more would come after what is true now."""
        seq = sent.hexadecimal("seq")
        now = None if self._conversation is None or seq is None else self._conversation.instead_of(sent)
        if now is None or seq is None:
            self._emit(self._transmitter.again(sent))
        else:
            self._emit(self._transmitter.instead(seq, now, now_ms))

    def ask_for_missing(self, now_ms: int) -> None:
        """Ask for what was lost where that is worth it."""
        for name, window in self._membership.owing():
            for seq in window.due(now_ms):
                self._emit(self._transmitter.ask_again(name, seq, now_ms))

    # -- what it says --------------------------------------------------------------------------------

    def _status(self, peer: Peer, message: Message, now_ms: int) -> None:
        raw, before = raw_fields(message), peer.report
        deadtime_ms = message.hexadecimal("dt")
        self._marks.sooner |= deadtime_ms != peer.deadtime_ms
        if not raw:
            self._old_status(peer, message, deadtime_ms, now_ms)
            return
        report = from_message(message) if raw != peer.report_raw or before is None else before
        if report is None:
            raise MalformedFieldError("um_v", b"")
        self._report(peer, report, raw, deadtime_ms, now_ms)

    def _same(self, peer: Peer, link: str, message: Message, now_ms: int) -> None:
        """The brief form of a status: what we know of the peer is still so, if we know what it means."""
        generation, seq = message.hexadecimal("hg"), message.hexadecimal("seq")
        if not generation or not seq or generation < peer.generation:
            self._complaints.reject(link, f"a brief message of {peer.name} lacks its number, or is of old")
            return
        self._notice(self._membership.link_heard(peer, link, now_ms))
        if generation > peer.generation or peer.window is None or peer.report is None:
            # Only a full status begins a generation.
            self._ask_in_full(peer, now_ms)
            return
        if peer.window.accept(seq, now_ms) is Verdict.DUPLICATE or seq <= peer.status_seq:
            return
        peer.status_seq = seq
        if message.text(brief.DIGEST_FIELD) == brief.digest(peer.report_raw):
            self._report(peer, peer.report, peer.report_raw, None, now_ms)
            return
        self._ask_in_full(peer, now_ms)
        if peer.alive:
            # That it lives needs no explanation; what has changed comes with the full form.
            self._notice(self._membership.status_heard(peer, None, peer.state, now_ms))

    def _ask_in_full(self, peer: Peer, now_ms: int) -> None:
        if peer.asked_in_full_ms is None or now_ms - peer.asked_in_full_ms >= ASK_IN_FULL_EVERY_MS:
            peer.asked_in_full_ms = now_ms
            self._emit(self._transmitter.ask_in_full(peer.name, now_ms))

    def _report(
        self, peer: Peer, report: Report, raw: tuple[Field, ...], deadtime_ms: int | None, now_ms: int
    ) -> None:
        """A fresh status of a peer of our kind, whatever its form."""
        before, fresh = peer.report, report is not peer.report
        was, was_deaf = peer.state, peer.deaf
        self._notice(self._membership.status_heard(peer, deadtime_ms, state_from(report), now_ms))
        hears_us = self._identity.name in report.hears
        peer.deaf = not hears_us and now_ms - peer.alive_since_ms > self._deaf_after_ms
        if not fresh and was is peer.state and was_deaf is peer.deaf:
            return
        if report.digest != self._digest and (before is None or before.digest != report.digest):
            self._emit(ConfigDiffers(peer.name, report.digest, self._digest))
        peer.report, peer.report_raw = report, raw
        self._marks.unsettled = True
        if peer.old:
            # A 3.0.6 was replaced by one of us.
            before, peer.old = None, False
        restarted = before is None or before.incarnation != report.incarnation
        # A peer that has just come must not wait a heartbeat to learn who holds what.
        self._marks.changed |= restarted or was is not peer.state
        self._marks.changed |= self._panel.adopt(peer.name, report.switches)
        self._marks.changed |= self._steward.adopt(peer, None if restarted else before, report)

    def _old_status(self, peer: Peer, message: Message, deadtime_ms: int | None, now_ms: int) -> None:
        """A status without our report: the peer runs 3.0.6."""
        was, state = peer.state, old_state_from(peer, message.text("st") or "")
        self._notice(self._membership.status_heard(peer, deadtime_ms, state, now_ms))
        if not peer.old:
            peer.old, peer.report, peer.report_raw = True, None, ()
            self._emit(OldPeer(peer.name, self._conversation is not None))
            self._marks.changed = True
        if was is not peer.state:
            self._marks.unsettled = self._marks.changed = True

    def _hear_old_peer(self, peer: Peer, kind: str, message: Message, now_ms: int) -> None:
        if kind == "shutdone":
            self._notice(self._membership.departed(peer))
            self._marks.changed = True
        if self._conversation is not None:
            self._conversation.hear(peer, message, now_ms)
        self._marks.unsettled = True
