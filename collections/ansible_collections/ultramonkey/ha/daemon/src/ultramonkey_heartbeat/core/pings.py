"""The ping nodes of this node: which of them answer, and how the others fare in comparison.

The links send an echo request to each every keepalive and tell of the answers; a ping node that does not
answer for `deadping` is lost. A node that sees fewer than another one is probably cut off from those whom it
serves, and hands its groups over (`ownership`), as ipfail did beside heartbeat 3.0.6.

When the ping node itself dies, or the switch before it, all nodes lose it, but each a little earlier or
later. So a difference counts only after it has stood for a while, and so does its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..config.model import AutoFailback, HaCf, PingNode
from .events import PingAnswered, PingImpossible
from .membership import Peer
from .notices import Notice, PingNodeChanged, PingNodeImpossible
from .reach import NOTHING, Reach, perhaps_fewer, surely_more

# ipfail waits for two keepalives. At short ones that would be no more than a hiccup of the scheduler.
SETTLE_KEEPALIVES = 2
SETTLE_MS_MIN = 500


def settle_ms(keepalive_ms: int) -> int:
    """How long a difference must stand before it counts."""
    return max(SETTLE_KEEPALIVES * keepalive_ms, SETTLE_MS_MIN)


@dataclass
class _State:
    node: PingNode
    # None: not known yet.
    seen: bool | None = None
    # When it last answered, or when we began to ask.
    last_ms: int = 0
    answered: bool = False
    # Why it cannot be asked at all; then nothing is concluded from its silence.
    impossible: str = ""


class PingNodes:
    """What is known of the ping nodes of this node."""

    def __init__(self, nodes: Sequence[PingNode], deadping_ms: int, now_ms: int) -> None:
        self._states = {node.name: _State(node, last_ms=now_ms) for node in nodes}
        self._deadping_ms = deadping_ms

    def take(self, event: PingAnswered | PingImpossible, now_ms: int) -> list[Notice]:
        """Take in what happened to a ping node."""
        if isinstance(event, PingImpossible):
            return self.impossible(event.ping, event.reason, now_ms)
        return self.answered(event.ping, now_ms)

    def answered(self, name: str, now_ms: int) -> list[Notice]:
        """A member of the ping node has answered."""
        state = self._states[name]
        silent_ms = now_ms - state.last_ms if state.answered else 0
        state.last_ms, state.answered, state.impossible = now_ms, True, ""
        if state.seen:
            return []
        state.seen = True
        return [PingNodeChanged(name, seen=True, silent_ms=silent_ms)]

    def impossible(self, name: str, reason: str, now_ms: int) -> list[Notice]:
        """The ping node cannot be asked, which tells nothing of the network; with no reason, it can again."""
        state = self._states[name]
        if state.impossible == reason:
            return []
        state.seen, state.impossible, state.last_ms = None, reason, now_ms
        if not reason:
            return []
        return [PingNodeImpossible(name, reason)]

    def expire(self, now_ms: int) -> list[Notice]:
        """Note as lost what has not answered for too long."""
        notices: list[Notice] = []
        for name, state in self._states.items():
            at_ms = self._lost_at(state)
            if at_ms is not None and now_ms >= at_ms:
                state.seen = False
                notices.append(PingNodeChanged(name, seen=False, silent_ms=now_ms - state.last_ms))
        return notices

    def next_deadline(self) -> int | None:
        """When the next one is lost, should it not answer."""
        if not self._states:
            return None
        instants = [self._lost_at(state) for state in self._states.values()]
        return min((at_ms for at_ms in instants if at_ms is not None), default=None)

    def _lost_at(self, state: _State) -> int | None:
        return None if state.seen is False or state.impossible else state.last_ms + self._deadping_ms

    def discount(self, pause_ms: int) -> None:
        """We did not listen for so long: that time is nobody's silence."""
        for state in self._states.values():
            state.last_ms += pause_ms

    def reach(self) -> Reach:
        """What we tell the others."""
        by_seen: dict[bool | None, list[str]] = {True: [], False: [], None: []}
        for name, state in self._states.items():
            by_seen[state.seen].append(name)
        return Reach(frozenset(by_seen[True]), frozenset(by_seen[False]), frozenset(by_seen[None]))

    def answered_since(self, since_ms: int) -> int:
        """How many have answered since then: those that are not just not yet missed."""
        return sum(state.seen is True and state.last_ms > since_ms for state in self._states.values())

    def cannot(self) -> list[tuple[str, str]]:
        """The ping nodes that cannot be asked, and why."""
        return [(name, state.impossible) for name, state in self._states.items() if state.impossible]

    def describe(self, now_ms: int) -> list[dict[str, Any]]:
        """The ping nodes as docs/CONTROL.md shows them."""
        words = {True: "seen", False: "lost", None: "unknown"}
        return [
            {
                "name": name,
                "hosts": list(state.node.hosts),
                "state": words[state.seen],
                "alive": state.seen is True,
                "silent_ms": now_ms - state.last_ms if state.answered else None,
                "reason": state.impossible,
            }
            for name, state in self._states.items()
        ]


class Comparison:
    """Which peers see more ping nodes than we, or fewer, and for how long that is so."""

    def __init__(self, keepalive_ms: int) -> None:
        self._settle_ms = settle_ms(keepalive_ms)
        self._more_since_ms: dict[str, int] = {}
        # Who sees fewer (None), or did until this instant.
        self._fewer_until_ms: dict[str, int | None] = {}
        self._now_ms = 0
        self.ours = Reach()
        self._theirs: Mapping[str, Reach] = {}

    def look(self, ours: Reach, theirs: Mapping[str, Reach], now_ms: int) -> None:
        """Compare anew, with all peers that are alive."""
        self.ours, self._theirs, self._now_ms = ours, theirs, now_ms
        more = {name for name, reach in theirs.items() if surely_more(reach, ours)}
        self._more_since_ms = {name: self._more_since_ms.get(name, now_ms) for name in theirs if name in more}
        fewer: dict[str, int | None] = {}
        for name, reach in theirs.items():
            if perhaps_fewer(reach, ours):
                fewer[name] = None
            elif name in self._fewer_until_ms:
                until_ms = self._fewer_until_ms[name]
                fewer[name] = now_ms if until_ms is None else until_ms
        self._fewer_until_ms = fewer

    def reach(self, name: str) -> Reach:
        """What a peer that is alive tells of its ping nodes."""
        return self._theirs.get(name, NOTHING)

    def more_since(self, name: str) -> int | None:
        """Since when the peer sees more than we, if it does so for long enough."""
        since_ms = self._more_since_ms.get(name)
        return since_ms if since_ms is not None and self._now_ms >= since_ms + self._settle_ms else None

    def fewer(self, name: str) -> bool:
        """The peer sees fewer than we, or did so a moment ago."""
        if name not in self._fewer_until_ms:
            return False
        until_ms = self._fewer_until_ms[name]
        return until_ms is None or self._now_ms < until_ms + self._settle_ms

    def next_deadline(self) -> int | None:
        """When a difference, or the end of one, has stood for long enough."""
        instants = [*self._more_since_ms.values(), *self._fewer_until_ms.values()]
        due = [at_ms + self._settle_ms for at_ms in instants if at_ms is not None]
        return min((at_ms for at_ms in due if at_ms > self._now_ms), default=None)


def comparison_for(ha: HaCf) -> Comparison | None:
    """None where nothing is done because of ping nodes: as ipfail, which ends at once in legacy mode."""
    moving = ha.pings and ha.auto_failback is not AutoFailback.LEGACY
    return Comparison(ha.keepalive_ms) if moving else None


def reach_of(peers: Iterable[Peer]) -> dict[str, Reach]:
    """What each of the peers tells of its ping nodes."""
    return {peer.name: peer.report.reach for peer in peers if peer.report is not None}
