"""A whole ldirectord.cf: text in, a frozen configuration and all problems out."""

from __future__ import annotations

from dataclasses import dataclass

from ultramonkey_heartbeat.config.problems import Problem, has_errors
from ultramonkey_heartbeat.config.spelling import check_spelling
from ultramonkey_heartbeat.config.values import BadValueError

from .directives import Scope
from .layout import lay_out
from .model import Configuration, ServiceKey, Virtual
from .report import Report
from .section import read_section
from .sense import make_sense
from .server_lines import IPV4, IPV6, Resolver, read_fallback
from .settings import Settings, read_settings

_DEFAULT_INTERVAL_MS = 10_000


@dataclass(frozen=True)
class Loaded:
    """What came of reading; no configuration when there is an error among the problems."""

    configuration: Configuration | None
    problems: tuple[Problem, ...]


def parse(text: str, file: str, resolver: Resolver) -> Loaded:
    """Read a file. `file` is its name in messages."""
    report = Report(file)
    report.problems += check_spelling(text, file, comments_behind_values=False)
    layout = lay_out(text, report)
    common = read_settings(layout.globals, Scope.GLOBAL, report)
    _common_fallbacks(common, resolver, report)
    virtuals: dict[ServiceKey, Virtual] = {}
    quiescent_given = "quiescent" in common.values
    for section in layout.sections:
        errors = report.errors
        settings = read_settings(section.entries, Scope.SECTION, report)
        quiescent_given = quiescent_given or "quiescent" in settings.values
        virtual = read_section(section, settings, common, resolver, report)
        if virtual is None:
            continue
        earlier = virtuals.get(virtual.key)
        if earlier is not None:
            report.error(
                virtual.line,
                str(virtual.key),
                f"{virtual.key} is there already, in line {earlier.line}",
                "put all servers into one section",
            )
            continue
        virtuals[virtual.key] = virtual
        # What is half read would only be misunderstood.
        if report.errors == errors:
            virtuals[virtual.key] = make_sense(virtual, settings, report)
    if virtuals and not quiescent_given:
        report.warning(
            0,
            "quiescent",
            "quiescent is not given, so it is no: a server that is down is removed",
            "write quiescent=no, or yes to keep it with weight 0",
        )
    problems = report.sorted()
    if has_errors(problems):
        return Loaded(None, problems)
    return Loaded(_configuration(file, common, tuple(virtuals.values())), problems)


def _common_fallbacks(common: Settings, resolver: Resolver, report: Report) -> None:
    for entry in common.servers:
        version = IPV6 if entry.name == "fallback6" else IPV4
        try:
            common.values[f"fallback{version}"] = read_fallback(entry.value, version, resolver)
        except BadValueError as error:
            report.bad_value(entry.line, entry.name, error)


def _configuration(file: str, common: Settings, virtuals: tuple[Virtual, ...]) -> Configuration:
    return Configuration(
        file=file,
        virtuals=virtuals,
        interval_ms=common.get("checkinterval", _DEFAULT_INTERVAL_MS),
        autoreload=common.get("autoreload", False),
        callback=common.get("callback", ""),
        logfile=common.get("logfile", "/var/log/ldirectord.log"),
        maintenance_directory=common.get("maintenancedir", ""),
        supervised=common.get("supervised", False),
        ipvs_timeouts_s=tuple(map(int, common.get("ipvstimeouts", "0 0 0").split())),
    )
