"""What one row of the table of ha.cf directives says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Callable

from .model import HaCf

# Takes the words of a value, returns the value or raises BadValueError.
Reader = Callable[[tuple[str, ...]], object]
# The whole lines that say this directive's part of an HaCf; no lines when it has none.
Writer = Callable[[HaCf], Sequence[str]]


class Treatment(Enum):
    """What the daemon does with a directive. Nothing is ever ignored without a word."""

    DONE = "done"
    # Another name of a directive; read, with a notice that names the present one.
    ALIAS = "alias"
    # Accepted; there is nothing for it to do in this daemon.
    NO_EFFECT = "no effect"
    # Going on without it would endanger the user, so it is an error that names the way out.
    REFUSED = "refused"


class Shape(Enum):
    """How the words after the name make values."""

    # A setting: one word. Given more often, the last one counts.
    ONE = "one"
    # Every word is a value of its own, and the lines add up.
    MANY = "many"
    # All words of the line are one value, and the lines add up.
    LINE = "line"
    # As LINE, but a command: a comma is part of a word.
    COMMAND = "command"


@dataclass(frozen=True)
class Directive:
    """One row: everything that parser, renderer, help and documentation know of a directive."""

    name: str
    # The words after the name, in capitals where the user puts his own.
    syntax: str
    explanation: str
    read: Reader
    shape: Shape = Shape.ONE
    treatment: Treatment = Treatment.DONE
    default: str = ""
    unit: str = ""
    # The values allowed, in words.
    range: str = ""
    # For all but DONE: what the user can do instead, or why nothing needs to be done.
    remedy: str = ""
    # Values of a directive that is not carried out which ask for what happens anyway: no notice.
    quiet: tuple[object, ...] = ()
    # The usual word for a value that has several; another one is accepted, and the usual one named.
    usual: Callable[[Any], str] | None = None
    write: Writer | None = None
    # What keeps one value of a directive that is DONE from being carried out (said after "NAME VALUE"), and
    # the remedy.
    doubt: Callable[[object], tuple[str, str] | None] | None = None
