"""Does a section make sense: what it needs and lacks, and what it would do that nobody expects."""

from __future__ import annotations

from dataclasses import replace

from .model import Check, Kind, Virtual
from .report import Report
from .services import NONE, PORTS, WITH_LOGIN_AND_QUERY
from .settings import Settings

_NEGOTIATING = (Kind.NEGOTIATE, Kind.COMBINED)


def make_sense(virtual: Virtual, settings: Settings, report: Report) -> Virtual:
    """The virtual service as it will be checked. What is missing or surprising goes to the report."""
    check = _with_a_probe(virtual, settings, report)
    virtual = replace(virtual, check=check)
    if check.kind in _NEGOTIATING:
        _needs(check, settings, virtual.line, report)
    if check.kind is Kind.EXTERNAL and not check.command:
        report.error(
            settings.line("checktype", virtual.line),
            "checkcommand",
            "an external check without checkcommand would say that every server is up",
            'write checkcommand="/path/of/a/program"',
        )
    _has_a_port(virtual, report)
    _surprises(virtual, settings, report)
    return virtual


def _with_a_probe(virtual: Virtual, settings: Settings, report: Report) -> Check:
    """A negotiation with no service becomes a connect or a ping, unless nothing is to be asked."""
    check = virtual.check
    line = settings.line("checktype", virtual.line)
    if check.kind is Kind.ON:
        _unchecked(line, "checktype=on", report)
    if check.kind is Kind.OFF:
        report.warning(
            line, "off", "checktype=off: no server of this service is ever used", "remove the section"
        )
        if virtual.fallback is not None:
            report.warning(
                line, "off", "with checktype=off the fallback is not used, either", "write checktype=on"
            )
    if check.kind is Kind.CONNECT and virtual.key.protocol == "udp":
        return replace(check, kind=Kind.PING)
    if check.kind not in _NEGOTIATING or check.service != NONE:
        return check
    if settings.get("service") == NONE:
        _unchecked(settings.line("service", line), "service=none", report)
        return replace(check, kind=Kind.ON)
    instead = Kind.PING if virtual.key.protocol == "udp" or not _ports(virtual) else Kind.CONNECT
    report.warning(
        virtual.line,
        "service",
        f"nothing says with which service to negotiate, so {instead.value} is checked",
        f"write service=NAME, or checktype={instead.value}",
    )
    return replace(check, kind=instead)


def _unchecked(line: int, what: str, report: Report) -> None:
    report.warning(
        line, what, f"{what}: servers are never checked and always used", "write checktype=connect or ping"
    )


def _ports(virtual: Virtual) -> bool:
    return bool(virtual.key.port or virtual.check.port or all(real.port for real in virtual.reals))


def _needs(check: Check, settings: Settings, line: int, report: Report) -> None:
    at = settings.line("service", line)
    wanted: tuple[str, ...] = ()
    if check.service in WITH_LOGIN_AND_QUERY:
        wanted = ("login", "request")
    elif check.service == "radius":
        wanted = ("login", "passwd", "secret")
    elif check.service in ("dns", "http_proxy"):
        wanted = ("request",)
    elif check.service == "simpletcp":
        wanted = ("receive",)
    given = {
        "login": check.login,
        "passwd": check.password,
        "secret": check.secret,
        "request": check.request,
        "receive": check.receive,
    }
    for name in wanted:
        if not given[name]:
            report.error(at, check.service, f"service={check.service} needs {name}", f'write {name}="..."')


def _has_a_port(virtual: Virtual, report: Report) -> None:
    check = virtual.check
    needs = check.kind is Kind.CONNECT or (check.kind in _NEGOTIATING and not PORTS[check.service])
    if not needs or check.port or virtual.key.port:
        return
    for real in virtual.reals:
        if not real.port and not (check.kind is Kind.CONNECT and PORTS[check.service]):
            report.error(real.line, real.address, "there is no port to check", "write checkport=PORT")


def _surprises(virtual: Virtual, settings: Settings, report: Report) -> None:
    if settings.get("ops") and virtual.key.protocol != "udp":
        report.warning(settings.line("ops", 0), "ops", "ops is for udp only", "remove it")
    if "netmask" in settings.values and not virtual.persistent_s:
        report.warning(
            settings.line("netmask", 0), "netmask", "netmask has no effect without persistent", "remove it"
        )
    if virtual.flags and virtual.scheduler not in ("sh", "mh") and not _numbered(virtual):
        report.error(
            settings.line("schedflags", 0),
            ",".join(virtual.flags),
            f"the scheduler {virtual.scheduler} has no such flags",
            "write scheduler=sh or mh",
        )
    if not virtual.reals and virtual.fallback is None:
        report.warning(virtual.line, str(virtual.key), f"{virtual.key} has no real server", "add real=...")
    if "checkcount" in settings.values and virtual.check.kind is not Kind.PING:
        report.warning(
            settings.line("checkcount", 0), "checkcount", "checkcount is for ping only", "use failurecount"
        )


def _numbered(virtual: Virtual) -> bool:
    return all(flag.startswith("flag-") for flag in virtual.flags)
