"""What either daemon may complain of, and why; everything else fails the cell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .members import Member


@dataclass(frozen=True)
class Allowed:
    """A line that is no finding. Without `scenarios` it may come at any time."""

    pattern: str
    reason: str
    scenarios: frozenset[str] = frozenset()


# Of 3.0.6. Each was seen when two 3.0.6 did the same (`tools/interop-matrix --reference`).
REAL: tuple[Allowed, ...] = ()

# Of ours.
OURS: tuple[Allowed, ...] = ()

_TABLES = {"real": REAL, "ours": OURS}


def unexpected(member: Member, text: str, scenario: str) -> list[str]:
    """The complaints in a piece of log that are not allowed."""
    table = _TABLES[member.kind]
    return [line for line in member.complaints(text) if not _is_allowed(line, scenario, table)]


def _is_allowed(line: str, scenario: str, table: tuple[Allowed, ...]) -> bool:
    return any(
        re.search(allowed.pattern, line) and (not allowed.scenarios or scenario in allowed.scenarios)
        for allowed in table
    )
