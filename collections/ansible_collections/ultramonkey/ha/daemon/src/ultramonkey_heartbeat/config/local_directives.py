"""The ha.cf directives that a node carries out for itself, unseen by the others: the table's third part."""

from __future__ import annotations

from .directive import Directive, Shape
from .respawn_line import read_respawn, unstartable, written_respawn
from .values import choice, read_boolean, read_path, written_boolean

LOCAL: tuple[Directive, ...] = (
    Directive(
        "debugfile",
        "PATH",
        "a file that has everything that is logged; with it, logfile has no debug messages",
        lambda words: read_path(words[0]),
        write=lambda ha: [] if ha.logging.debugfile is None else [f"debugfile {ha.logging.debugfile}"],
    ),
    Directive(
        "respawn",
        "USER PATH [ARGUMENT...]",
        "a program to run as that user while this node is active; it is started again when it ends, unless "
        "with exit code 100, and left alone when it ends within 30 s more than 10 times in a row. What "
        "ipfail does is built in; programs that only work with heartbeat 3.0.6 (dopd, ...) are not started",
        read_respawn,
        Shape.COMMAND,
        range="an absolute path; the line is run by the shell",
        doubt=unstartable,
        write=lambda ha: [written_respawn(program) for program in ha.respawn],
    ),
    Directive(
        "watchdog",
        "DEVICE",
        "a watchdog device that reboots this machine when the daemon hangs for longer than deadtime (and "
        "10 ms, in whole seconds), crashes and is not back in time, or ends with groups that it could not "
        "stop",
        lambda words: read_path(words[0]),
        write=lambda ha: [] if ha.watchdog is None else [f"watchdog {ha.watchdog}"],
    ),
    Directive(
        "hbgenmethod",
        "file|time",
        "where the number of this start comes from: one more than the last, kept in a file, or the time of "
        "day. It never goes back, whatever the clock does",
        lambda words: choice("file", "time")(words[0]),
        default="file",
        write=lambda ha: ["hbgenmethod time"] if ha.generation_from_time else [],
    ),
    Directive(
        "uuidfrom",
        "file|nodename",
        "where this node's uuid comes from: made once and kept in a file, or derived from the node's name, "
        "so that a copied disk is no copied identity",
        lambda words: choice("file", "nodename")(words[0]),
        default="file",
        write=lambda ha: ["uuidfrom nodename"] if ha.uuid_from_name else [],
    ),
    Directive(
        "coredumps",
        "on|off",
        "whether the daemon and what it starts may leave a core file; without it the service's limit holds",
        lambda words: read_boolean(words[0]),
        write=lambda ha: [] if ha.coredumps is None else [f"coredumps {written_boolean(ha.coredumps)}"],
    ),
)
