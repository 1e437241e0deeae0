"""The ha.cf directives that heartbeat 3.0.6 knew and this daemon does not carry out: the table's second part.

None of them is ignored without a word. Each row says why the line is accepted or refused, and what the user
can do instead; `quiet` values ask for what happens anyway and need no notice.
"""

from __future__ import annotations

from typing import Any, Callable

from .directive import Directive, Reader, Shape, Treatment
from .values import BadValueError, choice, integer, read_boolean, read_path, read_time_ms


def _one(read: Callable[[str], object]) -> Reader:
    return lambda words: read(words[0])


def _anything(words: tuple[str, ...]) -> object:
    return " ".join(words)


def _autojoin(words: tuple[str, ...]) -> object:
    # 3.0.6 knows no booleans here; people who write off can only mean none.
    try:
        joins = read_boolean(words[0])
    except BadValueError:
        joins = True
    return choice("none", "other", "any")(words[0]) if joins else "none"


def _manager(words: tuple[str, ...]) -> object:
    # Besides booleans 3.0.6 knows respawn, manual and others, which all mean yes.
    try:
        return read_boolean(words[0])
    except BadValueError:
        return words[0]


def _idle(
    name: str,
    syntax: str,
    explanation: str,
    remedy: str,
    *,
    read: Reader = _anything,
    shape: Shape = Shape.ONE,
    quiet: tuple[object, ...] = (),
    default: str = "",
) -> Directive:
    return Directive(
        name,
        syntax,
        explanation,
        read,
        shape,
        Treatment.NO_EFFECT,
        default=default,
        remedy=remedy,
        quiet=quiet,
    )


def _refused(
    name: str,
    syntax: str,
    explanation: str,
    remedy: str,
    *,
    read: Reader = _anything,
    shape: Shape = Shape.LINE,
    quiet: tuple[object, ...] = (),
    default: str = "",
    usual: Callable[[Any], str] | None = None,
) -> Directive:
    return Directive(
        name,
        syntax,
        explanation,
        read,
        shape,
        Treatment.REFUSED,
        default=default,
        remedy=remedy,
        quiet=quiet,
        usual=usual,
    )


_BOOLEAN = _one(read_boolean)
_KILOBYTES = _one(integer(0, 10_000_000))
_LOG = "the log goes to the journal, and to logfile and logfacility where given"
_PACEMAKER = "without crm it has nothing to do"
_NOTHING = "nothing needs to be done"
_FENCING = (
    "use a cluster manager with fencing, or remove the line and accept that two separated nodes both serve"
)
_NO_MANAGER = "write crm no and describe the resources in haresources, or stay with Pacemaker"

UNUSED: tuple[Directive, ...] = (
    # --- accepted; there is nothing for them to do ---
    _idle("use_logd", "on|off", "logging through logd", _LOG, read=_BOOLEAN),
    _idle(
        "conn_logd_time", "TIME", "how often logd is looked for", _LOG, read=_one(read_time_ms), default="60"
    ),
    _idle(
        "syslogmsgfmt",
        "on|off",
        "form of the lines in logfile",
        "lines have one form",
        read=_BOOLEAN,
        default="on",
    ),
    _idle(
        "log_badpack",
        "on|off",
        "whether bad packets are logged",
        "they are counted, and logged once",
        read=_BOOLEAN,
        quiet=(True,),
        default="on",
    ),
    _idle(
        "apiauth",
        "CLIENT uid=...|gid=...",
        "who may use the client interface",
        "the control socket asks the kernel who is calling",
        shape=Shape.LINE,
    ),
    _idle(
        "env",
        "NAME=VALUE",
        "environment of respawned programs",
        "set it in the program's own service",
        shape=Shape.MANY,
    ),
    _idle("memreserve", "KILOBYTES", "memory to reserve at start", _NOTHING, read=_KILOBYTES, default="6500"),
    _idle(
        "msgfmt",
        "classic|netstring",
        "form of messages",
        "both forms are understood, and UDP links carry netstrings",
        read=_one(choice("classic", "netstring")),
        quiet=("classic", "netstring"),
        default="classic",
    ),
    _idle(
        "compression",
        "zlib|bz2",
        "how large messages are compressed",
        "messages are short and sent as they are",
        read=_one(choice("zlib", "bz2")),
        default="zlib",
    ),
    _idle(
        "compression_threshold",
        "KILOBYTES",
        "size from which messages are compressed",
        "messages are short and sent as they are",
        read=_KILOBYTES,
        default="2",
    ),
    _idle(
        "traditional_compression",
        "on|off",
        "whether the whole message is compressed",
        "messages are short and sent as they are",
        read=_BOOLEAN,
        quiet=(False,),
        default="off",
    ),
    _idle(
        "cluster",
        "NAME",
        "name of the cluster",
        "it is not sent; clusters are told apart by their keys and ports",
    ),
    _idle("quorum_server", "HOST", "quorum server of crm clusters", _PACEMAKER),
    _idle("coreroot", "PATH", "where core files go", "systemd-coredump keeps them", read=_one(read_path)),
    _idle(
        "use_apphbd",
        "on|off",
        "registration with apphbd",
        "the service manager watches the daemon",
        read=_BOOLEAN,
        quiet=(False,),
    ),
    _idle("crm_daemon_dir", "PATH", "where Pacemaker's daemons are", _PACEMAKER),
    _idle(
        "crmd_spawns_pengine", "on|off", "how Pacemaker starts its policy engine", _PACEMAKER, read=_BOOLEAN
    ),
    _idle("record_config_changes", "on|off", "Pacemaker's record of changes", _PACEMAKER, read=_BOOLEAN),
    _idle("record_pengine_inputs", "on|off", "Pacemaker's record of decisions", _PACEMAKER, read=_BOOLEAN),
    _idle("enable_config_writes", "on|off", "whether Pacemaker saves changes", _PACEMAKER, read=_BOOLEAN),
    _idle("normalpoll", "on|off", "which poll function is used", _NOTHING, read=_BOOLEAN),
    # --- going on without them would endanger the user ---
    _refused(
        "crm",
        "off",
        "management by Pacemaker instead of haresources",
        _NO_MANAGER,
        read=_manager,
        shape=Shape.ONE,
        quiet=(False,),
        default="off",
    ),
    _refused(
        "pacemaker",
        "off",
        "newer name of crm",
        _NO_MANAGER,
        read=_manager,
        shape=Shape.ONE,
        quiet=(False,),
        default="off",
    ),
    _refused(
        "autojoin",
        "none",
        "nodes that join without being listed",
        "name every node in a node line and write autojoin none",
        read=_autojoin,
        shape=Shape.ONE,
        quiet=("none",),
        default="none",
        usual=str,
    ),
    _refused(
        "stonith", "TYPE FILE", "fencing: a dead node is powered off before its resources are taken", _FENCING
    ),
    _refused("stonith_host", "HOST TYPE ARGUMENT...", "fencing, with the device's arguments", _FENCING),
    _refused(
        "failfast",
        "USER PATH [ARGUMENT...]",
        "a program whose end reboots the machine",
        "run it as a systemd service with FailureAction=reboot-force",
    ),
    _refused("hbaping", "CARD", "ping over Fibre Channel", "remove the line; heartbeat 3.0.6 refuses it too"),
    _refused(
        "ppp-udp",
        "ADDRESS DEVICE PEER",
        "heartbeats over PPP",
        "configure PPP in the system and write ucast with its interface",
    ),
    _refused("rds", "INTERFACE ADDRESS", "heartbeats over RDS", "use ucast"),
    _refused("tipc", "NAME", "heartbeats over TIPC", "use mcast"),
)
