"""Whether the lines of fixed speed can carry what ha.cf asks of them.

Between nodes of this daemon a heartbeat on such a line is a brief message (`wire.brief`), and a full status
goes out when something has changed, and now and then. heartbeat 3.0.6 needs the full one every time.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from .link_lines import BAUDS
from .model import HaCf, PppLink, SerialLink
from .problems import Problem, Severity
from .values import human_time, written_time

# A brief message of a node whose name has 16 letters.
BRIEF_BYTES = 120
# A status message of three groups in text form, signed with sha256. One without groups has 270 bytes, each
# group adds 50; so this refuses what surely cannot work, and is no promise for a dozen groups.
STATUS_BYTES = 435
# What PPP, IP, UDP and the longer signature of the datagram form add to each message.
PPP_BYTES = 80
# A start bit, eight bits and a stop bit.
_BITS_PER_BYTE = 10
# The rest is for what is said when something changes, and for questions and answers after a loss.
_SHARE_MAX = (2, 3)
# A full status may be damaged, and must be heard before anybody thinks that its sender is dead.
_FULL_PER_DEADTIME = 2
# A suggested time is rounded up to that.
_STEP_MS = 10


def brief_ms(baud: int, extra: int = 0) -> int:
    """How long a line needs for one brief message, rounded up."""
    return _carrying_ms(BRIEF_BYTES + extra, baud)


def full_ms(baud: int, extra: int = 0) -> int:
    """How long a line needs for one full status, rounded up."""
    return _carrying_ms(STATUS_BYTES + extra, baud)


def keepalive_ms_min(baud: int, extra: int = 0, copies: int = 1) -> int:
    """The shortest keepalive that leaves the line room for what else must be said."""
    part, whole = _SHARE_MAX
    return -(-brief_ms(baud, extra) * copies * whole // part)


def check_line_budget(
    ha: HaCf, lines: Mapping[str, int], failed: AbstractSet[str], file: str
) -> list[Problem]:
    """Errors for what a line cannot carry, a warning for what it can carry only between nodes of ours.

    `lines` and `failed` are as in `check_timers`.
    """
    slow = [link for link in ha.links if isinstance(link, (SerialLink, PppLink))]
    if not slow or failed & {"keepalive", "deadtime", "baud", "node"}:
        return []
    # All lines have the same speed. The first that is slowest speaks for all.
    link = next((link for link in slow if isinstance(link, PppLink)), slow[0])
    extra = PPP_BYTES if isinstance(link, PppLink) else 0
    # Where lines make a chain or a ring, each carries what the others pass on, too.
    copies = max(1, len(ha.nodes) - 1) if len(slow) > 1 else 1
    name = next((name for name in ("keepalive", "baud", "serial", "ppp-udp") if name in lines), "keepalive")
    at_baud = f"{link.name}: at {link.baud} baud"
    shortest_ms, full = keepalive_ms_min(link.baud, extra, copies), full_ms(link.baud, extra) * copies
    what = f"the heartbeats of {copies + 1} nodes take" if copies > 1 else "a heartbeat takes"
    if shortest_ms > ha.keepalive_ms:
        message = (
            f"{at_baud} {what} {human_time(brief_ms(link.baud, extra) * copies)}, "
            f"more than two thirds of the keepalive of {human_time(ha.keepalive_ms)}"
        )
        faster = [rate for rate in BAUDS if keepalive_ms_min(rate, extra, copies) <= ha.keepalive_ms]
        return [Problem(file, lines.get(name, 0), name, message, _remedy("keepalive", shortest_ms, faster))]
    if full * _FULL_PER_DEADTIME > ha.deadtime_ms:
        name = "deadtime" if "deadtime" in lines else name
        message = (
            f"{at_baud} a full status takes {human_time(full)}, and two of them, should one be damaged, "
            f"longer than the deadtime of {human_time(ha.deadtime_ms)}"
        )
        faster = [
            rate for rate in BAUDS if full_ms(rate, extra) * copies * _FULL_PER_DEADTIME <= ha.deadtime_ms
        ]
        remedy = _remedy("deadtime", full * _FULL_PER_DEADTIME, faster)
        return [Problem(file, lines.get(name, 0), name, message, remedy)]
    if full > ha.keepalive_ms:
        message = (
            f"{at_baud} this keepalive of {human_time(ha.keepalive_ms)} works between nodes of this daemon "
            f"only: heartbeat 3.0.6 would need {human_time(full)} for each status"
        )
        faster = [rate for rate in BAUDS if full_ms(rate, extra) * copies <= ha.keepalive_ms]
        remedy = (
            f"nothing needs to be done unless a node runs 3.0.6; then {_remedy('keepalive', full, faster)}"
        )
        return [Problem(file, lines.get(name, 0), name, message, remedy, Severity.WARNING)]
    return []


def _carrying_ms(size: int, baud: int) -> int:
    return -(-size * _BITS_PER_BYTE * 1000 // baud)


def _remedy(timer: str, shortest_ms: int, faster: list[int]) -> str:
    remedy = f"write {timer} {written_time(-(-shortest_ms // _STEP_MS) * _STEP_MS)} or more"
    return f"{remedy}, or baud {faster[0]}" if faster else remedy
