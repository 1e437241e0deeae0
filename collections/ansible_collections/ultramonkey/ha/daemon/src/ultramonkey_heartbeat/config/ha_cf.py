"""ha.cf: text in, `HaCf` and every problem out.

The file is read line by line into *entries* (a directive of the table, a value, a line number); what a
directive means stands in the table. Then the entries become an `HaCf`, and the relations between them are
checked. A file with an error gives no `HaCf`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .directive import Directive, Shape, Treatment
from .directives import BY_NAME
from .line_budget import check_line_budget
from .lines import comment_stripped, numbered_lines, strange_characters, words_of
from .link_lines import DEFAULT_BAUD, DEFAULT_PORT, with_port_and_baud
from .model import (
    AutoFailback,
    BroadcastLink,
    HaCf,
    LinkConfig,
    Logging,
    MulticastLink,
    PingNode,
    PppLink,
    SerialLink,
    UnicastLink,
)
from .problems import Problem, Severity, has_errors, nearest, shown
from .slips import find_directive, plain_blanks, with_unit, without_quotes
from .timing import check_timers, default_initdead_ms
from .values import BadValueError

_LINKS = (BroadcastLink, MulticastLink, UnicastLink, SerialLink, PppLink)
_BLANKS = " \t"
_BLANKS_AND_COMMAS = f"{_BLANKS},"


@dataclass(frozen=True)
class Entry:
    """One value of one directive, and where it stands."""

    directive: Directive
    value: Any
    line: int
    # The words that the value was made of.
    words: tuple[str, ...]

    @property
    def word(self) -> str:
        """The first of the words, by which problems name the value."""
        return self.words[0]


@dataclass
class Source:
    """What was read of a file, with positions; `ha` is None when the file has an error."""

    file: str
    entries: list[Entry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    # Directives of which a value could not be read: nothing is concluded from their absence.
    failed: set[str] = field(default_factory=set)
    nodes: tuple[str, ...] = ()
    ha: HaCf | None = None

    def of(self, name: str) -> list[Entry]:
        """The entries of one directive, in the file's order."""
        return [entry for entry in self.entries if entry.directive.name == name]

    def last(self, name: str) -> Entry | None:
        """The entry that counts of a directive that has one value."""
        entries = self.of(name)
        return entries[-1] if entries else None

    def value(self, name: str, default: Any) -> Any:
        """The value of a directive, or the default when the file does not give it."""
        entry = self.last(name)
        return default if entry is None else entry.value

    def links(self) -> list[Entry]:
        """The entries that are media, in the file's order."""
        return [entry for entry in self.entries if isinstance(entry.value, _LINKS)]

    def error(self, line: int, word: str, message: str, remedy: str) -> None:
        """Note what refuses the file."""
        self.problems.append(Problem(self.file, line, word, message, remedy))

    def warn(self, line: int, word: str, message: str, remedy: str) -> None:
        """Note what the user should know."""
        self.problems.append(Problem(self.file, line, word, message, remedy, Severity.WARNING))


def parse_ha_cf(text: str, file: str = "ha.cf") -> tuple[HaCf | None, list[Problem]]:
    """What the text says, or None if it has an error; and every problem, in the order of lines."""
    source = read_ha_cf(text, file)
    return source.ha, source.problems


def read_ha_cf(text: str, file: str = "ha.cf") -> Source:
    """As `parse_ha_cf`, with the positions that checks across files need."""
    source = Source(file)
    for number, line in numbered_lines(text):
        _read_line(source, number, comment_stripped(line))
    _build(source)
    source.problems.sort(key=lambda problem: problem.line)
    return source


# --- lines to entries ---------------------------------------------------------------------------------------


def _read_line(source: Source, number: int, line: str) -> None:
    line, slips = plain_blanks(line)
    strange = strange_characters(line)
    if strange:
        source.error(
            number, strange, f"the line contains the invisible character {strange}", "type the line again"
        )
        source.failed.update(BY_NAME)
        return
    name, _, rest = line.strip(" \t").replace("\t", " ").partition(" ")
    if not name:
        return
    directive = None if re.match(r" *= *[^ ]", rest) else BY_NAME.get(name)
    if directive is None:
        directive, rest, more = find_directive(name, rest)
        slips += more
    if directive is None:
        guess = nearest(name, BY_NAME)
        remedy = f"did you mean {guess}?" if guess else "see the list of directives in the documentation"
        source.error(number, name, f"{shown(name)} is not a directive", remedy)
        source.failed.add(guess)
        return
    words = words_of(rest, _BLANKS if directive.shape is Shape.COMMAND else _BLANKS_AND_COMMAS)
    continued = next((word for word in words if word.endswith("\\")), None)
    if directive.shape is not Shape.COMMAND and continued is not None:
        source.failed.add(directive.name)
        message = f"{shown(continued)} ends with a backslash, and ha.cf has no continued lines"
        source.error(number, continued, message, f"write all of it in one line, or {directive.name} again")
        return
    if directive.shape is not Shape.COMMAND:
        words, more = without_quotes(words)
        slips += more
    if directive.shape is Shape.ONE:
        words, more = with_unit(directive, words)
        slips += more
    for slip in slips:
        source.warn(number, slip.word, slip.message, slip.remedy)
    if not words:
        default = f"; the default is {directive.default}" if directive.default else ""
        source.warn(
            number, name, f"{name} has no value and is left out", f"write {name} {directive.syntax}{default}"
        )
        return
    if directive.shape in (Shape.LINE, Shape.COMMAND):
        _read_value(source, directive, number, words)
    else:
        for word in words:
            _read_value(source, directive, number, (word,))
    if directive.shape is Shape.ONE:
        _warn_of_repetition(source, directive, number, words)


def _read_value(source: Source, directive: Directive, number: int, words: tuple[str, ...]) -> None:
    try:
        value = directive.read(words)
    except BadValueError as problem:
        source.failed.add(directive.name)
        source.error(number, problem.word, f"{directive.name}: {problem.message}", problem.remedy)
        return
    source.entries.append(Entry(directive, value, number, words))
    doubt = directive.doubt(value) if directive.doubt is not None else None
    if doubt is not None:
        source.warn(number, words[0], f"{directive.name} {shown(' '.join(words))} {doubt[0]}", doubt[1])
    usual = directive.usual(value) if directive.usual else ""
    if usual and words[0].lower() != usual:
        source.warn(
            number,
            words[0],
            f"{directive.name} {shown(words[0])} is read as {directive.name} {usual}",
            f"write {directive.name} {usual}",
        )
    _warn_of_placeholders(source, directive, number, words)
    if value not in directive.quiet:
        _give_notice(source, directive, number, words)


def _warn_of_placeholders(source: Source, directive: Directive, number: int, words: tuple[str, ...]) -> None:
    """A file that is meant to be filled in still has the words of the manual: `bcast interface`."""
    for word in words if directive.treatment is not Treatment.REFUSED else ():
        if word.isalpha() and word.upper() in re.findall("[A-Z]+", directive.syntax):
            remedy = f"write {directive.name} {directive.syntax} with words of your own"
            source.warn(number, word, f"{directive.name} {word} looks like a word to be replaced", remedy)


def _give_notice(source: Source, directive: Directive, number: int, words: tuple[str, ...]) -> None:
    name, word, remedy = directive.name, words[0], directive.remedy
    if directive.treatment is Treatment.ALIAS:
        source.warn(number, word, f"{name} is an old name", remedy)
    elif directive.treatment is Treatment.NO_EFFECT:
        source.warn(number, word, f"{name} is accepted and has no effect", remedy)
    elif directive.treatment is Treatment.REFUSED:
        # No more than the first word: fencing devices have passwords.
        source.error(number, word, f"{name} {shown(word)} is not supported ({directive.explanation})", remedy)


def _first_at(source: Source, entry: Entry) -> str:
    return f"first at {source.file}:{entry.line}"


def _warn_of_repetition(source: Source, directive: Directive, number: int, words: tuple[str, ...]) -> None:
    earlier = [entry for entry in source.of(directive.name) if entry.line < number]
    if earlier:
        source.warn(
            number,
            directive.name,
            f"{directive.name} is given again ({_first_at(source, earlier[0])}); the last one counts",
            "remove one of the lines",
        )
    if len(words) > 1:
        source.warn(
            number,
            words[0],
            f"{directive.name} has {len(words)} values; the last one, {shown(words[-1])}, counts",
            f"write {directive.name} {directive.syntax}",
        )


# --- entries to HaCf ----------------------------------------------------------------------------------------


def _build(source: Source) -> None:
    source.nodes = _nodes(source)
    deadtime_ms = source.value("deadtime", HaCf.deadtime_ms)
    ha = HaCf(
        nodes=source.nodes,
        links=_links(source),
        keepalive_ms=source.value("keepalive", HaCf.keepalive_ms),
        deadtime_ms=deadtime_ms,
        warntime_ms=source.value("warntime", max(1, deadtime_ms // 2)),
        initdead_ms=source.value("initdead", default_initdead_ms(deadtime_ms)),
        pings=_pings(source),
        deadping_ms=source.value("deadping", None),
        auto_failback=_auto_failback(source),
        hopfudge=source.value("hopfudge", HaCf.hopfudge),
        realtime=source.value("realtime", HaCf.realtime),
        rtprio=source.value("rtprio", HaCf.rtprio),
        max_rexmit_delay_ms=source.value("max_rexmit_delay", HaCf.max_rexmit_delay_ms),
        logging=Logging(
            logfile=source.value("logfile", None),
            facility=source.value("logfacility", None),
            debug=source.value("debug", 0),
            debugfile=source.value("debugfile", None),
        ),
        respawn=tuple(entry.value for entry in source.of("respawn")),
        watchdog=source.value("watchdog", None),
        coredumps=source.value("coredumps", None),
        generation_from_time=source.value("hbgenmethod", "file") == "time",
        uuid_from_name=source.value("uuidfrom", "file") == "nodename",
        written=tuple(
            {
                entry.directive.name: entry.word
                for entry in source.entries
                if entry.directive.shape is Shape.ONE
            }.items()
        ),
    )
    lines = {entry.directive.name: entry.line for entry in source.entries}
    source.problems.extend(check_timers(ha, lines, source.failed, source.file))
    source.problems.extend(check_line_budget(ha, lines, source.failed, source.file))
    source.ha = None if has_errors(source.problems) else ha


def _nodes(source: Source) -> tuple[str, ...]:
    first_lines: dict[str, int] = {}
    for entry in source.of("node"):
        if entry.value in first_lines:
            source.warn(
                entry.line,
                entry.word,
                f"node {entry.value} is given again (first at {source.file}:{first_lines[entry.value]})",
                "name every node once",
            )
        first_lines.setdefault(entry.value, entry.line)
    if not first_lines and "node" not in source.failed:
        source.error(0, "node", "no node is given", "write a node line for each machine, as in: node lb1")
    return tuple(first_lines)


def _pings(source: Source) -> tuple[PingNode, ...]:
    nodes: dict[str, PingNode] = {}
    for entry in source.entries:
        if not isinstance(entry.value, PingNode):
            continue
        name = entry.value.name
        if name in nodes:
            source.warn(
                entry.line, entry.word, f"the ping node {name} is given again", "name every ping node once"
            )
        nodes.setdefault(name, entry.value)
    return tuple(nodes.values())


def _links(source: Source) -> tuple[LinkConfig, ...]:
    port = source.value("udpport", DEFAULT_PORT)
    baud = source.value("baud", DEFAULT_BAUD)
    _warn_of_late_port(source, port)
    links: dict[str, tuple[LinkConfig, int]] = {}
    for entry in source.links():
        link = with_port_and_baud(entry.value, port, baud)
        known, line = links.setdefault(link.name, (link, entry.line))
        if line == entry.line and known is link:
            continue
        first = f"first at {source.file}:{line}"
        if known == link:
            source.warn(entry.line, entry.word, f"{link.name} is given again ({first})", "remove one of them")
        else:
            source.error(
                entry.line,
                entry.word,
                f"{link.name} is given again with other values ({first})",
                "use another group or interface, so that the two can be told apart",
            )
    if not links and not source.failed.intersection(_medium_names()):
        source.error(
            0, "link", "no link is given, so no heartbeat could be sent", "write a line such as: bcast eth0"
        )
    return tuple(link for link, _ in links.values())


def _medium_names() -> Iterator[str]:
    return (name for name in ("bcast", "udp", "mcast", "mcast6", "ucast", "ucast6", "serial", "ppp-udp"))


def _warn_of_late_port(source: Source, port: int) -> None:
    entry = source.last("udpport")
    if entry is None or port == DEFAULT_PORT:
        return
    if any(
        link.line < entry.line and isinstance(link.value, (BroadcastLink, UnicastLink))
        for link in source.links()
    ):
        source.warn(
            entry.line,
            entry.word,
            f"udpport {port} stands below links; it applies to them too, but not for heartbeat 3.0.6",
            "move the udpport line above the first bcast or ucast line",
        )


def _auto_failback(source: Source) -> AutoFailback:
    old, new = source.last("nice_failback"), source.last("auto_failback")
    chosen = new or old
    if chosen is None and not source.failed.intersection(("auto_failback", "nice_failback")):
        source.warn(
            0,
            "auto_failback",
            "auto_failback is not given, so it is legacy: groups always return, planned moves are refused",
            "write auto_failback on or auto_failback off",
        )
    if old is not None and new is not None and old.value is not new.value:
        source.warn(
            old.line,
            old.word,
            f"nice_failback contradicts auto_failback ({source.file}:{new.line}), which counts",
            "remove the nice_failback line",
        )
    return HaCf.auto_failback if chosen is None else AutoFailback(chosen.value)
