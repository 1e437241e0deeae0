"""Collects the problems of one file."""

from __future__ import annotations

from ultramonkey_heartbeat.config.problems import Problem, Severity
from ultramonkey_heartbeat.config.values import BadValueError


class Report:
    """The problems found so far."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    @property
    def errors(self) -> int:
        """How many errors there are so far."""
        return sum(problem.severity is Severity.ERROR for problem in self.problems)

    def error(self, line: int, word: str, message: str, remedy: str = "") -> None:
        """Something that keeps the file from being used."""
        self.problems.append(Problem(self.file, line, word, message, remedy))

    def warning(self, line: int, word: str, message: str, remedy: str = "") -> None:
        """Something that should be said; the file is used."""
        self.problems.append(Problem(self.file, line, word, message, remedy, Severity.WARNING))

    def bad_value(self, line: int, name: str, error: BadValueError, *, secret: bool = False) -> None:
        """A value that a reader refused."""
        self.error(line, "" if secret else error.word, f"{name}: {error.message}", error.remedy)

    def sorted(self) -> tuple[Problem, ...]:
        """All of them in the order of the file; what concerns the whole of it comes last."""
        return tuple(sorted(self.problems, key=lambda problem: problem.line or 10**9))
