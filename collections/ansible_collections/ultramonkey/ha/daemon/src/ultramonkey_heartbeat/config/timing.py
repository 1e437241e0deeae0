"""The relations between the timers of ha.cf."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from .model import HaCf
from .problems import Problem, Severity
from .values import human_time, written_time

_NETWORK_START_MS = 12_000
_LONG_DEADTIME_MS = 10_000


def default_initdead_ms(deadtime_ms: int) -> int:
    """What `initdead` is when ha.cf does not say it, as in heartbeat 3.0.6.

    A network card may need that long after a boot; a long deadtime already has room for it.
    """
    if deadtime_ms > _LONG_DEADTIME_MS:
        return deadtime_ms
    return max(_NETWORK_START_MS, 2 * deadtime_ms)


def check_timers(ha: HaCf, lines: Mapping[str, int], failed: AbstractSet[str], file: str) -> list[Problem]:
    """Problems between timers.

    `lines` says on which line each directive that counts stands (absent: its default applies). Nothing is
    said of a timer in `failed`, because its value is not known.
    """
    known = {"keepalive", "deadtime", "warntime", "initdead"} - failed
    deadtime = human_time(ha.deadtime_ms)
    problems: list[Problem] = []

    def where(name: str) -> str:
        return f" ({file}:{lines[name]})" if name in lines else " (the default)"

    if {"keepalive", "deadtime"} <= known and ha.deadtime_ms <= 2 * ha.keepalive_ms:
        name = "deadtime" if "deadtime" in lines else "keepalive"
        problems.append(
            Problem(
                file,
                lines.get(name, 0),
                name,
                f"deadtime {deadtime} is not above twice the keepalive of "
                f"{human_time(ha.keepalive_ms)}{where('keepalive')}",
                f"write deadtime {written_time(4 * ha.keepalive_ms)} or more, or a shorter keepalive",
            )
        )
    if (
        "deadping" in lines
        and not failed & {"keepalive", "deadping"}
        and ha.ping_deadtime_ms <= 2 * ha.keepalive_ms
    ):
        problems.append(
            Problem(
                file,
                lines["deadping"],
                "deadping",
                f"deadping {human_time(ha.ping_deadtime_ms)} is not above twice the keepalive of "
                f"{human_time(ha.keepalive_ms)}{where('keepalive')}",
                f"write deadping {written_time(4 * ha.keepalive_ms)} or more, or a shorter keepalive",
            )
        )
    if "deadtime" not in known:
        return problems
    if "warntime" in lines and "warntime" in known and ha.warntime_ms >= ha.deadtime_ms:
        problems.append(
            Problem(
                file,
                lines["warntime"],
                "warntime",
                f"warntime {human_time(ha.warntime_ms)} is not below deadtime {deadtime}{where('deadtime')}, "
                "so no warning will ever come before the node is declared dead",
                f"write warntime {written_time(max(1, ha.deadtime_ms // 2))}",
                Severity.WARNING,
            )
        )
    if "initdead" not in lines or "initdead" not in known:
        return problems
    initdead = f"initdead {human_time(ha.initdead_ms)}"
    remedy = f"write initdead {written_time(2 * ha.deadtime_ms)} or more"
    if ha.initdead_ms < ha.deadtime_ms:
        message = f"{initdead} is below deadtime {deadtime}{where('deadtime')}"
        problems.append(Problem(file, lines["initdead"], "initdead", message, remedy))
    elif ha.initdead_ms < 2 * ha.deadtime_ms:
        message = f"{initdead} is less than twice deadtime {deadtime}{where('deadtime')}"
        problems.append(Problem(file, lines["initdead"], "initdead", message, remedy, Severity.WARNING))
    return problems
