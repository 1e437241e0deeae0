r"""haresources: text in, groups and every problem out.

A line is a preferred node and the resources that live together, in the order in which they start. `\` at the
end of a line joins the next one. A resource is an address, or a script with arguments, `SCRIPT::ARG::ARG`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .address import ADDRESS_SCRIPTS, parse_address
from .groups import check_groups
from .lines import COMMENT, comment_stripped, numbered_lines, strange_characters, words_of
from .model import Group, Resource
from .problems import Problem, Severity, shown
from .slips import Slip, plain_blanks, without_quotes
from .values import BadValueError

CONTINUATION = "\\"
_ARGUMENT = "::"
_ADDRESS_SCRIPTS_BY_LOWER_CASE = {name.lower(): name for name in ADDRESS_SCRIPTS}
# What came with heartbeat and its agents, and was written in haresources; people remember it in lower case.
_USUAL_SCRIPTS = (
    *("AudibleAlarm", "Delay", "Filesystem", "ICP", "IPsrcaddr", "LVM", "LVSSyncDaemonSwap", "LinuxSCSI"),
    *("MailTo", "Raid1", "SendArp", "ServeRAID", "WAS", "WinPopup", "Xinetd", "drbddisk", "ldirectord"),
)
_USUAL_SCRIPTS_BY_LOWER_CASE = {name.lower(): name for name in _USUAL_SCRIPTS}
# No file has these in its name in earnest: a path, a single colon, what a shell would act upon.
_NO_SCRIPT = re.compile(r"[/:,;|&<>()\[\]{}$`'\"\u201c\u201d*?!=]")
_BARE_IPV4 = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")


@dataclass(frozen=True)
class Word:
    """A word and the line on which it stands."""

    text: str
    line: int


def parse_haresources(
    text: str, nodes: Sequence[str], file: str = "haresources"
) -> tuple[tuple[Group, ...], list[Problem]]:
    """The groups, and every problem in the order of lines.

    `nodes` are the names in ha.cf; when that is empty, because ha.cf is broken, no name is doubted.
    """
    problems: list[Problem] = []
    groups: list[Group] = []
    positions: list[tuple[int, ...]] = []
    for line in _logical_lines(text, file, problems):
        words = _with_blank(line, nodes, file, problems)
        group = _group(words, nodes, file, problems)
        if group is not None:
            groups.append(group)
            positions.append(tuple(word.line for word in words[1:]))
    problems.extend(check_groups(groups, positions, file))
    problems.sort(key=lambda problem: problem.line)
    return tuple(groups), problems


def parse_resource(word: str) -> Resource:
    """The resource that a word names.

    A bare IPv4 address means the script IPaddr, as in 3.0.6; a bare IPv6 address means IPv6addr. What follows
    the name of an address script is one argument, so that `::` may stand in an IPv6 address. The name of an
    address script is known in any case: nobody has another script that is called IPAddr.
    """
    if _BARE_IPV4.match(word):
        return Resource("IPaddr", (word,), word)
    if _is_ipv6(word.partition("/")[0]):
        return Resource("IPv6addr", (word,), word)
    script, separator, rest = word.partition(_ARGUMENT)
    script = _ADDRESS_SCRIPTS_BY_LOWER_CASE.get(script.lower(), script)
    if script in ADDRESS_SCRIPTS:
        return Resource(script, (rest,) if separator else (), word)
    # 3.0.6 lets the shell split the arguments, so empty ones vanish.
    return Resource(script, tuple(argument for argument in rest.split(_ARGUMENT) if argument), word)


def _is_ipv6(word: str) -> bool:
    try:
        return ipaddress.ip_address(word).version == 6  # noqa: PLR2004 - it is the version
    except ValueError:
        return False


# --- lines --------------------------------------------------------------------------------------------------


def _logical_lines(text: str, file: str, problems: list[Problem]) -> Iterator[list[Word]]:
    words: list[Word] = []
    continued = False
    for number, raw in numbered_lines(text):
        line, slips = plain_blanks(raw)
        problems.extend(_told(slips, number, file))
        content = comment_stripped(line).rstrip(" \t")
        # In a continued line a comment does not hide the backslash: 3.0.6 joins the next line there.
        end = line.rstrip(" \t") if continued else content
        goes_on = end.endswith(CONTINUATION)
        problems.extend(_line_problems(line, number, file, continued=continued, goes_on=goes_on))
        continued = goes_on
        meant, slips = _as_meant(words_of(re.sub(r"\\\Z", "", content)))
        problems.extend(_told(slips, number, file))
        words.extend(Word(word, number) for word in meant)
        if words and not continued:
            yield words
            words = []
    if words:
        yield words


def _as_meant(words: Sequence[str]) -> tuple[tuple[str, ...], list[Slip]]:
    """The words without quotes around them, and without commas behind a name or an address as in a list."""
    plain, slips = without_quotes(words)
    bare = tuple(word if _ARGUMENT in word else word.rstrip(",;") or word for word in plain)
    for word, inner in zip(plain, bare):
        if word != inner:
            message = (
                f"{shown(word)} is read as {shown(inner)}; heartbeat 3.0.6 takes the {word[-1]} as part of it"
            )
            slips.append(Slip(word, message, "separate resources by blanks alone"))
    return bare, slips


def _told(slips: Sequence[Slip], line: int, file: str) -> Iterator[Problem]:
    return (Problem(file, line, s.word, s.message, s.remedy, Severity.WARNING) for s in slips)


def _line_problems(line: str, number: int, file: str, *, continued: bool, goes_on: bool) -> Iterator[Problem]:
    strange = strange_characters(comment_stripped(line))
    if strange:
        message = f"the line contains the invisible character {strange}"
        yield Problem(file, number, strange, message, "type the line again")
    if continued and COMMENT in line:
        yield Problem(
            file,
            number,
            COMMENT,
            "a comment in a continued line is left out here; heartbeat 3.0.6 takes its words as resources",
            "put the comment above the first line of the group",
            Severity.WARNING,
        )
    if goes_on and not line.endswith(CONTINUATION):
        yield Problem(
            file,
            number,
            CONTINUATION,
            "after backslash and blanks the next line is joined here, but not by heartbeat 3.0.6",
            "remove the blanks at the end of the line",
            Severity.WARNING,
        )


# --- words to a group ---------------------------------------------------------------------------------------


def _group(words: list[Word], nodes: Sequence[str], file: str, problems: list[Problem]) -> Group | None:
    node, *rest = words
    if node.text.lower() not in nodes and (nodes or _is_resource(node.text)):
        problems.append(_unknown_node(node, nodes, file))
        return None
    preferred = node.text.lower()
    if not rest:
        problems.append(
            Problem(
                file,
                node.line,
                node.text,
                f"the line names node {shown(node.text)} and no resource",
                f"write {shown(node.text)} 192.0.2.10/24/eth0, or remove the line",
            )
        )
        return None
    resources = []
    for word in rest:
        if word.text.endswith(CONTINUATION):
            # One that continues a line is gone by now.
            message = f"{shown(word.text)} has a backslash that does not end the line"
            remedy = "end the line with one backslash to continue it, or remove the backslash"
            problems.append(Problem(file, word.line, word.text, message, remedy))
        resource = replace(parse_resource(word.text), line=word.line)
        problems.extend(_doubts(resource, word, nodes, file))
        resources.append(resource)
    return Group(key=rest[0].text, preferred=preferred, resources=tuple(resources), line=node.line)


def _with_blank(line: list[Word], nodes: Sequence[str], file: str, problems: list[Problem]) -> list[Word]:
    """The line, with the blank between node and address that is missing if there is one place for it."""
    first = line[0]
    if first.text.lower() in nodes:
        return line
    readings = [
        name for name in nodes if first.text.lower().startswith(name) and _is_ipv4(first.text[len(name) :])
    ]
    if len(readings) != 1:
        return line
    name, rest = readings[0], first.text[len(readings[0]) :]
    problems.append(
        Problem(
            file,
            first.line,
            first.text,
            f"{shown(first.text)} is read as {name} {shown(rest)}; heartbeat 3.0.6 refuses the line",
            f"put a blank after {name}",
            Severity.WARNING,
        )
    )
    return [Word(name, first.line), Word(rest, first.line), *line[1:]]


def _is_ipv4(word: str) -> bool:
    """The word is an address as it may stand for itself, with everything behind it that may be there."""
    try:
        parse_address(word)
    except BadValueError:
        return False
    return _BARE_IPV4.match(word) is not None


def _is_resource(word: str) -> bool:
    """No name of a node looks like this."""
    return _ARGUMENT in word or "/" in word or _BARE_IPV4.match(word) is not None


def _unknown_node(node: Word, nodes: Sequence[str], file: str) -> Problem:
    word = node.text
    known = ", ".join(nodes) or "those in ha.cf"
    if _is_resource(word):
        message = f"the line begins with the resource {shown(word)} instead of a node"
        remedy = f"begin the line with the preferred node, one of: {known}"
    else:
        message = f"{shown(word)} is not a node of ha.cf"
        remedy = f"write one of: {known}"
    return Problem(file, node.line, word, message, remedy)


def _split_at(script: str) -> tuple[str, str, str]:
    """The word in two, at the first comma or single colon."""
    mark = next((character for character in script if character in ",:"), ":")
    return script.partition(mark)


def _doubts(resource: Resource, word: Word, nodes: Sequence[str], file: str) -> Iterator[Problem]:
    script = resource.script
    if not script or script.startswith(".") or _NO_SCRIPT.search(script):
        remedy = "write SCRIPT::ARGUMENT, where SCRIPT is a file in /etc/ha.d/resource.d or /etc/init.d"
        name, mark, rest = _split_at(script)
        if name and rest and not _NO_SCRIPT.search(name):
            remedy = (
                "separate resources by blanks"
                if mark == ","
                else f"write two colons: {shown(name)}::{shown(rest)}"
            )
        yield Problem(
            file,
            word.line,
            word.text,
            f"{shown(word.text)} does not begin with the name of a script",
            remedy,
        )
        return
    if script.lower() in nodes:
        yield Problem(
            file,
            word.line,
            word.text,
            f"{shown(script)} is a node, and stands where a script belongs: a line has one preferred node",
            "remove it, unless there is a script of that name; the order of the other nodes is that of ha.cf",
            Severity.WARNING,
        )
    usual = _USUAL_SCRIPTS_BY_LOWER_CASE.get(script.lower(), script)
    if usual != script:
        yield Problem(
            file,
            word.line,
            word.text,
            f"{shown(script)} is not {usual}, the script that comes with heartbeat and its agents",
            f"write {usual}, unless there is a script of that name",
            Severity.WARNING,
        )
    written = word.text.partition(_ARGUMENT)[0]
    if written != script and written.lower() == script.lower():
        yield Problem(
            file,
            word.line,
            word.text,
            f"{shown(written)} is read as {script}; heartbeat 3.0.6 does not find it",
            f"write {script}",
            Severity.WARNING,
        )
    if script not in ADDRESS_SCRIPTS and "" in word.text.split(_ARGUMENT)[1:]:
        yield Problem(
            file,
            word.line,
            word.text,
            f"{shown(word.text)} has an empty argument, which the script does not get to see",
            "remove one :: or put a value between",
            Severity.WARNING,
        )
