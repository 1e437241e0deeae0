"""Who may rewrite the assignment of a group, and to what. Pure functions of one node's view.

The invariant: *a group is started on a node only while that node is its owner in the newest assignment
known there, and no node that it hears still runs the group.* What follows from it:

* an owner that gives a group away first writes the new assignment, then stops, and the new owner waits
  for the stop: a lost message delays, it never doubles;
* two nodes that both hold a group (a split has healed) compare assignments; the lesser one stops.

Who may write, in the order of the rules below:

conflict   the preferred node, when it and another hold the group and auto_failback wants it back anyway;
           whoever hears a rival that does not hear it gives way
left       the owner, when its daemon is told to stop
no owner   whoever is next, when the owner is dead, has left, was restarted, or could not start the group
left       the owner, when its node is on standby
request    the owner, when an administrator wishes the group elsewhere
ping       the owner, when another node has been seeing more ping nodes for a while
failback   the owner, when the preferred node can hold the group again, and does not see fewer ping nodes
unpinned   the owner, when the preferred node went away after an administrator had moved the group

Under maintenance nobody writes, but for a node whose daemon was restarted and still holds the group, which
writes itself down again, and for one that holds the group beside a rival that does not hear it, which gives
way. What was written before is carried out, or two nodes would go on holding the group.
"""

from __future__ import annotations

from itertools import takewhile
from typing import NamedTuple

from ..config.model import AutoFailback
from .assignment import Assignment, Cause
from .reach import NOTHING, Reach, ranks, surely_more
from .report import GroupState


class Seat(NamedTuple):
    """A node as one group sees it: what it can do for the group now.

    A tuple, because one is made for each node and group whenever anything is looked at.
    """

    name: str
    incarnation: int
    # Active, and has not failed this group: may be given it.
    eligible: bool
    # Alive but not active yet.
    joining: bool
    # Said goodbye, or is saying it.
    leaving: bool
    state: GroupState
    # Alive by its own messages to us.
    heard: bool
    # It hears us, so it will know when we have stopped: only then may we hand something over to it.
    hears_us: bool
    # It has not heard us for a while, though we hear it: a cut in one direction.
    deaf: bool
    # The ping nodes that it sees; and whether it has been seeing more than we for long enough to act upon
    # it, or sees fewer, or did until a moment ago.
    reach: Reach = NOTHING
    sees_more: bool = False
    sees_fewer: bool = False


class View(NamedTuple):
    """One group as this node sees it. `seats` holds every configured node, best candidate first."""

    me: str
    seats: tuple[Seat, ...]
    assignment: Assignment
    policy: AutoFailback
    # Nodes that only others hear: alive, but we know nothing of their state.
    heard_by_others: tuple[str, ...] = ()
    # The target that somebody wishes for at the current epoch.
    wish: str | None = None
    # A node that is gone said as its last word that a stop had failed: parts may still run there.
    stuck_elsewhere: bool = False
    # An administrator wants the group left alone.
    maintained: bool = False
    # This node holds the group because the daemon before it left it running.
    adopted: bool = False
    # This node is to hold nothing that another can hold.
    on_standby: bool = False
    # We have heard of the assignment, and nothing of its owner since: what that said before is older.
    owner_is_news: bool = False

    def seat(self, name: str) -> Seat | None:
        """The node's seat, or None when it is not configured."""
        for seat in self.seats:
            if seat.name == name:
                return seat
        return None

    @property
    def mine(self) -> Seat:
        """This node's seat."""
        seat = self.seat(self.me)
        if seat is None:  # pragma: no cover - the configuration names the local node
            raise AssertionError(self.me)
        return seat

    @property
    def preferred(self) -> Seat:
        """The seat of the preferred node."""
        return self.seats[0]

    @property
    def owned(self) -> bool:
        """This run of this node is the owner."""
        return self.assignment.owner == self.me and self.assignment.incarnation == self.mine.incarnation


def owner_is_valid(view: View) -> bool:
    """The owner is able to hold the group, as far as we can know."""
    seat = view.seat(view.assignment.owner)
    if seat is None:
        return False
    is_another_run = view.owner_is_news and seat.incarnation != view.assignment.incarnation
    if seat.leaving and not is_another_run:
        return False
    if not seat.heard:
        return seat.name in view.heard_by_others
    if view.owner_is_news:
        return True
    return seat.incarnation == view.assignment.incarnation and seat.state is not GroupState.FAILED


def successor(view: View) -> Seat | None:
    """Who is to hold the group next: whoever holds it already, else the best candidate."""
    able = [seat for seat in view.seats if seat.eligible]
    for seat in able:
        if seat.state in (GroupState.HELD, GroupState.STARTING):
            return seat
    # An owner whose daemon was restarted comes last: it may still be joining in somebody's view, and
    # two nodes that see that differently would both start the group.
    seen = dict(zip((seat.name for seat in able), ranks(seat.reach for seat in able)))
    able.sort(key=lambda seat: (seat.name == view.assignment.owner, -seen[seat.name]))
    return able[0] if able else None


def heir_of(view: View) -> Seat | None:
    """To whom this node would hand the group over: as `successor`, among those that hear us."""
    others = tuple(seat for seat in view.seats if seat.name != view.me and seat.hears_us)
    return successor(view._replace(seats=others))


def rewrite(view: View) -> Assignment | None:
    """The assignment that this node must write now, or None. Called only while it takes part."""
    mine, current = view.mine, view.assignment
    if view.maintained:
        return _claim(view) or _yield(view)
    if _we_win_conflict(view):
        return _to(view, mine, Cause.CONFLICT)
    yielded = _yield(view)
    if yielded is not None:
        return yielded
    if mine.leaving:
        if not view.owned:
            return None
        heir = heir_of(view)
        return (
            Assignment(current.epoch + 1, "", 0, Cause.LEFT) if heir is None else _to(view, heir, Cause.LEFT)
        )
    if not owner_is_valid(view):
        return _succeed(view)
    if not view.owned or mine.state is GroupState.STUCK:
        return None
    return _hand_over(view)


def _claim(view: View) -> Assignment | None:
    """What our own last run held, and we still hold, is ours; why it came here does not change by that."""
    mine, current = view.mine, view.assignment
    if view.adopted and mine.eligible and not view.owned and current.owner in ("", view.me):
        return Assignment(current.epoch + 1, view.me, mine.incarnation, current.cause)
    return None


def _we_win_conflict(view: View) -> bool:
    mine, rival = view.mine, view.seat(view.assignment.owner)
    return (
        view.policy is not AutoFailback.OFF
        and view.preferred.name == view.me
        and mine.eligible
        and mine.state in (GroupState.HELD, GroupState.STARTING)
        and rival is not None
        and rival.name != view.me
        and rival.heard
        and not rival.deaf
        and rival.state in (GroupState.HELD, GroupState.STARTING)
        and not surely_more(rival.reach, mine.reach)
    )


def _yield(view: View) -> Assignment | None:
    """We let go when a rival cannot hear us, so cannot learn that the group is ours, or sees more than we.

    The first also under maintenance: two holders are worse than a stop.
    """
    if not view.owned or view.mine.state not in (GroupState.HELD, GroupState.STARTING):
        return None
    for seat in view.seats:
        if seat.name == view.me or seat.state is not GroupState.HELD:
            continue
        better = seat.hears_us and not view.maintained and surely_more(seat.reach, view.mine.reach)
        if seat.deaf or better:
            return _to(view, seat, Cause.CONFLICT)
    return None


def _succeed(view: View) -> Assignment | None:
    if view.stuck_elsewhere:
        return None
    if view.assignment.epoch == 0 and _somebody_better_is_coming(view):
        return None
    if any(seat.joining and seat.heard and seat.state is GroupState.HELD for seat in view.seats):
        # Its daemon was restarted and holds what it left to itself: it writes that down when it is active.
        return None
    heir = successor(view)
    if heir is None or heir.name != view.me:
        return None
    return _to(view, heir, _why_owner_is_gone(view))


def _somebody_better_is_coming(view: View) -> bool:
    """At the first start of a cluster a better candidate may be a moment behind us."""
    for seat in view.seats:
        if seat.name == view.me:
            return False
        if seat.heard and seat.joining:
            return True
    return False


def _why_owner_is_gone(view: View) -> Cause:
    owner = view.seat(view.assignment.owner)
    if view.assignment.epoch == 0:
        return Cause.START
    if owner is None:
        return view.assignment.cause
    if owner.state is GroupState.FAILED:
        return Cause.FAILED
    return Cause.LEFT if owner.leaving else Cause.TAKEOVER


def _hand_over(view: View) -> Assignment | None:
    preferred, current = view.preferred, view.assignment
    if view.on_standby:
        heir = heir_of(view)
        return None if heir is None else _to(view, heir, Cause.LEFT)
    wished = view.seat(view.wish) if view.wish else None
    if wished is not None and wished.eligible and wished.hears_us and wished.name != view.me:
        return _to(view, wished, Cause.REQUEST)
    better = _better_connected(view)
    if better is not None:
        return _to(view, better, Cause.PING)
    if preferred.name == view.me or view.policy is AutoFailback.OFF:
        return None
    pinned = current.pinned and view.policy is AutoFailback.ON
    if pinned and not (preferred.heard and preferred.eligible):
        return Assignment(current.epoch + 1, current.owner, current.incarnation, Cause.UNPINNED)
    able = preferred.eligible and preferred.hears_us and not preferred.sees_fewer
    if able and not pinned and view.mine.state is GroupState.HELD:
        return _to(view, preferred, Cause.FAILBACK)
    return None


def _better_connected(view: View) -> Seat | None:
    """Of the nodes that have been seeing more ping nodes than we, the one that sees the most."""
    able = [seat for seat in view.seats if seat.sees_more and seat.eligible and seat.hears_us]
    seen = ranks(seat.reach for seat in able)
    return able[seen.index(max(seen))] if able else None


def _to(view: View, seat: Seat, cause: Cause) -> Assignment:
    return Assignment(view.assignment.epoch + 1, seat.name, seat.incarnation, cause)


def may_start(view: View) -> bool:
    """The invariant at the top: ours by the newest assignment, and nobody we hear still runs it."""
    return (
        view.owned
        and view.mine.state is GroupState.IDLE
        and view.mine.eligible
        and not view.stuck_elsewhere
        and not any(seat.heard and seat.state.runs for seat in view.seats if seat.name != view.me)
    )


def must_stop(view: View) -> bool:
    """We run what is not, or no longer, ours."""
    stays = view.maintained or not view.mine.leaving
    if stays and view.adopted and view.assignment.owner in ("", view.me):
        # Our last run left it to us, and nobody else was given it since.
        return view.assignment.owner == "" and _left_to_a_better_one_too(view)
    return view.mine.state in (GroupState.HELD, GroupState.STARTING) and not view.owned


def _left_to_a_better_one_too(view: View) -> bool:
    """Each of two nodes holds what its last run left to it: they agree as if both wrote that down at once.

    Neither may as long as it joins. Also under maintenance: two holders are worse than a stop.
    """
    better = takewhile(lambda seat: seat.name != view.me, view.seats)
    return any(seat.heard and seat.state is GroupState.HELD for seat in better)
