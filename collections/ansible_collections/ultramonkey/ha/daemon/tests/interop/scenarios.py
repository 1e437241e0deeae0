"""Everything that happens to a cell, in this order. Each begins where the one before ended: at home.

Home is: both nodes run, and each holds the groups that prefer it.
"""

from __future__ import annotations

from .deaths import DEATHS
from .moves import MOVES
from .network import NETWORK

SCENARIOS = [*MOVES, *DEATHS, *NETWORK]
