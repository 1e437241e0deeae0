"""What is unusual about a file as text, and means the same all the same.

Such files are accepted; each habit is named once for the file, at the first line that has it. The reason to
say anything is that other readers are less patient: heartbeat 3.0.6 itself, editors, somebody's script.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .lines import COMMENT
from .problems import Problem, Severity

_CARRIAGE_RETURN = "\r"


def check_spelling(text: str, file: str, *, comments_behind_values: bool = True) -> Iterator[Problem]:
    """A warning for each habit.

    `comments_behind_values` is False for a file in which `#` behind a value may be part of it.
    """
    lines = text.split("\n")
    whole = [line.lstrip().startswith(COMMENT) for line in lines]
    behind = [
        comments_behind_values and COMMENT in line and not is_whole for line, is_whole in zip(lines, whole)
    ]
    foreign = [
        (is_whole or is_behind) and not line.partition(COMMENT)[2].isascii()
        for line, is_whole, is_behind in zip(lines, whole, behind)
    ]
    yield from _habit(
        file,
        [line.endswith(_CARRIAGE_RETURN) for line in lines],
        "CR",
        "lines end with the carriage return of Windows",
        "convert the file, for example with dos2unix",
    )
    yield from _habit(
        file,
        behind,
        COMMENT,
        "comments stand behind a value",
        "put comments on lines of their own",
    )
    yield from _habit(
        file,
        foreign,
        COMMENT,
        "comments have characters beyond ASCII",
        "write them without, so that every program can show them",
    )
    if lines[-1]:
        message = "the last line does not end with a newline"
        yield Problem(file, len(lines), "", message, "add one", Severity.WARNING)


def _habit(file: str, has_it: Sequence[bool], word: str, message: str, remedy: str) -> Iterator[Problem]:
    numbers = [number for number, yes in enumerate(has_it, start=1) if yes]
    if numbers:
        lines = f" (and on {len(numbers) - 1} more)" if len(numbers) > 1 else ""
        yield Problem(file, numbers[0], word, f"{message}{lines}", remedy, Severity.WARNING)
