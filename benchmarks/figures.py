"""A figure: what was measured, in which unit, how often, and how it spread."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`values` of one thing in one unit."""

    what: str
    unit: str
    values: Sequence[float]


def line(figure: Figure) -> str:
    """The figure as one line of text: the median, and how far the others lay from it."""
    values = sorted(figure.values)
    median = statistics.median(values)
    spread = "" if len(values) == 1 else f" [{values[0]:.4g} .. {values[-1]:.4g}] of {len(values)}"
    return f"{figure.what:62} {median:8.4g} {figure.unit}{spread}"
