"""The lines of ldirectord.cf: which are global, which belong to which section.

A line in column 1 is a global directive or opens a section. Indented lines belong to the section above
them. An empty line ends a section, a comment does not. What the original refuses and can only mean one thing
is read with a warning; what could join a line to the wrong section is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ultramonkey_heartbeat.config.lines import numbered_lines
from ultramonkey_heartbeat.config.problems import nearest, shown

from .directives import NAMES, SECTIONS
from .report import Report

_ASSIGNMENT = re.compile(r"([A-Za-z0-9_-]+)\s*=\s*(.*)\Z")
# What the original wants: four blanks, of which a tab is worth as many.
_INDENT = 4


@dataclass(frozen=True)
class Entry:
    """`NAME = VALUE` in one line; the value has its quotes still."""

    line: int
    name: str
    value: str


@dataclass
class Section:
    """A virtual service and its lines."""

    head: Entry
    entries: list[Entry] = field(default_factory=list)


@dataclass
class Layout:
    """The whole file."""

    globals: list[Entry] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)


def lay_out(text: str, report: Report) -> Layout:
    """Sort the lines of a file. What is wrong with them goes to the report."""
    return _Reader(report).read(text)


class _Reader:
    def __init__(self, report: Report) -> None:
        self._report = report
        self._layout = Layout()
        self._section: Section | None = None
        # The first line of a run of indented lines that belong to nothing, and how many there are.
        self._stray: tuple[int, int] = (0, 0)
        self._commented_values: list[int] = []

    def read(self, text: str) -> Layout:
        for number, line in numbered_lines(text):
            self._line(number, line)
        self._end_stray()
        if self._commented_values:
            lines = len(self._commented_values)
            more = f" (and on {lines - 1} more)" if lines > 1 else ""
            self._report.warning(
                self._commented_values[0],
                "#",
                f"a comment stands behind a global value{more}",
                "the original reads it as part of the value: put comments on lines of their own",
            )
        return self._layout

    def _line(self, number: int, line: str) -> None:
        if not line.strip():
            self._section = None
            return
        if line.lstrip().startswith("#"):
            return
        content, commented = self._visible(number, line)
        if not content.strip():
            return
        if content[0] in " \t":
            self._indented(number, content)
            return
        self._end_stray()
        self._section = None
        entry = self._entry(number, content)
        if entry is None:
            return
        if commented and entry.name not in SECTIONS:
            self._commented_values.append(number)
        if entry.name in SECTIONS:
            self._section = Section(entry)
            self._layout.sections.append(self._section)
        else:
            self._layout.globals.append(entry)

    def _indented(self, number: int, content: str) -> None:
        if self._section is None:
            self._stray = (self._stray[0] or number, self._stray[1] + 1)
            return
        blanks = len(content) - len(content.lstrip(" \t"))
        if content[:blanks].expandtabs(_INDENT) < " " * _INDENT:
            self._report.warning(
                number,
                "",
                f"the line is indented by {blanks} blank{'s' if blanks > 1 else ''}",
                "the original wants four, or a tab",
            )
        entry = self._entry(number, content.strip(" \t"))
        if entry is not None and entry.name in SECTIONS:
            self._report.error(number, entry.name, f"{entry.name} is indented", "begin a section in column 1")
        elif entry is not None:
            self._section.entries.append(entry)

    def _end_stray(self) -> None:
        first, count = self._stray
        self._stray = (0, 0)
        if not count:
            return
        lines = "the line is" if count == 1 else f"{count} lines from here on are"
        if self._layout.sections:
            remedy = "remove the empty line above, which ended the section, or comment these lines out"
        else:
            remedy = "begin global directives and sections in column 1"
        self._report.error(first, "", f"{lines} indented and in no section", remedy)

    def _visible(self, number: int, line: str) -> tuple[str, bool]:
        """The line without comment and strange blanks; whether there was a comment."""
        content, hidden = _without_comment(line)
        if hidden:
            self._report.warning(
                number, "#", "a # stands in quotes", "the original cuts the line there: write it another way"
            )
        strange = next((c for c in content if c.isspace() and c not in " \t"), "")
        if strange:
            self._report.warning(
                number, "", f"there is a strange blank, U+{ord(strange):04X}", "write an ordinary blank"
            )
            content = "".join(" " if c.isspace() and c != "\t" else c for c in content)
        return content.rstrip(" \t"), len(content) < len(line)

    def _entry(self, number: int, content: str) -> Entry | None:
        match = _ASSIGNMENT.match(content)
        if match:
            return Entry(number, match[1], match[2])
        word = content.split(maxsplit=1)[0]
        if content == "supervised":
            self._report.warning(number, word, "supervised has no value", "write supervised=yes")
            return Entry(number, word, "yes")
        guess = nearest(word, NAMES)
        remedy = f"did you mean {guess}=...?" if guess else "write NAME=VALUE"
        if content.startswith("["):
            remedy = "ldirectord.cf has no headings in brackets; sections begin with virtual="
        self._report.error(number, word, f"{shown(content)} is not a directive", remedy)
        return None


def _without_comment(line: str) -> tuple[str, bool]:
    """The line up to its comment; whether a `#` is kept because it stands in quotes."""
    first = line.find("#")
    if first < 0:
        return line, False
    quoted = False
    hidden = False
    for position, character in enumerate(line):
        if character == '"':
            quoted = not quoted
        elif character == "#":
            if not quoted:
                return line[:position], hidden
            hidden = True
    # A quote that is never closed: the comment must have it.
    return (line, hidden) if not quoted else (line[:first], False)
