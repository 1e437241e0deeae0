"""Things worth saying to a human, as data. The edge words them (`daemon/notices`).

A notice says who, what and why. It is never needed for the daemon to work.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Notice:
    """Base of all notices."""
