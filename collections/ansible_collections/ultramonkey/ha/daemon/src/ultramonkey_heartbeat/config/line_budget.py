"""Whether the serial lines can carry what ha.cf asks of them."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from .link_lines import BAUDS
from .model import HaCf, SerialLink
from .problems import Problem
from .values import human_time, written_time

# A status message of three groups in text form, signed with sha256. One without groups has 260 bytes, each
# group adds 50; so this refuses what surely cannot work, and is no promise for a dozen groups.
STATUS_BYTES = 420
# A start bit, eight bits and a stop bit.
_BITS_PER_BYTE = 10
# A suggested keepalive is rounded up to that.
_STEP_MS = 10


def carrying_ms(baud: int) -> int:
    """How long a line needs for one status message, rounded up."""
    return -(-STATUS_BYTES * _BITS_PER_BYTE * 1000 // baud)


def check_line_budget(
    ha: HaCf, lines: Mapping[str, int], failed: AbstractSet[str], file: str
) -> list[Problem]:
    """A problem when a status message takes longer than until the next one.

    `lines` and `failed` are as in `check_timers`.
    """
    serial = [link for link in ha.links if isinstance(link, SerialLink)]
    if not serial or failed & {"keepalive", "baud"}:
        return []
    # All lines have the same speed.
    baud, needed_ms = serial[0].baud, carrying_ms(serial[0].baud)
    if needed_ms <= ha.keepalive_ms:
        return []
    name = next(name for name in ("keepalive", "baud", "serial") if name in lines)
    shortest = written_time(-(-needed_ms // _STEP_MS) * _STEP_MS)
    remedy = f"write keepalive {shortest} or more"
    faster = [rate for rate in BAUDS if carrying_ms(rate) <= ha.keepalive_ms]
    if faster:
        remedy += f", or baud {faster[0]}"
    message = (
        f"{serial[0].name}: at {baud} baud a status message of {STATUS_BYTES} bytes takes "
        f"{human_time(needed_ms)}, longer than the keepalive of {human_time(ha.keepalive_ms)}"
    )
    return [Problem(file, lines[name], name, message, remedy)]
