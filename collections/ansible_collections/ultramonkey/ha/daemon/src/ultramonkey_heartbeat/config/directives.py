"""The table of ha.cf directives: every name that heartbeat 3.0.6 knew, and what becomes of it here.

The parser (`ha_cf`), the renderer (`render`), JSON input (`data`) and the help (`reference`) read this table
and know no directive by themselves. The order of the rows is the order in which they are written to a file,
which is also what 3.0.6 needs: `udpport` and `baud` before the media.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Callable

from .directive import Directive, Reader, Shape, Treatment, Writer
from .link_lines import (
    BAUDS,
    DEFAULT_BAUD,
    DEFAULT_PORT,
    read_baud,
    read_bcast,
    read_mcast,
    read_mcast6,
    read_ppp_udp,
    read_serial,
    read_ucast,
    read_ucast6,
    written_link,
)
from .local_directives import LOCAL
from .model import AutoFailback, BroadcastLink, HaCf, PppLink, SerialLink, UnicastLink
from .ping_lines import PINGS
from .unused_directives import UNUSED
from .values import (
    BadValueError,
    choice,
    integer,
    read_boolean,
    read_node,
    read_path,
    read_port,
    read_time_ms,
    written_boolean,
    written_time,
)

FACILITIES = (
    *("auth", "authpriv", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news", "syslog", "user", "uucp"),
    *(f"local{number}" for number in range(8)),
)


# --- reading a value ----------------------------------------------------------------------------------------


def _one(read: Callable[[str], object]) -> Reader:
    return lambda words: read(words[0])


def _auto_failback(words: tuple[str, ...]) -> AutoFailback:
    if words[0].lower() == AutoFailback.LEGACY.value:
        return AutoFailback.LEGACY
    try:
        return AutoFailback.ON if read_boolean(words[0]) else AutoFailback.OFF
    except BadValueError as problem:
        raise BadValueError(words[0], f"{problem.message} nor legacy", "write on, off or legacy") from None


def _nice_failback(words: tuple[str, ...]) -> AutoFailback:
    # "Nice" meant that resources stay where they are: the opposite of what the name seems to say.
    return AutoFailback.OFF if read_boolean(words[0]) else AutoFailback.ON


def _facility(words: tuple[str, ...]) -> str | None:
    facility = choice(*FACILITIES, "none")(words[0])
    return None if facility == "none" else facility


def _debug(words: tuple[str, ...]) -> int:
    # 3.0.6 takes any word for 0; on and off say what is meant.
    if words[0].lower() in ("on", "yes", "true", "off", "no", "false"):
        return int(read_boolean(words[0]))
    return integer(0, 255)(words[0])


def _an_address(value: object) -> tuple[str, str] | None:
    if not re.fullmatch(r"[0-9]+(\.[0-9]+){3}", str(value)):
        return None
    return "looks like an address", "name the machine as `uname -n` prints it there"


# --- writing a value ----------------------------------------------------------------------------------------


def _udpport(ha: HaCf) -> Sequence[str]:
    ports = sorted(
        {link.port for link in ha.links if isinstance(link, (BroadcastLink, UnicastLink, PppLink))}
    )
    if len(ports) > 1:
        raise ValueError(f"ha.cf has one udpport for all bcast, ucast and ppp-udp links, not {ports}")
    return [f"udpport {port}" for port in ports]


def _baud(ha: HaCf) -> Sequence[str]:
    bauds = sorted({link.baud for link in ha.links if isinstance(link, (SerialLink, PppLink))})
    if len(bauds) > 1:
        raise ValueError(f"ha.cf has one baud for all serial links, not {bauds}")
    return [f"baud {baud}" for baud in bauds]


def _given(name: str, value: Callable[[HaCf], str | None]) -> Writer:
    def write(ha: HaCf) -> Sequence[str]:
        text = value(ha)
        return [] if text is None else [f"{name} {text}"]

    return write


# --- rows of the same kind ----------------------------------------------------------------------------------


def _timer(
    name: str, explanation: str, default: str, allowed: str, milliseconds: Callable[[HaCf], int]
) -> Directive:
    return Directive(
        name=name,
        syntax="TIME",
        explanation=explanation,
        read=_one(read_time_ms),
        default=default,
        unit="seconds, or with ms or us",
        range=allowed,
        write=lambda ha: [f"{name} {written_time(milliseconds(ha))}"],
    )


def _medium(
    name: str, syntax: str, explanation: str, read: Reader, shape: Shape, *, write: Writer | None = None
) -> Directive:
    return Directive(name=name, syntax=syntax, explanation=explanation, read=read, shape=shape, write=write)


_BOOLEAN = _one(read_boolean)
DIRECTIVES: tuple[Directive, ...] = (
    Directive(
        "udpport",
        "PORT",
        "UDP port of all bcast, ucast and ppp-udp links, wherever in the file it stands",
        _one(read_port),
        default=str(DEFAULT_PORT),
        range="1 to 65535",
        write=_udpport,
    ),
    Directive(
        "baud",
        "SPEED",
        "speed of all serial lines, those of ppp-udp, too",
        read_baud,
        default=str(DEFAULT_BAUD),
        unit="bits a second",
        range=", ".join(map(str, BAUDS)),
        write=_baud,
    ),
    _medium(
        "bcast",
        "INTERFACE...",
        "heartbeats to the broadcast address of each interface",
        read_bcast,
        Shape.MANY,
        # The media are written together, in their own order, which status and logs keep.
        write=lambda ha: [written_link(link) for link in ha.links],
    ),
    Directive(
        "udp",
        "INTERFACE...",
        "old name of bcast",
        read_bcast,
        Shape.MANY,
        Treatment.ALIAS,
        remedy="write bcast",
    ),
    _medium(
        "mcast",
        "INTERFACE GROUP PORT TTL LOOP",
        "heartbeats to an IPv4 multicast group",
        read_mcast,
        Shape.LINE,
    ),
    _medium(
        "mcast6",
        "INTERFACE GROUP PORT HOPS LOOP",
        "heartbeats to an IPv6 multicast group",
        read_mcast6,
        Shape.LINE,
    ),
    _medium(
        "ucast",
        "INTERFACE ADDRESS",
        "heartbeats to one peer, by address or name; naming the own address does no harm, so one file serves "
        "all nodes",
        read_ucast,
        Shape.LINE,
    ),
    _medium("ucast6", "INTERFACE ADDRESS", "heartbeats to one peer over IPv6", read_ucast6, Shape.LINE),
    _medium("serial", "DEVICE...", "heartbeats over a null-modem cable", read_serial, Shape.MANY),
    _medium(
        "ppp-udp",
        "ADDRESS DEVICE PEER [OPTION...]",
        "heartbeats as UDP over PPP over a null-modem cable: this node's address, the line, the peer's "
        "address, and options for pppd",
        read_ppp_udp,
        Shape.LINE,
    ),
    Directive(
        "node",
        "NAME...",
        "the machines of the cluster, as `uname -n` prints them; after the preferred node, this is the order "
        "in which they take over",
        _one(read_node),
        Shape.MANY,
        range="must contain the local name",
        doubt=_an_address,
        write=lambda ha: [f"node {name}" for name in ha.nodes],
    ),
    Directive(
        "auto_failback",
        "on|off|legacy",
        "whether a group returns to its preferred node when that node comes back; legacy returns it always "
        "and refuses planned moves",
        _auto_failback,
        default="legacy",
        usual=lambda value: value.value,
        write=lambda ha: [f"auto_failback {ha.auto_failback.value}"],
    ),
    Directive(
        "nice_failback",
        "on|off",
        "old opposite of auto_failback",
        _nice_failback,
        treatment=Treatment.ALIAS,
        remedy="write auto_failback off for nice_failback on, auto_failback on for nice_failback off",
    ),
    _timer("keepalive", "how often a node says that it is alive", "1", "above 0", lambda ha: ha.keepalive_ms),
    _timer(
        "deadtime",
        "how long a node is silent before it is declared dead",
        "30",
        "more than twice keepalive",
        lambda ha: ha.deadtime_ms,
    ),
    _timer(
        "warntime",
        "how late a heartbeat is before the log says so",
        "half of deadtime",
        "less than deadtime",
        lambda ha: ha.warntime_ms,
    ),
    _timer(
        "initdead",
        "dead time while this node starts, when the network may still be coming up",
        "deadtime if that is above 10 s, 12 s if it is below 6 s, else twice deadtime",
        "at least deadtime; better twice deadtime",
        lambda ha: ha.initdead_ms,
    ),
    Directive(
        "hopfudge",
        "NUMBER",
        "how many hops above the number of nodes a message may travel",
        _one(integer(0, 255)),
        default="1",
        range="0 to 255",
        write=lambda ha: [f"hopfudge {ha.hopfudge}"],
    ),
    Directive(
        "max_rexmit_delay",
        "NUMBER",
        "longest random wait before a lost message is asked for or sent again",
        # 3.0.6 does not look at what follows the number.
        lambda words: integer(1, 60_000)(re.sub(r"(?<=[0-9])ms\Z", "", words[0])),
        default="250",
        unit="milliseconds, also with ms",
        range="1 to 60000",
        write=lambda ha: [f"max_rexmit_delay {ha.max_rexmit_delay_ms}"],
    ),
    Directive(
        "realtime",
        "on|off",
        "real-time scheduling and memory that is not swapped out",
        _BOOLEAN,
        default="on",
        write=lambda ha: [f"realtime {written_boolean(ha.realtime)}"],
    ),
    Directive(
        "rtprio",
        "NUMBER",
        "real-time priority",
        _one(integer(1, 99)),
        default="1",
        range="1 to 99",
        write=lambda ha: [f"rtprio {ha.rtprio}"],
    ),
    Directive(
        "logfile",
        "PATH",
        "a file to log to, beside the journal",
        _one(read_path),
        write=_given("logfile", lambda ha: ha.logging.logfile),
    ),
    Directive(
        "logfacility",
        "FACILITY|none",
        "a syslog facility to log to, beside the journal; without /dev/log a warning says so",
        _facility,
        range=", ".join(FACILITIES),
        write=_given("logfacility", lambda ha: ha.logging.facility),
    ),
    Directive(
        "debug",
        "LEVEL",
        "whether more is logged than the ordinary: 0 is no, anything else yes; SIGUSR1 raises it and SIGUSR2 "
        "lowers it",
        _debug,
        default="0",
        range="0 to 255",
        write=lambda ha: [f"debug {ha.logging.debug}"],
    ),
    *LOCAL,
    *PINGS,
    *UNUSED,
)

BY_NAME: dict[str, Directive] = {directive.name: directive for directive in DIRECTIVES}


def names() -> list[str]:
    """Every name that the table knows, in the table's order."""
    return [directive.name for directive in DIRECTIVES]
