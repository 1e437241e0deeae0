"""Text to numbered lines and words, as all three configuration files need it.

Only the newline ends a line: `str.splitlines` would also break at characters that may stand in a comment.
Only blanks and tabs separate words (in ha.cf commas too): `str.split` would also split at blanks of other
scripts, which 3.0.6 takes as part of a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

COMMENT = "#"
_BYTE_ORDER_MARK = "\ufeff"


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines with their numbers from 1, without line ends of Unix or Windows."""
    for number, line in enumerate(text.lstrip(_BYTE_ORDER_MARK).split("\n"), start=1):
        yield number, line.rstrip("\r")


def comment_stripped(line: str) -> str:
    """The line up to the first `#`. There is no quoting."""
    return line.partition(COMMENT)[0]


def words_of(text: str, separators: str = " \t") -> tuple[str, ...]:
    """The words between separators."""
    return tuple(word for word in re.split(f"[{re.escape(separators)}]+", text) if word)


def strange_characters(line: str) -> str:
    """The first character that cannot be seen, as `U+00A0`, or an empty string when all can.

    Text copied from a web page often has such blanks, and then looks right and is wrong.
    """
    for character in line:
        if not character.isprintable() and character != "\t":
            return f"U+{ord(character):04X}"
    return ""
