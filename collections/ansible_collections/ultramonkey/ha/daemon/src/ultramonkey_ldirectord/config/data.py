"""JSON-like data to the text of ldirectord.cf, for whoever describes the services in variables.

The data is turned into lines, and the lines are given to the parser of the file, so there is one grammar.
Each line remembers where in the data it came from, and problems name that place
(`services[1].reals[0].server`) instead of a line. A value that would say something else in the file than it
says in the data is refused.

The data:

    globals: {NAME: VALUE}, the directives of column 1, and fallback, fallback6 as below
    services: [{virtual: "192.0.2.1:80", "[2001:db8::1]:80" or a firewall mark,
                version: 4 or 6, needed only of a mark or a host name,
                reals: [{server: "192.0.2.11:80", forward: gate,
                         weight?, request?, receive?, lower?, upper?}, ...],
                fallback: {server, forward?},
                NAME: VALUE, any directive of a section}, ...]

Values are texts, numbers, true and false; a list where the directive has commas. `as_data` is the inverse.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Callable

from ultramonkey_heartbeat.config.data_reader import DataReader
from ultramonkey_heartbeat.config.problems import Problem, has_errors, shown
from ultramonkey_heartbeat.config.values import BadValueError

from .directives import BY_NAME, DIRECTIVES, Directive, Quotes, Scope
from .layout import Layout, lay_out
from .report import Report
from .server_lines import IPV4, IPV6, RealWords, split_real
from .settings import SECRETS, plain_value

KEYS = ("globals", "services")
REAL_KEYS = ("server", "forward", "weight", "request", "receive", "lower", "upper")
FALLBACK_KEYS = ("server", "forward")
# Keys of a service that are no directives.
SERVICE_KEYS = ("virtual", "version", "reals", "fallback")
FALLBACKS = ("fallback", "fallback6")
_LINE = re.compile(r"\bline ([0-9]+)\b")
# What true and false are in the file; elsewhere they are yes and no.
_ON_OFF = ("checktype",)
_VERSIONS = (IPV4, IPV6)


@dataclass(frozen=True)
class _Line:
    """A line of the file, and the place in the data that it came from."""

    text: str
    path: str


def directives_of(scope: Scope) -> list[Directive]:
    """The directives that may stand there, in the order in which they are written."""
    return [directive for directive in DIRECTIVES if directive.scope in (scope, Scope.BOTH)]


def from_data(data: Any, judge: Callable[[str], Iterable[Problem]]) -> tuple[str, tuple[Problem, ...]]:
    """The text, and every problem with the path of the value at fault as its file.

    `judge` gives the problems of a text; it is not asked while the data itself is wrong. The text is empty
    when there is an error.
    """
    writer = _Writer()
    lines = list(writer.lines(data))
    problems = tuple(writer.reader.problems)
    if not problems:
        text = _text(lines)
        problems = tuple(_located(problem, lines) for problem in judge(text))
    return ("" if has_errors(problems) else _text(lines)), problems


def _text(lines: list[_Line]) -> str:
    return "".join(f"{line.text}\n" for line in lines)


def _located(problem: Problem, lines: list[_Line]) -> Problem:
    """The problem with paths in place of lines."""

    def path_of(match: re.Match[str]) -> str:
        return lines[int(match[1]) - 1].path

    path = lines[problem.line - 1].path if problem.line else f"globals.{problem.word}"
    return replace(problem, file=path, line=0, message=_LINE.sub(path_of, problem.message))


class _Writer:
    """Makes the lines. What is wrong with the data goes to the reader's problems."""

    def __init__(self) -> None:
        self.reader = DataReader()

    def lines(self, data: Any) -> Iterator[_Line]:
        root = self.reader.mapping(data, "", KEYS)
        known = directives_of(Scope.GLOBAL)
        names = (*(directive.name for directive in known), *FALLBACKS)
        values = self.reader.mapping(root.get("globals") or {}, "globals", names)
        yield from self._directives(values, "globals", known, "")
        for name in FALLBACKS:
            if values.get(name) is not None:
                yield from self._fallback(values[name], f"globals.{name}", name, "")
        for index, item in enumerate(self.reader.sequence(root.get("services") or [], "services")):
            yield from self._service(item, f"services[{index}]")

    def _service(self, item: Any, path: str) -> Iterator[_Line]:
        known = directives_of(Scope.SECTION)
        names = (*SERVICE_KEYS, *(directive.name for directive in known))
        values = self.reader.mapping(item, path, names)
        if not values:
            return
        where = self._word(values.get("virtual"), f"{path}.virtual")
        suffix = "6" if self._version(values, where, path) == IPV6 else ""
        # The empty line ends what came before.
        yield _Line("", path)
        yield _Line(f"virtual{suffix}={where}", f"{path}.virtual")
        for index, real in enumerate(self.reader.sequence(values.get("reals") or [], f"{path}.reals")):
            yield from self._real(real, f"{path}.reals[{index}]", f"real{suffix}")
        if values.get("fallback") is not None:
            yield from self._fallback(values["fallback"], f"{path}.fallback", f"fallback{suffix}", "\t")
        yield from self._directives(values, path, known, "\t")

    def _version(self, values: Mapping[str, Any], where: str, path: str) -> int:
        version = values.get("version")
        if version is None:
            return IPV6 if where.startswith("[") else IPV4
        if version not in _VERSIONS:
            self.reader.error(
                f"{path}.version", str(version), f"{shown(str(version))} is no version of IP", "write 4 or 6"
            )
        return int(version == IPV6) * 2 + IPV4

    def _real(self, item: Any, path: str, name: str) -> Iterator[_Line]:
        values = self.reader.mapping(item, path, REAL_KEYS)
        if not values:
            return
        server = self._word(values.get("server"), f"{path}.server")
        forward = self._word(values.get("forward"), f"{path}.forward")
        weight, lower, upper = (
            self._number(values.get(key), f"{path}.{key}") for key in ("weight", "lower", "upper")
        )
        request, receive = (self._own(values.get(key), f"{path}.{key}") for key in ("request", "receive"))
        if (request is None) != (receive is None):
            self.reader.error(
                path, "", "one of request and receive is missing", "give a server both, or none"
            )
            return
        words = [server, forward]
        words += [str(weight)] if weight is not None else []
        words += [f'"{request}" "{receive}"'] if request is not None else []
        words += [f"{letter}:{limit}" for letter, limit in (("l", lower), ("u", upper)) if limit]
        text = f"\t{name}={' '.join(words)}"
        wanted = RealWords(server, forward, weight, request, receive, lower or 0, upper or 0)
        self._must_say(text, path, wanted)
        yield _Line(text, path)

    def _must_say(self, text: str, path: str, wanted: RealWords) -> None:
        """Refuse a line that the parser would take apart in another way; its own complaints come later."""
        try:
            same = split_real(_read_back(f"virtual=1\n{text}").sections[0].entries[0].value) == wanted
        except BadValueError:
            return
        except IndexError:
            same = False
        if not same:
            self.reader.error(
                path, "", "the line would say something else", "leave out quotes, # and line breaks"
            )

    def _fallback(self, item: Any, path: str, name: str, indent: str) -> Iterator[_Line]:
        values = self.reader.mapping(item, path, FALLBACK_KEYS)
        if values:
            server = self._word(values.get("server"), f"{path}.server")
            forward = values.get("forward")
            words = [server, *([] if forward is None else [self._word(forward, f"{path}.forward")])]
            yield _Line(f"{indent}{name}={' '.join(words)}", path)

    def _directives(
        self, values: Mapping[str, Any], path: str, known: list[Directive], indent: str
    ) -> Iterator[_Line]:
        for directive in known:
            value = values.get(directive.name)
            if value is None:
                continue
            place = f"{path}.{directive.name}"
            text = self._value(directive.name, value, place)
            line = f"{indent}{directive.name}={quoted(directive, text)}"
            if text and not _says(line, directive, text):
                hidden = directive.name in SECRETS
                what = "the value" if hidden else shown(text)
                self.reader.error(
                    place,
                    "" if hidden else text,
                    f"{what} cannot stand in the file",
                    "leave out line breaks, blanks at the ends, and # where there are no quotes",
                )
            yield _Line(line, place)

    def _value(self, name: str, value: Any, path: str) -> str:
        if isinstance(value, (list, tuple)):
            comma = ", " if name == "emailalert" else ","
            return comma.join(self._value(name, each, path) for each in value)
        if isinstance(value, bool):
            return ("off", "on")[value] if name in _ON_OFF else ("no", "yes")[value]
        return self._scalar(value, path)

    def _scalar(self, value: Any, path: str) -> str:
        """Text or a number, as text."""
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str) and value:
            return value
        if value in (None, ""):
            self.reader.error(path, "", "the value is missing", "give a value, or leave the key out")
        else:
            self.reader.error(path, "", "this is neither text nor a whole number", "write one value")
        return ""

    def _own(self, value: Any, path: str) -> str | None:
        return None if value is None else self._scalar(value, path)

    def _word(self, value: Any, path: str) -> str:
        """One word, which may be a number."""
        return self.reader.word(value, path)

    def _number(self, value: Any, path: str) -> int | None:
        if value is None:
            return None
        text = self._scalar(value, path)
        if text.isascii() and text.isdigit():
            return int(text[:10])
        if text:
            self.reader.error(path, text, f"{shown(text)} is not a whole number", "write one from 0")
        return None


def quoted(directive: Directive, text: str) -> str:
    """The value as it is written."""
    wanted = directive.quotes is Quotes.MUST or (
        directive.quotes is Quotes.MAY and (" " in text or "#" in text or '"' in text)
    )
    return f'"{text}"' if wanted else text


def _read_back(text: str) -> Layout:
    return lay_out(text, Report(""))


def _says(line: str, directive: Directive, text: str) -> bool:
    """Whether the parser finds this very value in the line."""
    layout = _read_back(f"virtual=1\n{line}" if line.startswith("\t") else line)
    entries = layout.globals or [entry for section in layout.sections for entry in section.entries]
    return (
        len(entries) == 1
        and entries[0].name == directive.name
        and plain_value(entries[0], BY_NAME[directive.name], Report("")) == text
    )
