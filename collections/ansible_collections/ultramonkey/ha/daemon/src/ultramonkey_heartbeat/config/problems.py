"""What is wrong with a configuration: where, which word, why, and what would be right.

Nothing here stops at the first fault. A parser returns every problem it found; only whoever cannot go on
raises `ConfigurationError`, with all of them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

# A word longer than this is shown shortened; nobody wants a kilobyte of pasted text in an error line.
SHOWN_MAX = 60


class Severity(Enum):
    """An error refuses the whole configuration; a warning is said and the configuration is used."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Problem:
    """One fault at one place.

    `file` is the name of a configuration file, or a path into JSON data such as `links[1].interface`.
    `line` counts from 1; 0 means the file as a whole. `word` is the word at fault (never a secret),
    `remedy` says what would be right.
    """

    file: str
    line: int
    word: str
    message: str
    remedy: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        """One line: `ha.cf:14: message: remedy`; a warning says so after the position."""
        position = f"{self.file}:{self.line}" if self.line else self.file
        kind = "warning: " if self.severity is Severity.WARNING else ""
        remedy = f": {self.remedy}" if self.remedy else ""
        return f"{position}: {kind}{self.message}{remedy}"

    def as_data(self) -> dict[str, Any]:
        """The problem as JSON-like data, for `hbctl --json`."""
        return {
            "file": self.file,
            "line": self.line,
            "word": self.word,
            "message": self.message,
            "remedy": self.remedy,
            "severity": self.severity.value,
            "text": str(self),
        }


class ConfigurationError(ValueError):
    """The configuration cannot be used. `problems` are all of them, warnings included."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def has_errors(problems: Iterable[Problem]) -> bool:
    """Whether any of the problems refuses the configuration."""
    return any(problem.severity is Severity.ERROR for problem in problems)


def shown(word: str) -> str:
    """The word as it may stand in a message: one line, printable, not endless."""
    text = "".join(
        character if character.isprintable() else f"\\u{ord(character):04x}"
        for character in word[: SHOWN_MAX + 1]
    )
    return text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + "..."


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word spelled most like this one, or an empty string when none is close."""
    by_lower_case = {name.lower(): name for name in known}
    matches = difflib.get_close_matches(word.lower()[:SHOWN_MAX], list(by_lower_case), n=1)
    return by_lower_case[matches[0]] if matches else ""
