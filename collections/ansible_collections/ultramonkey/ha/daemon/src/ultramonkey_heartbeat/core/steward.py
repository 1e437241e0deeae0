"""Brings the groups of this node to where the assignments say they belong.

Level-triggered: whatever happened, `settle` looks at every group afresh, rewrites assignments where this
node may (`ownership.rewrite`), and starts or stops what does not match. Calling it once too often does
nothing; calling it after any loss of messages repairs everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Callable

from ..config.model import AutoFailback, Group
from . import ownership
from .assignment import NOBODY, Assignment, Cause, candidates, newest
from .cleanup import clean_up
from .effects import Announce, Effect, StartGroup, StopGroup
from .groups import HolderHistory, LocalGroup
from .hearsay import Hearsay
from .leftovers import Leftovers
from .membership import Membership, Peer
from .notices import (
    AddressReturned,
    Assigned,
    ConflictSeen,
    GroupFailed,
    GroupStarted,
    GroupStopped,
    LeftAlone,
    Moved,
    Superseded,
)
from .ownership import Seat, View
from .pings import Comparison, reach_of
from .reach import Reach
from .regroup import pin, regroup
from .report import GroupReport, GroupState, Phase, Report, Wish
from .seats import own_seat, peer_seat, with_reach
from .switches import Switchboard

_SERVING = (GroupState.STARTING, GroupState.HELD)


class Steward:
    """The groups of one node."""

    def __init__(
        self,
        *,
        me: str,
        incarnation: int,
        groups: Sequence[Group],
        nodes: Sequence[str],
        policy: AutoFailback,
        membership: Membership,
        switches: Switchboard,
        emit: Callable[[Effect], None],
        stuck: Sequence[str] = (),
        adopted: Sequence[str] = (),
        now_ms: int = 0,
        comparison: Comparison | None = None,
    ) -> None:
        self.me = me
        self.policy = policy
        self.groups: dict[str, LocalGroup] = {
            group.key: LocalGroup(group, candidates(group.preferred, nodes)) for group in groups
        }
        for key in stuck:
            # An earlier run left it and it could not be stopped; a key that is not configured any more
            # is nobody's business but that of whoever cleans up next.
            if key in self.groups:
                self.groups[key].state = GroupState.STUCK
                self.groups[key].since_ms = now_ms
        for key in adopted:
            self.groups[key].state, self.groups[key].adopted = GroupState.HELD, True
        self.history = HolderHistory()
        self._incarnation = incarnation
        self._membership = membership
        self._switches = switches
        self._emit = emit
        # None: there are no ping nodes, or nothing is done because of them.
        self._comparison = comparison
        # The assignments as they were last looked at, to see when each was made.
        self._noted: dict[str, Assignment] = {}
        # The groups that were under maintenance when we last looked.
        self._was_maintained: tuple[str, ...] = ()
        self.leftovers = Leftovers(membership)
        self._hearsay = Hearsay(membership)

    # -- what we hear ----------------------------------------------------------------------------

    def adopt(self, peer: Peer, before: Report | None, report: Report) -> bool:
        """Take over what a peer knows better. True when that changed what we say ourselves."""
        changed = False
        self.leftovers.heard(peer)
        for key, theirs in report.groups.items():
            local = self.groups.get(key)
            if local is None:
                continue
            adopted = newest(local.assignment, theirs.assignment, local.order)
            self._note_conflict(peer, local, before, theirs, adopted)
            if adopted != local.assignment:
                local.assignment = adopted
                changed = True
        if before is not None:
            self._announce_after_conflict(before, report)
        return changed

    def _note_conflict(
        self,
        peer: Peer,
        local: LocalGroup,
        before: Report | None,
        theirs: GroupReport,
        adopted: Assignment,
    ) -> None:
        key = local.group.key
        if local.state not in _SERVING:
            return
        if theirs.state in _SERVING and (before is None or before.state(key) not in _SERVING):
            keeper = adopted.owner or min(self.me, peer.name, key=local.order.index)
            self._emit(ConflictSeen(key, peer.name, keep=keeper == self.me))
        if adopted.owner != self.me and local.assignment.owner == self.me:
            self._emit(Superseded(key, adopted))

    def _announce_after_conflict(self, before: Report, report: Report) -> None:
        """A rival has let go: the neighbours may still believe it."""
        for key, local in self.groups.items():
            if local.state is GroupState.HELD and before.state(key).runs and not report.state(key).runs:
                self._emit(Announce(key))

    # -- what we do ------------------------------------------------------------------------------

    def configure(self, groups: Sequence[Group], nodes: Sequence[str], policy: AutoFailback) -> None:
        """Look after these groups from now on. Those that are gone are stopped; no other moves."""
        before = {key: local.group.preferred for key, local in self.groups.items()}
        policy_before, self.policy = self.policy, policy
        self.groups = regroup(self.groups, groups, nodes)
        for key, local in self.groups.items():
            if self.owns(key) and (policy is not policy_before or local.group.preferred != before.get(key)):
                pin(local, self.me, policy)

    def settle(
        self, phase: Phase, wishes: Iterable[Wish], now_ms: int, *, decide: bool, may_start: bool
    ) -> bool:
        """Bring every group one step on. True when that changed what we say ourselves.

        Without `decide` no assignment is rewritten here: somebody else's turn, or we do not know enough.
        What belongs to another is stopped in any case.
        """
        open_wishes = list(wishes)
        self._hearsay.listen()
        for key, local in self.groups.items():
            if self._noted.get(key) != local.assignment:
                self._noted[key], local.assigned_at_ms = local.assignment, now_ms
        changed = False
        for local in list(self.groups.values()):
            others = self._hearsay.alive(local, now_ms)
            changed |= self._retry(local, phase, others, now_ms)
            if local.retired:
                changed |= self._retire(local, now_ms)
                continue
            view = self._view(local, phase, open_wishes, others)
            written = ownership.rewrite(view) if decide else None
            if written is not None:
                self._emit(Assigned(local.group.key, local.assignment, written))
                local.assignment = written
                view = self._view(local, phase, open_wishes, others)
                changed = True
            changed |= self._act(local, view, now_ms, may_start=may_start and phase is Phase.ACTIVE)
        self._look_after_maintenance()
        self._observe(now_ms)
        return changed

    def compare(self, ours: Reach, now_ms: int) -> None:
        """Compare the ping nodes that we see with those that the peers see."""
        if self._comparison is not None:
            self._comparison.look(ours, reach_of(self._membership.alive()), now_ms)

    def _retire(self, local: LocalGroup, now_ms: int) -> bool:
        """Stop what is no longer configured, then forget it."""
        key = local.group.key
        if not local.state.runs:
            del self.groups[key]
            return True
        if local.state in _SERVING and not self.maintained(key):
            local.become(GroupState.STOPPING, now_ms)
            self._emit(StopGroup(key))
            return True
        return False

    def _look_after_maintenance(self) -> None:
        """What we hold may have been stopped by hand meanwhile. To start it leaves alone what runs."""
        now = tuple(key for key in self.groups if self.maintained(key))
        for key in self._was_maintained:
            if key not in now and key in self.groups and self.groups[key].state is GroupState.HELD:
                self._emit(StartGroup(key))
        self._was_maintained = now

    def _act(self, local: LocalGroup, view: View, now_ms: int, *, may_start: bool) -> bool:
        if ownership.must_stop(view):
            local.become(GroupState.STOPPING, now_ms)
            self._emit(StopGroup(local.group.key))
            return True
        if may_start and ownership.may_start(view):
            local.become(GroupState.STARTING, now_ms)
            self._emit(StartGroup(local.group.key))
            return True
        return False

    def _retry(self, local: LocalGroup, phase: Phase, others: tuple[str, ...], now_ms: int) -> bool:
        at_ms = local.retry_at_ms
        if at_ms is None or now_ms < at_ms or phase is not Phase.ACTIVE or self.maintained(local.group.key):
            return False
        if local.state is GroupState.STUCK:
            # It is stuck until a stop has succeeded, also for those who hear nothing more of us.
            local.become(GroupState.STUCK, now_ms)
            self._emit(StopGroup(local.group.key))
            return False
        view = self._view(local, phase, (), others)
        if any(seat.eligible or seat.state.runs for seat in view.seats):
            # Somebody else holds it, or can: no reason to try here.
            local.since_ms = now_ms
            return False
        local.start_failed = False
        local.become(GroupState.IDLE, now_ms)
        return True

    def finished(self, key: str, operation: str, reason: str, now_ms: int, *, ok: bool, clean: bool) -> bool:
        """The runner is done with a group. True when that changed what we say ourselves."""
        local = self.groups.get(key)
        if local is None:
            return False
        took_ms = now_ms - local.since_ms
        if operation == "start":
            if local.state not in _SERVING or (local.state is GroupState.HELD and ok):
                # A stop was asked for meanwhile, and its own report follows; or it ran already.
                return False
            if ok:
                local.start_failed = False
                local.become(GroupState.HELD, now_ms)
                self._emit(GroupStarted(key, took_ms))
            else:
                local.start_failed = True
                local.become(GroupState.FAILED if clean else GroupState.STUCK, now_ms)
                self._emit(GroupFailed(key, "start", reason))
        elif local.state not in (GroupState.STOPPING, GroupState.STUCK):
            return False  # the second of two stops: a retry, and a cleanup during it
        elif ok:
            # What could not be started does not become startable by stopping what was left of it.
            local.become(GroupState.FAILED if local.start_failed else GroupState.IDLE, now_ms)
            self._emit(GroupStopped(key, took_ms))
        else:
            local.become(GroupState.STUCK, now_ms)
            self._emit(GroupFailed(key, "stop", reason))
        self._observe(now_ms)
        return True

    def dictate(self, keys: Iterable[str], owner: str, incarnation: int | None, cause: Cause) -> None:
        """Write assignments that were agreed upon in a conversation. No incarnation means ours."""
        for key in keys:
            local = self.groups[key]
            run = self._incarnation if incarnation is None else incarnation
            if (local.assignment.owner, local.assignment.incarnation) != (owner, run):
                written = Assignment(local.assignment.epoch + 1, owner, run, cause)
                self._emit(Assigned(key, local.assignment, written))
                local.assignment = written

    def announce(self, keys: Iterable[str]) -> None:
        """Tell the neighbours again where the groups are that we hold."""
        for key in keys:
            if self.groups[key].state is GroupState.HELD:
                self._emit(Announce(key))

    def owns(self, key: str) -> bool:
        """This run of this node is the owner."""
        assignment = self.groups[key].assignment
        return assignment.owner == self.me and assignment.incarnation == self._incarnation

    def address_lost(self, key: str, address: str) -> None:
        """Somebody took an address from a group that we hold: put it back, at once."""
        local = self.groups.get(key)
        if local is not None and local.state is GroupState.HELD:
            if self.maintained(key):
                self._emit(LeftAlone(key, address))
                return
            self._emit(AddressReturned(key, address))
            self._emit(StartGroup(key))

    def clean_up(self, key: str, now_ms: int) -> list[str]:
        """Forget what failed with a group: an administrator has mended it. What was forgotten, in words."""
        return clean_up(self.groups[key], self.leftovers, self._emit, now_ms)

    # -- what we know ----------------------------------------------------------------------------

    def maintained(self, key: str) -> bool:
        """The group is left alone. A 3.0.6 knows no maintenance, so that while one lives there is none."""
        return self._switches.maintained(key) and not any(peer.old for peer in self._membership.alive())

    def on_standby(self, node: str) -> bool:
        """The node is to hold nothing."""
        return self._switches.on_standby(node)

    def idle(self) -> bool:
        """Nothing is starting, held or stopping here (what is stuck or under maintenance stays so)."""
        return all(
            not local.state.runs
            or local.state is GroupState.STUCK
            or (local.state is GroupState.HELD and self.maintained(key))
            for key, local in self.groups.items()
        )

    def to_hand_over(self) -> int:
        """How many groups another node gets when this one leaves."""
        return sum(g.state.runs and not self.maintained(key) for key, g in self.groups.items())

    def stuck(self) -> list[str]:
        """The groups whose stop failed here."""
        return [key for key, local in self.groups.items() if local.state is GroupState.STUCK]

    def reports(self) -> dict[str, GroupReport]:
        """What we say about the groups: those that were ever given to somebody, or do something here."""
        return {
            key: GroupReport(local.assignment, local.state)
            for key, local in self.groups.items()
            if local.assignment is not NOBODY or local.state is not GroupState.IDLE
        }

    def states(self, key: str, phase: Phase) -> Mapping[str, GroupState]:
        """What each node that is alive says about the group."""
        view = self._view(self.groups[key], phase, (), ())
        return {seat.name: seat.state for seat in view.seats if seat.heard}

    def holder(self, key: str) -> str | None:
        """The node that holds the group; the owner, should there be two; None when nobody does."""
        local = self.groups[key]
        holders = [self.me] if local.state is GroupState.HELD else []
        holders += [
            peer.name
            for peer in self._membership.alive()
            if peer.report is not None and peer.report.state(key) is GroupState.HELD
        ]
        if local.assignment.owner in holders:
            return local.assignment.owner
        return holders[0] if holders else None

    def seat(self, key: str, node: str, phase: Phase) -> Seat | None:
        """What a node can do for a group now."""
        return self._view(self.groups[key], phase, (), ()).seat(node)

    def heir(self, key: str, phase: Phase) -> Seat | None:
        """Who would get the group if this node gave it away."""
        return ownership.heir_of(self._view(self.groups[key], phase, (), ()))

    def next_deadline(self, phase: Phase) -> int | None:
        """When a failure is next to be tried again; only an active node does."""
        if phase is not Phase.ACTIVE:
            return None
        instants = [local.retry_at_ms for key, local in self.groups.items() if not self.maintained(key)]
        instants.append(self._hearsay.next_deadline)
        if self._comparison is not None:
            instants.append(self._comparison.next_deadline())
        return min((at_ms for at_ms in instants if at_ms is not None), default=None)

    def _observe(self, now_ms: int) -> None:
        for key, local in self.groups.items():
            cause = local.assignment.cause
            reason = Cause.REQUEST if cause is Cause.UNPINNED else cause
            last_sign_ms = self._membership.last_sign_ms(self.history.holder(key), now_ms)
            move = self.history.observe(key, self.holder(key), reason.value, now_ms, last_sign_ms)
            # Somebody else who held it when we came is no news.
            if move is not None and (move.source is not None or move.target == self.me):
                self._emit(Moved(key, move.source, move.target, move.reason, move.without_holder_ms))

    def _view(self, local: LocalGroup, phase: Phase, wishes: Sequence[Wish], others: tuple[str, ...]) -> View:
        key = local.group.key
        on_standby = self._switches.on_standby
        seats = tuple(
            own_seat(self.me, self._incarnation, local.state, phase, on_standby=on_standby(name))
            if name == self.me
            else peer_seat(self._membership.peers[name], key, self.me, on_standby=on_standby(name))
            for name in local.order
        )
        if self._comparison is not None:
            seats = tuple(with_reach(seat, local, self._comparison, self.me) for seat in seats)
        wish = next((w.target for w in wishes if w.key == key and w.epoch == local.assignment.epoch), None)
        return View(
            self.me,
            seats,
            local.assignment,
            self.policy,
            others,
            wish,
            stuck_elsewhere=bool(self.leftovers.of(key)),
            maintained=self.maintained(key),
            adopted=local.adopted,
            on_standby=on_standby(self.me),
            owner_is_news=self._hearsay.owner_is_news(local),
        )
