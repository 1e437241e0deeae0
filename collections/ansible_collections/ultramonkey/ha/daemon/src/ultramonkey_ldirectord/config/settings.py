"""Entries to values by the table of directives: for the globals and for each section alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ultramonkey_heartbeat.config.problems import nearest, shown
from ultramonkey_heartbeat.config.values import BadValueError

from .directives import BY_NAME, NAMES, SECTIONS, SERVERS, Directive, Quotes, Scope, Treatment
from .layout import Entry
from .report import Report

SECRETS = ("passwd", "secret")


class Settings:
    """The values of one scope, and the lines they stand in."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.lines: dict[str, int] = {}
        # `real` and `fallback`, which are no plain values.
        self.servers: list[Entry] = []

    def get(self, name: str, default: Any = None) -> Any:
        """The value, if it is given."""
        return self.values.get(name, default)

    def line(self, name: str, default: int) -> int:
        """Where it is given."""
        return self.lines.get(name, default)


def read_settings(entries: Iterable[Entry], scope: Scope, report: Report) -> Settings:
    """Read all entries of a scope. What is wrong with them goes to the report."""
    settings = Settings()
    for entry in entries:
        if entry.name in SERVERS:
            _server(entry, scope, settings, report)
            continue
        directive = BY_NAME.get(entry.name)
        if directive is None:
            _unknown(entry, report)
        elif directive.scope not in (scope, Scope.BOTH):
            other = "in column 1, before the sections" if scope is Scope.SECTION else "indented, in a section"
            report.error(
                entry.line, entry.name, f"{entry.name} stands in the wrong place", f"write it {other}"
            )
        else:
            _value(entry, directive, settings, report)
    return settings


def _server(entry: Entry, scope: Scope, settings: Settings, report: Report) -> None:
    if scope is Scope.GLOBAL and entry.name.startswith("real"):
        report.error(entry.line, entry.name, f"{entry.name} stands in no section", "indent it below virtual=")
    else:
        settings.servers.append(entry)


def _unknown(entry: Entry, report: Report) -> None:
    guess = nearest(entry.name, [name for name in NAMES if name not in SECTIONS])
    remedy = f"did you mean {guess}?" if guess else "see `ldirectord directives` for all there are"
    report.error(entry.line, entry.name, f"there is no directive {shown(entry.name)}", remedy)


def _value(entry: Entry, directive: Directive, settings: Settings, report: Report) -> None:
    name = entry.name
    if directive.treatment is Treatment.REFUSED:
        report.error(entry.line, name, f"{name} is not supported", directive.remedy)
        return
    text = plain_value(entry, directive, report)
    if text is None:
        return
    if not text:
        report.error(entry.line, name, f"{name} has no value", f"write {name}={directive.syntax}")
        return
    try:
        value = directive.read(text)
    except BadValueError as error:
        report.bad_value(entry.line, name, error, secret=name in SECRETS)
        return
    if name in settings.values and settings.values[name] != value:
        earlier = settings.lines[name]
        report.warning(
            entry.line, name, f"{name} is given in line {earlier}, too", "the last one counts; remove one"
        )
    settings.values[name] = value
    settings.lines[name] = entry.line
    if name == "checktype" and text.lower() == "external-perl":
        settings.values["perl"] = True
    if directive.treatment is not Treatment.DONE and value != directive.quiet:
        what = (
            "has no effect"
            if directive.treatment is Treatment.NO_EFFECT
            else "is not carried out in this release"
        )
        report.warning(entry.line, name, f"{name} {what}", directive.remedy)


def plain_value(entry: Entry, directive: Directive, report: Report) -> str | None:
    """The value without its quotes, or None when they do not match."""
    value = entry.value
    if not value.startswith('"'):
        if directive.quotes is Quotes.MUST and value:
            report.warning(
                entry.line,
                entry.name,
                f"{entry.name} stands without quotes",
                f"write {entry.name}={directive.syntax}",
            )
        return value
    if len(value) < 2 or not value.endswith('"'):  # noqa: PLR2004 - two quotes
        behind = value.rpartition('"')
        what = (
            f"after the closing quote stands {shown(behind[2])}"
            if behind[0]
            else "the closing quote is missing"
        )
        if entry.name in SECRETS:
            what = "the quotes are wrong"
        report.error(
            entry.line, entry.name, f"{entry.name}: {what}", f"write {entry.name}={directive.syntax}"
        )
        return None
    if directive.quotes is Quotes.NEVER:
        report.warning(entry.line, entry.name, f"{entry.name} stands in quotes", "the original wants none")
    return value[1:-1]
