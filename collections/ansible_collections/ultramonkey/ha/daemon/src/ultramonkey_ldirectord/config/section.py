"""One section to a virtual service, with everything that the globals say of it."""

from __future__ import annotations

from dataclasses import replace

from ultramonkey_heartbeat.config.values import BadValueError

from .layout import Section
from .model import Check, Fallback, Forward, Kind, Real, ServiceKey, Virtual
from .report import Report
from .server_lines import IPV4, IPV6, Place, Resolver, place_text, read_fallback, read_real, read_virtual
from .services import BY_PORT, NONE
from .settings import Settings

_DNS = ("53", "domain")
_DEFAULT_CHECK_MS, _DEFAULT_NEGOTIATE_MS, _DEFAULT_INTERVAL_MS = 5_000, 30_000, 10_000


def read_section(
    section: Section, settings: Settings, common: Settings, resolver: Resolver, report: Report
) -> Virtual | None:
    """The virtual service, or None when not even its address can be read."""
    head = section.head
    version = IPV6 if head.name == "virtual6" else IPV4
    try:
        where = read_virtual(head.value, version, resolver)
    except BadValueError as error:
        report.bad_value(head.line, head.name, error)
        where = None
    key = None if where is None else _key(where, version, settings, head.line, report)
    reals, fallback = _servers(section, settings, version, resolver, report)
    if key is None:
        return None
    if fallback is None:
        fallback = common.get(f"fallback{version}")

    def both(name: str, default: object = None) -> object:
        return settings.get(name, common.get(name, default))

    return Virtual(
        key=key,
        line=head.line,
        name=settings.get("servicename", ""),
        reals=_distinct(reals, key, report),
        check=_check(settings, common, where),
        scheduler=settings.get("scheduler", "wrr"),
        flags=settings.get("schedflags", ()),
        persistent_s=settings.get("persistent", 0) // 1000,
        netmask=_netmask(settings, version, report) if "persistent" in settings.values else "",
        one_packet=settings.get("ops", False) and key.protocol == "udp",
        fallback=_completed(fallback, key),
        fallback_command=str(both("fallbackcommand", "")),
        quiescent=bool(both("quiescent", default=False)),
        cleanstop=bool(both("cleanstop", default=True)),
        failurecount=int(str(both("failurecount", 1))),
        risecount=int(str(both("risecount", 1))),
    )


def _key(
    where: Place | int, version: int, settings: Settings, line: int, report: Report
) -> ServiceKey | None:
    protocol = settings.get("protocol")
    at = settings.line("protocol", line)
    if isinstance(where, int):
        if protocol not in (None, "fwm"):
            report.error(at, protocol, f"a firewall mark has no protocol {protocol}", "write protocol=fwm")
        return ServiceKey(version, mark=where)
    if protocol == "fwm":
        report.error(at, protocol, "protocol=fwm is for firewall marks", "write tcp or udp, or virtual=MARK")
        return None
    default = "udp" if where.written_port in _DNS else "tcp"
    return ServiceKey(version, protocol or default, where.address, where.port)


def _servers(
    section: Section, settings: Settings, version: int, resolver: Resolver, report: Report
) -> tuple[list[Real], Fallback | None]:
    reals: list[Real] = []
    fallback: Fallback | None = None
    suffix = "6" if version == IPV6 else ""
    for entry in settings.servers:
        kind = entry.name.rstrip("6")
        if entry.name != kind + suffix:
            report.error(
                entry.line,
                entry.name,
                f"{entry.name} in a {section.head.name} section",
                f"write {kind}{suffix}=",
            )
            continue
        try:
            if kind == "real":
                reals += read_real(entry.value, version, resolver, entry.line)
            else:
                fallback = read_fallback(entry.value, version, resolver)
        except BadValueError as error:
            report.bad_value(entry.line, entry.name, error)
    return reals, fallback


def server_port(key: ServiceKey, forward: Forward, port: int) -> int:
    """The port that the kernel uses: where packets are not rewritten it is that of the virtual service."""
    if key.protocol and (forward is not Forward.MASQ or not port):
        return key.port
    return port


def _completed(fallback: Fallback | None, key: ServiceKey) -> Fallback | None:
    if fallback is None:
        return None
    return replace(fallback, port=server_port(key, fallback.forward, fallback.port))


def _distinct(reals: list[Real], key: ServiceKey, report: Report) -> tuple[Real, ...]:
    """The servers, of which the kernel can have each only once in a service."""
    found: dict[tuple[str, int], Real] = {}
    for real in reals:
        port = server_port(key, real.forward, real.port)
        earlier = found.get((real.address, port))
        text = place_text(real.address, real.port)
        if earlier is None:
            found[real.address, port] = real
            _port_doubt(real, port, key, report)
        elif replace(earlier, line=0) == replace(real, line=0):
            report.warning(
                real.line, text, f"{text} is in the section twice, first in line {earlier.line}", "remove one"
            )
        else:
            report.error(
                real.line,
                text,
                f"{text} is for the kernel the same server as the one in line {earlier.line}",
                "remove one, or use masq, with which ports can differ",
            )
    return tuple(found.values())


def _port_doubt(real: Real, port: int, key: ServiceKey, report: Report) -> None:
    if key.protocol and real.port and real.port != port:
        report.warning(
            real.line,
            place_text(real.address, real.port),
            f"with {real.forward.value} packets arrive at port {port}; port {real.port} is only checked",
            f"write {place_text(real.address, port)} and checkport={real.port}",
        )


def _netmask(settings: Settings, version: int, report: Report) -> str:
    netmask = str(settings.get("netmask", ""))
    if netmask and ("." in netmask) != (version == IPV4):
        example = "255.255.255.255" if version == IPV4 else "128"
        line = settings.line("netmask", 0)
        report.error(line, netmask, f"netmask {netmask} is for the other IP version", f"write {example}")
    return netmask


def _check(settings: Settings, common: Settings, where: Place | int | None) -> Check:
    kind, connects = settings.get("checktype", (Kind.NEGOTIATE, 0))
    own_check, own_negotiate = settings.get("checktimeout"), settings.get("negotiatetimeout")
    all_check, all_negotiate = common.get("checktimeout"), common.get("negotiatetimeout")
    command: tuple[str, ...] = settings.get("checkcommand", ())
    usual = BY_PORT.get(where.port, NONE) if isinstance(where, Place) else NONE
    return Check(
        kind=kind,
        service=settings.get("service", usual),
        connects=connects,
        attempts=settings.get("checkcount", common.get("checkcount", 1)),
        port=settings.get("checkport"),
        interval_ms=settings.get("checkinterval", common.get("checkinterval", _DEFAULT_INTERVAL_MS)),
        # The two are defaults of each other, as they always were.
        checktimeout_ms=own_check or own_negotiate or all_check or all_negotiate or _DEFAULT_CHECK_MS,
        negotiatetimeout_ms=own_negotiate or own_check or all_negotiate or all_check or _DEFAULT_NEGOTIATE_MS,
        request=settings.get("request", ""),
        receive=settings.get("receive", ""),
        http_method=settings.get("httpmethod", "GET"),
        virtualhost=settings.get("virtualhost", ""),
        login=settings.get("login", ""),
        password=settings.get("passwd", ""),
        database=settings.get("database", ""),
        secret=settings.get("secret", ""),
        command=("perl", *command) if command and settings.get("perl") else command,
        verify_tls=settings.get("tlsverify", False),
        redirects=settings.get("redirects", True),
    )
