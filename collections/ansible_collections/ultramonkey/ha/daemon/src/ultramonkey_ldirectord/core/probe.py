"""What is asked of one real server. Equal probes are one check, however many services list the server."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..config.model import Check, Configuration, Kind, Real, ServiceKey, Virtual
from ..config.section import server_port
from ..config.services import NONE, PORTS, WITH_CHECKTIMEOUT
from .table import ServerKey

Target = tuple[ServiceKey, ServerKey]


@dataclass(frozen=True)
class Probe:
    """One check, complete: whoever performs it needs nothing else.

    `deadline_ms` bounds the whole check, `connect_ms` the connects of a combined one. `request` of a service
    that has a default is filled in where the service is known.
    """

    kind: Kind
    service: str
    protocol: str
    address: str
    port: int
    interval_ms: int
    deadline_ms: int
    connect_ms: int
    connects: int = 0
    attempts: int = 1
    request: str = ""
    receive: str = ""
    http_method: str = "GET"
    virtualhost: str = ""
    login: str = ""
    password: str = field(default="", repr=False)
    database: str = ""
    secret: str = field(default="", repr=False)
    argv: tuple[str, ...] = ()
    verify_tls: bool = False
    redirects: bool = True

    def __hash__(self) -> int:
        """Of what tells most checks apart: probes are looked up at every verdict, and have many fields."""
        return hash((self.address, self.port))


def server_key(virtual: Virtual, real: Real) -> ServerKey:
    """Under which address and port the kernel has the server."""
    return ServerKey(real.address, server_port(virtual.key, real.forward, real.port))


def probe_of(virtual: Virtual, real: Real) -> Probe | None:
    """How a real server is checked; None when it is not (checktype on and off)."""
    check = virtual.check
    if check.kind in (Kind.ON, Kind.OFF):
        return None
    negotiates = check.kind in (Kind.NEGOTIATE, Kind.COMBINED)
    external = check.kind is Kind.EXTERNAL
    pings = check.kind is Kind.PING
    # Only what the check depends on is in it, so that others are the same check.
    probe = Probe(
        kind=check.kind,
        service=check.service if negotiates else NONE,
        protocol=virtual.key.protocol or "tcp",
        address=real.address,
        port=0 if pings or external else _port(virtual, real),
        interval_ms=check.interval_ms,
        deadline_ms=_deadline_ms(check, negotiates=negotiates),
        connect_ms=check.checktimeout_ms,
        connects=check.connects,
        attempts=check.attempts if pings else 1,
        argv=_argv(virtual, real) if external else (),
    )
    return _negotiating(probe, check, real) if negotiates else probe


def _port(virtual: Virtual, real: Real) -> int:
    """The port that is asked; a server without one has that of its service, or of the virtual service."""
    check = virtual.check
    return check.port or real.port or PORTS[check.service] or virtual.key.port


def _deadline_ms(check: Check, *, negotiates: bool) -> int:
    if negotiates and check.service not in WITH_CHECKTIMEOUT:
        return check.negotiatetimeout_ms
    return check.checktimeout_ms * (check.attempts if check.kind is Kind.PING else 1)


def _negotiating(probe: Probe, check: Check, real: Real) -> Probe:
    return replace(
        probe,
        request=check.request if real.request is None else real.request,
        receive=check.receive if real.receive is None else real.receive,
        http_method=check.http_method,
        virtualhost=check.virtualhost,
        login=check.login,
        password=check.password,
        database=check.database,
        secret=check.secret,
        verify_tls=check.verify_tls,
        redirects=check.redirects,
    )


def _argv(virtual: Virtual, real: Real) -> tuple[str, ...]:
    where = virtual.key.address or str(virtual.key.mark)
    port = virtual.check.port or real.port
    return (*virtual.check.command, where, str(virtual.key.port), real.address, str(port))


def probes(configuration: Configuration) -> dict[Probe, list[Target]]:
    """Every distinct check, and which servers of which services its verdict is about."""
    found: dict[Probe, list[Target]] = {}
    for virtual in configuration.virtuals:
        for real in virtual.reals:
            probe = probe_of(virtual, real)
            if probe is not None:
                found.setdefault(probe, []).append((virtual.key, server_key(virtual, real)))
    return found
