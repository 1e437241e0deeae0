"""What a scenario is, and how one is written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .cell import Cell
from .pair import Pair


@dataclass(frozen=True)
class Scenario:
    """One column. `code` is its heading."""

    code: str
    title: str
    play: Callable[[Pair], None]
    # Two holders at a time cannot be avoided: the nodes do not hear each other, or one was killed.
    two_holders: bool = False
    # Begins with both machines just booted instead of at home.
    cold: bool = False
    # In which cells it is played: those without a ping node, those with one.
    cells: tuple[bool, ...] = (False,)

    def fits(self, cell: Cell) -> bool:
        """Whether it is played in that cell."""
        return cell.ping in self.cells


class Scenarios(list[Scenario]):
    """They are played in the order in which they are written down."""

    def play(
        self,
        code: str,
        title: str,
        *,
        two_holders: bool = False,
        cold: bool = False,
        cells: tuple[bool, ...] = (False,),
    ) -> Callable[[Callable[[Pair], None]], Callable[[Pair], None]]:
        """Write down a function as what is played."""

        def written(play: Callable[[Pair], None]) -> Callable[[Pair], None]:
            self.append(Scenario(code, title, play, two_holders, cold, cells))
            return play

        return written
