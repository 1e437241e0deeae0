"""One cluster member. Has no clock and no sockets; is told the time with every event.

    node = Node(configuration, identity, random.Random(), codec.decode)
    effects = node.handle(Started(wall_offset_ms), now_ms)

`handle` takes what happened and returns what to do; `next_deadline` says when to call again with
`DeadlineReached` should nothing happen before. `now_ms` never runs backwards.

A node *joins* until it knows what the others are doing (`Membership.known`), then is *active*, and
*leaves* when told to stop. Its groups follow the rules of `ownership`.

Waking: a daemon that did not run for longer than its dead time (a paused virtual machine) has been
declared dead, and others serve what it believes to hold. It rises to a new generation, because a 3.0.6
that hears the old one again would drop everything, and decides nothing until it has heard all its peers
or its dead time has passed once more.
"""

from __future__ import annotations

import random

from ..config.model import Configuration
from ..wire.message import Field, Message
from . import events as ev
from .admin import Desk
from .beats import Beats
from .complaints import Complaints
from .effects import Effect, Exit, PersistGeneration, SendMessage
from .farewell import FAREWELL_INTERVAL_MS, FAREWELLS
from .ipfail import Ipfail
from .membership import Membership
from .notices import BecameActive, NodeStateChanged, Notice, OwnLinkChanged, ShutdownBegun, Slept
from .panel import Panel
from .pings import PingNodes, comparison_for
from .reception import Decoder, Marks, Reception
from .report import BRIEF, CAPABILITIES, Phase, Report, to_fields
from .steward import Steward
from .switches import Switchboard
from .takeover import Conversation
from .transmit import Identity, Transmitter

HEARD = (ev.MessageReceived, ev.FrameReceived)


class Node:
    """The façade of the core."""

    def __init__(
        self, configuration: Configuration, identity: Identity, rng: random.Random, decode: Decoder
    ) -> None:
        self.configuration = configuration
        self.identity = identity
        self.phase = Phase.JOINING
        self.transmitter = Transmitter(identity, configuration.ha)
        self.links: dict[str, tuple[bool, str]] = {
            link.name: (False, "not opened yet") for link in configuration.ha.links
        }
        self.link_changed_ms: dict[str, int] = {}
        self.membership = Membership((), 0, 0, 0, 0)
        self.steward: Steward
        self.desk: Desk
        self.switches: Switchboard
        self.panel: Panel
        # With heartbeat 3.0.6, should the other node turn out to run it; only two nodes can.
        self.conversation: Conversation | None = None
        self.complaints = Complaints(self._effects_append)
        self.pings = PingNodes((), 0, 0)
        self.reception: Reception
        self.started_at_ms = 0
        self._decode = decode
        self._rng = rng
        self._effects: list[Effect] = []
        self._begun = False
        self._now_ms = 0
        # Nothing is due before this instant, unless an event says otherwise.
        self._due_ms = 0
        self._beats = Beats(configuration.ha.keepalive_ms)
        # When the groups must be looked at again though nothing happens: a retry, the end of a request.
        self._settle_at_ms: int | None = None
        self._last_sent_ms = 0
        self._last_event_ms = 0
        self._marks = Marks()
        self._report_fields: list[Field] = []
        self._awake_at_ms: int | None = None
        self._farewells = 0
        self._last_words: list[Message] = []
        self.gone = False

    # -- the three calls ---------------------------------------------------------------------------

    def handle(self, event: ev.Event, now_ms: int) -> list[Effect]:
        """Take in what happened at `now_ms`; return what to do, in that order."""
        if isinstance(event, ev.Started):
            self._start(event, now_ms)
        if self.gone or not self._begun:
            return []
        self._now_ms = now_ms
        self._notice_sleep(now_ms)
        self._last_event_ms = now_ms
        if isinstance(event, ev.MessageReceived):
            self.reception.message(event.link, event.message, now_ms)
        elif isinstance(event, ev.FrameReceived):
            self.reception.frame(event.link, event.data, now_ms)
        elif not isinstance(event, ev.DeadlineReached):
            self._dispatch(event, now_ms)
        if isinstance(event, HEARD) and self._beats.together(now_ms):
            self._due_ms = now_ms
        # An ordinary heartbeat changes nothing but when its sender would be dead, and that only gets
        # later: the instant known is early enough, and most events end here.
        if self._marks.any or now_ms >= self._due_ms or self._awake_at_ms is not None:
            self._marks.sooner = False
            self._tick(now_ms)
            self._due_ms = self._earliest(now_ms)
        effects, self._effects = self._effects, []
        return effects

    def next_deadline(self) -> int | None:
        """The instant at which `DeadlineReached` is due, or None when the node is gone.

        There may turn out to be nothing to do then; it is never too late.
        """
        return None if self.gone or not self._begun else self._due_ms

    def _earliest(self, now_ms: int) -> int:
        """The next instant at which something is due.

        What is due already and was not done by the tick cannot be done now (a question to a peer that is not
        ready); the next beat looks again. Otherwise we would spin until then.
        """
        earliest_ms = self._beats.at_ms
        for at_ms in (
            self._beats.repeat_at_ms,
            self._awake_at_ms,
            self.membership.next_deadline(),
            self._settle_at_ms,
            self.pings.next_deadline(),
        ):
            if at_ms is not None and now_ms < at_ms < earliest_ms:
                earliest_ms = at_ms
        for _, window in self.membership.owing():
            at_ms = window.next_deadline()
            if at_ms is not None and now_ms < at_ms < earliest_ms:
                earliest_ms = at_ms
        return earliest_ms

    # -- events ------------------------------------------------------------------------------------

    def _start(self, event: ev.Started, now_ms: int) -> None:
        ha, me = self.configuration.ha, self.identity.name
        self.transmitter.wall_offset_ms = event.wall_offset_ms
        self.started_at_ms = now_ms
        peers = tuple(name for name in ha.nodes if name != me)
        self.membership = Membership(peers, ha.deadtime_ms, ha.warntime_ms, ha.initdead_ms, now_ms)
        self.pings = PingNodes(ha.pings, ha.ping_deadtime_ms, now_ms)
        comparison = comparison_for(ha)
        self.switches = Switchboard(
            (group.key for group in self.configuration.groups), ha.nodes, event.switches
        )
        self.steward = Steward(
            me=me,
            incarnation=self.identity.incarnation,
            groups=self.configuration.groups,
            nodes=ha.nodes,
            policy=ha.auto_failback,
            membership=self.membership,
            switches=self.switches,
            emit=self._effects_append,
            stuck=event.stuck,
            adopted=event.adopted,
            now_ms=now_ms,
            comparison=comparison,
        )
        self.desk = Desk(self.steward, self.membership, self._effects_append)
        self.panel = Panel(
            self.switches, self.steward, self.membership, self._effects_append, event.wall_offset_ms
        )
        self._beats.at_ms = self._last_sent_ms = self._last_event_ms = now_ms
        if len(peers) == 1:
            self.conversation = Conversation(self.steward, ha.auto_failback, ha.nodes, self._say)
            self.desk.conversation = self.conversation
            if comparison is not None:
                self.conversation.ipfail = Ipfail(self.pings, ha.auto_failback, ha.keepalive_ms, self._say)
        self.reception = Reception(
            configuration=self.configuration,
            identity=self.identity,
            membership=self.membership,
            steward=self.steward,
            panel=self.panel,
            conversation=self.conversation,
            transmitter=self.transmitter,
            complaints=self.complaints,
            marks=self._marks,
            emit=self._effects_append,
            decode=self._decode,
            rng=self._rng,
        )
        self._begun = self._marks.unsettled = self._marks.changed = True

    def _effects_append(self, effect: Effect) -> None:
        self._effects.append(effect)

    def _dispatch(self, event: ev.Event, now_ms: int) -> None:
        if isinstance(event, ev.LinkChanged):
            self.links[event.link] = (event.up, event.reason)
            self.link_changed_ms[event.link] = now_ms
            self._effects.append(OwnLinkChanged(event.link, event.up, event.reason))
            # Say who we are as soon as somebody can hear it.
            self._marks.changed |= event.up
        elif isinstance(event, (ev.PingAnswered, ev.PingImpossible)):
            self._pings_changed(self.pings.take(event, now_ms))
        elif isinstance(event, ev.ResourceFinished):
            self._marks.changed |= self.steward.finished(
                event.group, event.operation, event.reason, now_ms, ok=event.ok, clean=event.clean
            )
            self._marks.unsettled = True
        elif isinstance(event, ev.AddressLost):
            self.steward.address_lost(event.group, event.address)
        elif isinstance(event, ev.MoveRequested):
            self.desk.move(event, self.phase, now_ms)
            self._marks.unsettled = self._marks.changed = True
        elif isinstance(event, (ev.MaintenanceRequested, ev.StandbyRequested, ev.CleanupRequested)):
            self.panel.handle(event, self.phase, now_ms)
            self._marks.unsettled = self._marks.changed = True
        elif isinstance(event, ev.Reconfigured):
            self._reconfigure(event.configuration, now_ms)
            self._marks.unsettled = self._marks.changed = True
        elif isinstance(event, ev.ShutdownRequested) and self.phase is not Phase.LEAVING:
            self._effects.append(ShutdownBegun(self.steward.to_hand_over()))
            self.phase = Phase.LEAVING
            self.desk.abandon()
            self._marks.unsettled = self._marks.changed = True

    def _pings_changed(self, notices: list[Notice]) -> None:
        self._effects += notices
        if notices:
            self._marks.unsettled = self._marks.changed = True

    def _reconfigure(self, configuration: Configuration, now_ms: int) -> None:
        """Go by another configuration, as far as `changes.compare` allows."""
        before, self.configuration = self.configuration.ha, configuration
        ha = configuration.ha
        self._beats.configure(before, ha, now_ms)
        self.transmitter.configure(ha)
        self.membership.configure(ha.deadtime_ms, ha.warntime_ms)
        self.reception.configure(configuration)
        self.steward.configure(configuration.groups, ha.nodes, ha.auto_failback)
        self.switches.configure(self.steward.groups, ha.nodes)

    def _notice_sleep(self, now_ms: int) -> None:
        ha, slept_ms = self.configuration.ha, now_ms - self._last_sent_ms
        if slept_ms <= ha.deadtime_ms:
            if slept_ms >= 2 * ha.keepalive_ms and now_ms > self._last_event_ms + ha.keepalive_ms:
                self.membership.discount(now_ms - self._last_event_ms - ha.keepalive_ms)
                self.pings.discount(now_ms - self._last_event_ms - ha.keepalive_ms)
            return
        self.pings.discount(slept_ms)
        self._rise()
        if self.conversation is not None:
            self.conversation.begin_anew(next(iter(self.membership.peers.values())))
        self._effects.append(Slept(slept_ms, self.transmitter.generation))
        self.membership.forgive_silence(now_ms, ha.keepalive_ms // 2)
        self._awake_at_ms = now_ms + self.configuration.ha.deadtime_ms if self.membership.awaited else None
        self._beats.at_ms = self._last_sent_ms = now_ms
        self._marks.unsettled = self._marks.changed = True

    def _rise(self) -> None:
        """Go on under a new generation: a 3.0.6 that hears the old one after a silence drops everything."""
        self.transmitter.restart(self.transmitter.generation + 1)
        self._effects.append(PersistGeneration(self.transmitter.generation))
        # A generation begins with a status, or nobody listens.
        self._effects.append(self.transmitter.status(self._word(), self._report_fields, self._now_ms))

    def _say(self, own: list[Field]) -> None:
        self._effects.append(self.transmitter.say(own, self._now_ms))

    # -- time --------------------------------------------------------------------------------------

    def _tick(self, now_ms: int) -> None:
        self._pings_changed(self.pings.expire(now_ms))
        notices = self.membership.expire(now_ms)
        if notices:
            self._effects += notices
            self._marks.unsettled = self._marks.changed = True
            dead = [n.node for n in notices if isinstance(n, NodeStateChanged) and n.new == "dead"]
            if any(self.membership.peers[name].old for name in dead) and self.conversation is None:
                self._rise()
        self._doubt(now_ms)
        self._wake(now_ms)
        self.reception.ask_for_missing(now_ms)
        if self._marks.unsettled or (self._settle_at_ms is not None and now_ms >= self._settle_at_ms):
            self._settle(now_ms)
        if self.phase is Phase.LEAVING and self.steward.idle():
            self._say_farewell(now_ms)
        elif self._marks.changed or self._beats.due(now_ms):
            # A farewell was too early when something is to be stopped after all: maintenance is over.
            self._farewells = 0
            self._beat(now_ms)

    def _doubt(self, now_ms: int) -> None:
        """A 3.0.6 that may believe us dead must hear us as after a restart."""
        if self.conversation is None:
            return
        ha, peer = self.configuration.ha, next(iter(self.membership.peers.values()))
        if self.conversation.doubts(peer, ha.deadtime_ms, ha.keepalive_ms, now_ms):
            self._rise()
            self._marks.unsettled = True
        self._marks.unsettled |= self.conversation.may_ask(peer)

    def _wake(self, now_ms: int) -> None:
        at_ms = self._awake_at_ms
        if at_ms is not None and (not self.membership.awaited or now_ms >= at_ms):
            self._awake_at_ms = None
            self._marks.unsettled = True

    def _settle(self, now_ms: int) -> None:
        self._marks.unsettled = False
        if self.phase is Phase.JOINING and self.membership.known():
            self.phase = Phase.ACTIVE
            self._marks.changed = True
            self._effects.append(BecameActive(self.membership.describe()))
        self.steward.compare(self.pings.reach(), now_ms)
        self._bring_groups_on(now_ms)
        if self.desk.follow(self.phase, now_ms):
            # A wish was renewed against a newer assignment: it may be ours to grant.
            self._marks.changed = True
            self._bring_groups_on(now_ms)
        instants = [self.steward.next_deadline(self.phase), self.desk.next_deadline()]
        if self.conversation is not None:
            instants.append(self.conversation.next_deadline())
        # Whatever moves one of these also makes the groups unsettled.
        self._settle_at_ms = min((at_ms for at_ms in instants if at_ms is not None), default=None)

    def _bring_groups_on(self, now_ms: int) -> None:
        if self.conversation is not None:
            self.conversation.tick(next(iter(self.membership.peers.values())), self.phase, now_ms)
        asking = self.phase is Phase.JOINING or self._awake_at_ms is not None
        old_peer = any(peer.old for peer in self.membership.alive())
        self._marks.changed |= self.steward.settle(
            self.phase,
            [*self.desk.wishes(), *self.membership.wishes()],
            now_ms,
            # With a 3.0.6 the conversation decides; with more nodes than two nobody can.
            decide=not asking and (not old_peer or self.phase is Phase.LEAVING),
            may_start=not asking and (not old_peer or self.conversation is not None),
        )

    # -- speaking ----------------------------------------------------------------------------------

    def _beat(self, now_ms: int) -> None:
        changed = self._marks.changed
        if changed:
            self._report_fields = to_fields(self._report())
            self._marks.changed = False
        self._beats.went_out(now_ms, changed=changed)
        may_be_brief = not changed and self.membership.everybody_can(BRIEF)
        self._effects.append(
            self.transmitter.status(self._word(), self._report_fields, now_ms, may_be_brief=may_be_brief)
        )
        self._last_sent_ms = now_ms

    def _word(self) -> str:
        if not self.transmitter.sent:
            return "init"
        return "up" if self.phase is Phase.JOINING else "active"

    def _report(self) -> Report:
        return Report(
            self.identity.incarnation,
            self.phase,
            self.configuration.digest,
            tuple(peer.name for peer in self.membership.alive()),
            self.steward.reports(),
            tuple(self.desk.wishes()),
            self.switches.kept(),
            CAPABILITIES,
            self.pings.reach(),
        )

    def _say_farewell(self, now_ms: int) -> None:
        if self._farewells and now_ms < self._beats.at_ms:
            return
        if self._farewells:
            # The same to the last byte, so that who has heard it does not hear it again.
            self._effects += [self.transmitter.again(message) for message in self._last_words]
        else:
            self._marks.changed = True
            self._beat(now_ms)
            self._effects.append(self.transmitter.shutdone(now_ms))
            self._last_words = [e.message for e in self._effects[-2:] if isinstance(e, SendMessage)]
        self._farewells += 1
        # From now on only farewells are due.
        self._beats.at_ms, self._beats.repeat_at_ms = now_ms + FAREWELL_INTERVAL_MS, None
        if self._farewells == FAREWELLS:
            self.gone = True
            self._effects.append(Exit(clean=not self.steward.stuck()))
