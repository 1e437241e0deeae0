"""Which ping nodes a node reaches, as it tells the others, and who reaches more. Pure values.

A node tells of each ping node that it is configured with whether it is seen, lost, or not known yet (nothing
was heard of it, and its dead time has not passed). Two nodes are compared by the ping nodes that both are
configured with, so that a file that is being changed node by node moves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_LOST, _UNKNOWN = "!", "?"


@dataclass(frozen=True)
class Reach:
    """What a node tells of its ping nodes. Each name is in one of the three."""

    seen: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()

    @property
    def configured(self) -> frozenset[str]:
        """All its ping nodes."""
        return self.seen | self.lost | self.unknown


NOTHING = Reach()


def to_word(reach: Reach) -> str:
    """The value of `um_ping`: the names, in order, separated by blanks; `!` lost, `?` not known yet."""
    marks = {**dict.fromkeys(reach.lost, _LOST), **dict.fromkeys(reach.unknown, _UNKNOWN)}
    return " ".join(f"{marks.get(name, '')}{name}" for name in sorted(reach.configured))


def from_word(word: str) -> Reach:
    """The reach that a value of `um_ping` tells; an empty one tells nothing."""
    names = word.split()
    return Reach(
        seen=frozenset(name for name in names if name[0] not in (_LOST, _UNKNOWN)),
        lost=frozenset(name[1:] for name in names if name[0] == _LOST),
        unknown=frozenset(name[1:] for name in names if name[0] == _UNKNOWN),
    )


def surely_more(theirs: Reach, ours: Reach) -> bool:
    """They see more than we can see, whatever is not known yet."""
    both = theirs.configured & ours.configured
    return len(theirs.seen & both) > len((ours.seen | ours.unknown) & both)


def perhaps_fewer(theirs: Reach, ours: Reach) -> bool:
    """They may see fewer than we see: somebody who has just come must first know."""
    both = theirs.configured & ours.configured
    return len(theirs.seen & both) < len(ours.seen & both)


def ranks(reaches: Iterable[Reach]) -> list[int]:
    """For each how many ping nodes it sees of those that all have; what is not known yet counts as seen.

    All nodes that were told the same find the same.
    """
    told = list(reaches)
    common = frozenset.intersection(*(reach.configured for reach in told)) if told else frozenset()
    return [len((reach.seen | reach.unknown) & common) for reach in told]
