"""Slips of the pen that can only mean one thing: how each is to be read, and what to tell its author.

heartbeat 3.0.6 refuses each of them, or takes it for something else than was meant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from .directive import Directive, Shape
from .directives import BY_NAME
from .problems import shown
from .values import BadValueError, unit_of

# Opening and closing; text that was copied from a web page has the curved ones.
_QUOTES = (('"', '"'), ("'", "'"), ("\u201c", "\u201d"), ("\u2018", "\u2019"))
# What Unicode calls a space, but for the one.
_ODD_BLANK = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_ASSIGNMENT = re.compile(r"([A-Za-z0-9_-]+)(?:[ ]*=[ ]*|:[ ]+)(.+)\Z")
_NUMBER = re.compile(r"[0-9]*\.?[0-9]+\Z")


@dataclass(frozen=True)
class Slip:
    """What to tell of one: the word at fault, how it is read, and how it should be written."""

    word: str
    message: str
    remedy: str


def plain_blanks(line: str) -> tuple[str, list[Slip]]:
    """The line with an ordinary blank for each blank of another kind, as web pages and other scripts have."""
    odd = _ODD_BLANK.findall(line)
    if not odd:
        return line, []
    word = f"U+{ord(odd[0]):04X}"
    message = f"the character {word} is read as a blank; heartbeat 3.0.6 takes it as part of a word"
    return _ODD_BLANK.sub(" ", line), [Slip(word, message, "type the line again")]


def unquoted(word: str) -> str:
    """The word without the quotes around it. There is no quoting, and no word that has any in earnest."""
    for opening, closing in _QUOTES:
        inner = word[len(opening) : -len(closing)]
        if word.startswith(opening) and word.endswith(closing) and inner:
            return inner
    return word


def without_quotes(words: Sequence[str]) -> tuple[tuple[str, ...], list[Slip]]:
    """The words as they are meant."""
    plain = tuple(unquoted(word) for word in words)
    slips = [
        Slip(
            word,
            f"{shown(word)} is read as {shown(inner)}; heartbeat 3.0.6 takes the quotes as part of it",
            "leave the quotes out",
        )
        for word, inner in zip(words, plain)
        if word != inner
    ]
    return plain, slips


def find_directive(name: str, rest: str) -> tuple[Directive | None, str, list[Slip]]:
    """The directive that a line which begins with an unknown word can only mean, and its values."""
    for read in (_assigned, _in_capitals, _unglued):
        found = read(name, rest)
        if found is not None:
            directive, values, written, meant = found
            message = f"{shown(written)} is read as {shown(meant)}, and refused by heartbeat 3.0.6"
            return directive, values, [Slip(name, message, f"write {shown(meant)}")]
    return None, rest, []


# Each gives the directive, its values, what is written and what is meant; or None.
_Found = Optional[tuple[Directive, str, str, str]]


def _assigned(name: str, rest: str) -> _Found:
    """`NAME=VALUE`, `NAME = VALUE`, `NAME: VALUE`."""
    written = f"{name} {rest}".strip()
    match = _ASSIGNMENT.match(written)
    directive = BY_NAME.get(match[1].lower()) if match else None
    if match is None or directive is None:
        return None
    return directive, match[2], written, f"{directive.name} {match[2]}"


def _in_capitals(name: str, rest: str) -> _Found:
    """`Keepalive`: other programs know no difference."""
    directive = BY_NAME.get(name.lower())
    return None if directive is None or name == directive.name else (directive, rest, name, directive.name)


def _unglued(name: str, rest: str) -> _Found:
    """The setting and its value, when nothing but a blank between the two is missing: `keepalive2`."""
    for directive in BY_NAME.values():
        value = name[len(directive.name) :]
        if directive.shape is not Shape.ONE or not name.startswith(directive.name) or not value[:1].isdigit():
            continue
        try:
            directive.read((value,))
        except BadValueError:
            continue
        return directive, f"{value} {rest}".strip(), name, f"{directive.name} {value}"
    return None


def with_unit(directive: Directive, words: tuple[str, ...]) -> tuple[tuple[str, ...], list[Slip]]:
    """A time and its unit as one word: `500 ms` and `10 seconds` are written so everywhere else."""
    unit = unit_of(words[1]) if directive.unit and len(words) == 2 else None  # noqa: PLR2004 - number, unit
    if unit is None or not _NUMBER.match(words[0]):
        return words, []
    message = f"{words[0]} {words[1]} is read as {words[0]}{unit}; heartbeat 3.0.6 takes it as two values"
    return (f"{words[0]}{unit}",), [Slip(words[1], message, "write the unit without a blank")]
