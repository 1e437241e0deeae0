"""How much one node keeps in memory, whatever has happened to it."""

from __future__ import annotations

import gc
import sys
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, ClassVar

from ..config.model import Configuration
from .checker import Checker
from .machine import Machine
from .world import World

if TYPE_CHECKING:
    from .plan import Plan

# What is not a node's own: code, the world around it, and the files it was given.
_NOT_ITS_OWN = (type, ModuleType, FunctionType, World, Machine, Configuration)


class MemoryBounded(Checker):
    """A node's memory does not grow with time or trouble.

    Exactly: at the end of a run everything that a node can reach comes to at most 1 MiB: 500 of its own
    messages are kept to be repeated, and of each other node the last report and at most 250 missing numbers.
    Looked at in one run of four, and where the keepalive is short: then most messages are sent.
    """

    BYTES_MAX: ClassVar[int] = 2**20
    EACH: ClassVar[int] = 4
    SHORT_MS: ClassVar[int] = 250

    def __init__(self, world: World, plan: Plan) -> None:
        super().__init__(world, plan)
        self.most = 0

    def at_end(self) -> None:
        """The run is over."""
        if self.plan.seed % self.EACH and self.plan.keepalive_ms > self.SHORT_MS:
            return
        for machine in self.world.machines.values():
            if machine.node is not None:
                size = footprint(machine.node)
                self.most = max(self.most, size)
                if size > self.BYTES_MAX:
                    self.violated(f"{machine.name} keeps {size} bytes")


def footprint(root: object) -> int:
    """Bytes of everything that can be reached from an object."""
    seen = {id(root)}
    todo, total = [root], 0
    while todo:
        # All that these refer to in one go: there are some 20,000 of them.
        referents = gc.get_referents(*todo)
        total += sum(map(sys.getsizeof, todo))
        todo = []
        for item in referents:
            if id(item) not in seen:
                seen.add(id(item))
                if not isinstance(item, _NOT_ITS_OWN):
                    todo.append(item)
    return total
