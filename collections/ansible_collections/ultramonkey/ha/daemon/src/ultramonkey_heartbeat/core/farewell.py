"""Goodbye: how a node tells the others that it leaves, or that its daemon crashed and is cleaned up."""

from __future__ import annotations

from collections.abc import Sequence

from ..config.model import Configuration
from ..wire.message import Message
from .assignment import NOBODY
from .report import GroupReport, GroupState, Phase, Report, to_fields
from .switches import NOTHING_TURNED, Kept
from .transmit import Identity, Transmitter

# The farewell is said so often, so far apart: nobody can ask for it again. Each time the same to the last
# byte: a 3.0.6 would begin to take over anew at each new one.
FAREWELLS = 3
FAREWELL_INTERVAL_MS = 10


def farewell(
    configuration: Configuration,
    identity: Identity,
    wall_ms: int,
    left: Sequence[str] = (),
    switches: Kept = NOTHING_TURNED,
) -> list[Message]:
    """The messages that stand in for those of a daemon that is no more.

    `identity` has a generation that the crashed daemon did not use, so the peers believe it at once.
    `wall_ms` is the time of day; `left` are the groups that were left running, under maintenance.
    """
    transmitter = Transmitter(identity, configuration.ha)
    groups = {key: GroupReport(NOBODY, GroupState.HELD) for key in left}
    report = to_fields(
        Report(identity.incarnation, Phase.LEAVING, configuration.digest, (), groups, switches=switches)
    )
    messages = [transmitter.status("active", report, wall_ms).message, transmitter.shutdone(wall_ms).message]
    return messages * FAREWELLS
