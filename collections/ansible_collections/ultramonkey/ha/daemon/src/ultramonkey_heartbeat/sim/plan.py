"""What one run will be: the cluster, its network, its scripts, and everything that goes wrong, and when.

A plan is drawn from a seed (`draw`) before anything runs, so a run that failed can be repeated, and repeated
again without some of its faults (`shrink`).
"""

from __future__ import annotations

from dataclasses import dataclass

from ..config.model import AutoFailback, Group

# While the storm lasts anything may break; then everything of the core is put right.
STORM_MS = 180_000
# No run is shorter, so that figures of seeds are figures of simulated time, too.
RUN_MS_MIN = 300_000
# How long a machine needs from power to a running daemon, and a stopped daemon until it is started again.
BOOT_MS = 2000
# When what failed is tried again. Said here and not taken from `core`, whose promise it is.
RETRY_MS = 30_000


@dataclass(frozen=True)
class MediumPlan:
    """One way by which some nodes hear each other."""

    name: str
    members: tuple[str, ...]
    # Bits a second of a serial line; 0 for datagrams.
    baud: int = 0
    delay_ms: int = 1
    # Chances for each frame and receiver.
    loss: float = 0.0
    double: float = 0.0
    # Chance and length of a long delay; its length is drawn up to the maximum, short ones being likelier.
    tail: float = 0.0
    tail_ms_max: int = 0
    # Chance of a byte that is another one when it arrives, or on a serial line is lost. Only real bytes can.
    garble: float = 0.0
    # Losses and delays never make a silence longer than this; 0: they may.
    mercy_ms: int = 0

    @property
    def perfect(self) -> bool:
        """Every frame arrives once, after the same time."""
        return not (self.loss or self.double or self.tail or self.garble or self.baud)


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong, or that somebody asks for, at one instant; some end after a while."""

    number: int
    at_ms: int
    kind: str
    host: str
    other: str = ""
    group: str = ""
    medium: str = ""
    lasts_ms: int = 0
    # Not at the instant itself, but when a script begins or ends after it: the worst time there is.
    at_change: bool = False
    detail: str = ""

    def __str__(self) -> str:
        """One line for the list of a run's faults."""
        words = [self.kind, self.host, self.other, self.group, self.medium, self.detail]
        when = " at the next change" if self.at_change else ""
        lasts = f" for {self.lasts_ms} ms" if self.lasts_ms else ""
        return f"{self.number:3} {self.at_ms / 1000:8.3f} s{when}: {' '.join(w for w in words if w)}{lasts}"


@dataclass(frozen=True)
class Plan:
    """All that a seed decides."""

    seed: int
    nodes: tuple[str, ...]
    groups: tuple[Group, ...]
    policy: AutoFailback
    keepalive_ms: int
    deadtime_ms: int
    initdead_ms: int
    media: tuple[MediumPlan, ...]
    # Milliseconds that each script takes when nothing is wrong with it.
    script_ms: int
    # The longest that a script takes when it is slow, and after which one that hangs is killed.
    script_ms_max: int
    # Real bytes through the real codec, with this method, or "" for messages as objects.
    codec: str
    faults: tuple[Fault, ...]
    # Who is put right in the end; the others are switched off then.
    core: tuple[str, ...]
    # Nothing worse than late beats, short stalls and one dead link of two ever happens: no group may move.
    benign: bool
    # From when to when the whole cluster is under maintenance, while daemons come and go: nothing may move.
    upkeep_ms: tuple[int, int] | None = None
    # Machines outside the cluster that every node looks for.
    pings: tuple[str, ...] = ()
    # Nodes only go and come back, with `auto_failback off`: no group moves because of a node that returns.
    returns: bool = False
    # Clocks that run too fast or too slow: name and parts in a million.
    drift_ppm: tuple[tuple[str, int], ...] = ()
    # Nodes of a later version of our own, which say things that we do not know.
    newer: tuple[str, ...] = ()
    # Nodes that run heartbeat 3.0.6.
    old: tuple[str, ...] = ()
    # An administrator's last wish, when all is well again: group and target.
    last_wish: tuple[str, str] | None = None

    @property
    def settling_ms(self) -> int:
        """The stated bound: how long after the last fault every group is held exactly once.

        A node that was going down must end and be started again; it joins within initdead, or the dead
        time that others announced; a stop that failed is tried again after 30 s, and the start that had
        failed before it 30 s later; and scripts that run, or hang, must end: a stop is tried three times,
        and after it comes a start.
        """
        scripts_ms = 4 * self.script_ms_max + 3000
        joining_ms = max(self.initdead_ms, self.deadtime_ms) + self.deadtime_ms
        # 3.0.6 waits ten seconds at a common start, and restarts itself after a split.
        old_ms = 3 * (self.deadtime_ms + 40_000) if self.old else 0
        both_ms = scripts_ms + BOOT_MS + joining_ms + 2 * RETRY_MS + 2 * scripts_ms + 6 * self.keepalive_ms
        slowest = max((abs(ppm) for _, ppm in self.drift_ppm), default=0)
        return (both_ms + old_ms) * (1_000_000 + 2 * slowest) // 1_000_000

    @property
    def end_ms(self) -> int:
        """When the run is over: storm, settling, and a calm in which nothing may happen."""
        return max(RUN_MS_MIN, STORM_MS + self.settling_ms + 20_000)
