"""What a command ends with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ultramonkey_heartbeat.config.problems import Problem

OK, FAILED, CONFIGURATION, NOT_RUNNING = 0, 1, 2, 3


@dataclass(frozen=True)
class Answer:
    """Exit code, and what there is to say: `text`, `error`, `problems`, `result`."""

    code: int
    data: Mapping[str, Any] = field(default_factory=dict)


def as_data(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Problems as they stand in an answer."""
    return [problem.as_data() for problem in problems]
