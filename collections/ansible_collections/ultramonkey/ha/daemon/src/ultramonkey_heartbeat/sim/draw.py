"""From a seed to a plan: each seed draws which faults exist at all, and how likely each of them is.

Uniform randomness explores the middle. With most kinds of faults absent and some wildly likely, each seed
is a corner of its own.
"""

from __future__ import annotations

import random
from dataclasses import replace

from ..config.model import AutoFailback, Group, Resource
from .plan import STORM_MS, Fault, MediumPlan, Plan

NAMES = ("alice", "bob", "carol", "dave", "erin", "frank", "grace")

# Kinds that no group may be moved for.
BENIGN = ("stall", "address", "replay", "stranger", "reload", "clock")
# Kinds that need no second node or link.
RETURNS = ("power", "crash", "stop", "lost-generation", "clock")
UPKEEP = ("stop", "crash", "stall", "pause", "clock")
KINDS = (
    *("power", "crash", "stop", "lost-generation", "pause", "suspend", "blackout", "stall", "clock"),
    *("cut", "one-way", "partition", "isolate", "flap", "medium"),
    *("fail-start", "fail-stop", "unclean", "slow", "hang", "address"),
    *("blind", "move", "standby", "rivals", "maintenance", "standby-node", "cleanup", "reload"),
    *("replay", "stranger"),
)
# A 3.0.6 whose stop fails reboots the machine, and one without its generation file is never heard again.
NOT_WITH_OLD = (
    *("fail-start", "fail-stop", "unclean", "hang", "lost-generation", "rivals"),
    *("maintenance", "standby-node"),
)
SCRIPTS = ("fail-start", "fail-stop", "unclean", "slow", "hang")
# What makes a run worth its time is drawn more often.
LIKELY = ("power", "crash", "stop", "cut", "one-way", "partition", "pause", "move", "standby")
KEEPALIVES_MS = (100, 250, 500, 1000, 2000)
# Frames go with the square of the nodes, and what a run costs goes with the frames: a large cluster seldom
# has a short keepalive.
SMALL_NODES = 3
ODDS_SMALL, ODDS_LARGE = (3, 7, 15, 50, 25), (1, 2, 10, 52, 35)


def draw(
    seed: int, nodes: int | None = None, keepalive_ms: int | None = None, *, old: bool | None = None
) -> Plan:
    """The plan of a seed. What is given replaces what it would draw; `old` is whether one node is a 3.0.6."""
    rng = random.Random(seed)  # noqa: S311 - a repeatable draw is what is wanted
    count = rng.choices((2, 3, 4, 5, 6, 7), (50, 22, 10, 12, 3, 3))[0]
    count = nodes or count
    # A 3.0.6 knows two nodes only.
    mixed = rng.random() < 0.1 and nodes in (None, 2) if old is None else old
    if mixed and nodes is None:
        count = 2
    names = NAMES[:count]
    keepalive = rng.choices(KEEPALIVES_MS, ODDS_SMALL if count <= SMALL_NODES else ODDS_LARGE)[0]
    keepalive = keepalive_ms or keepalive
    deadtime_ms = keepalive * rng.choice((3, 4, 5, 5, 10)) + rng.choice((0, 0, 1, 37))
    initdead_ms = deadtime_ms * rng.choice((1, 2, 2, 3)) + rng.choice((0, 1, 500))
    policy = rng.choices(tuple(AutoFailback), (40, 45, 15))[0]
    groups = tuple(_group(f"group{n}", rng.choice(names)) for n in range(rng.choice((1, 2, 2, 3, 4))))
    codec = rng.choice(("crc", "md5", "sha1", "sha256")) if rng.random() < 0.12 else ""
    benign = rng.random() < 0.12
    script_ms = rng.choice((1, 10, 10, 100, 900))
    script_ms_max = script_ms + rng.choice((0, 500, 4000))
    media = _media(rng, names, keepalive, deadtime_ms, garble=bool(codec), benign=benign)
    kinds = tuple(kind for kind in KINDS if not (mixed and kind in NOT_WITH_OLD))
    faults = _faults(
        rng, names, groups, media, every_kind=kinds, times_ms=(keepalive, deadtime_ms), benign=benign
    )
    upkeep_ms = None
    if rng.random() < 0.06 and not benign and not mixed:
        upkeep_ms, faults = _upkeep(rng, names, groups, media, (keepalive, deadtime_ms))
    returns = rng.random() < 0.06 and not benign and not mixed and upkeep_ms is None
    if returns:
        policy = AutoFailback.OFF
        media = tuple(replace(medium, loss=0.0, double=0.0, tail=0.0, garble=0.0) for medium in media)
        times_ms = (keepalive, deadtime_ms)
        faults = _faults(rng, names, groups, media, every_kind=RETURNS, times_ms=times_ms, benign=False)
    pings = ("router", "backbone")[: rng.choice((0, 0, 1, 2))] if not mixed else ()
    others = rng.sample(names, k=rng.randint(0, len(names) - 1)) if rng.random() < 0.3 and not mixed else []
    core = tuple(name for name in names if name not in others)
    drift = tuple((name, rng.randint(-20_000, 20_000)) for name in names) if rng.random() < 0.15 else ()
    newer = tuple(name for name in names if rng.random() < 0.5) if rng.random() < 0.15 else ()
    return Plan(
        seed=seed,
        nodes=names,
        groups=groups,
        policy=policy,
        keepalive_ms=keepalive,
        deadtime_ms=deadtime_ms,
        initdead_ms=initdead_ms,
        media=media,
        script_ms=script_ms,
        script_ms_max=script_ms_max,
        codec=codec,
        faults=faults,
        core=core,
        benign=benign,
        upkeep_ms=upkeep_ms,
        returns=returns,
        pings=pings,
        drift_ppm=drift,
        newer=() if mixed else newer,
        old=(rng.choice(names),) if mixed else (),
        last_wish=(rng.choice(groups).key, rng.choice(core)) if rng.random() < 0.5 else None,
    )


def _group(key: str, preferred: str) -> Group:
    return Group(key, preferred, (Resource("IPaddr", (key,), key),))


def _media(
    rng: random.Random,
    names: tuple[str, ...],
    keepalive_ms: int,
    deadtime_ms: int,
    *,
    garble: bool,
    benign: bool,
) -> tuple[MediumPlan, ...]:
    """One to three, of different kinds; all nodes are on the first one."""
    mercy_ms = deadtime_ms - 2 * keepalive_ms - 50 if benign else 0
    troubled = rng.random() < 0.5 and mercy_ms >= 0
    tail_ms_max = rng.choice((50, keepalive_ms, deadtime_ms, 3 * deadtime_ms))
    media: list[MediumPlan] = []
    for number in range(rng.choice((1, 1, 2, 2, 3))):
        pair = tuple(sorted(rng.sample(names, k=2)))
        serial = number > 0 and rng.random() < 0.5
        # At shorter keepalives a slow line is always full, and our own check of the files says so.
        baud = rng.choice((19_200, 57_600, 115_200)) if keepalive_ms >= 1000 else 115_200
        media.append(
            MediumPlan(
                name=f"serial /dev/ttyS{number}" if serial else f"bcast eth{number}",
                members=pair if serial else names,
                baud=baud if serial else 0,
                delay_ms=rng.choice((1, 1, 1, 5, 40)),
                loss=rng.choice((0.0, 0.01, 0.05, 0.3)) if troubled else 0.0,
                double=rng.choice((0.0, 0.0, 0.05, 0.5)) if troubled else 0.0,
                tail=rng.choice((0.0, 0.0, 0.01, 0.1)) if troubled else 0.0,
                tail_ms_max=tail_ms_max,
                garble=rng.choice((0.0, 0.02)) if garble and troubled else 0.0,
                mercy_ms=mercy_ms,
            )
        )
    return tuple(media)


def _faults(
    rng: random.Random,
    names: tuple[str, ...],
    groups: tuple[Group, ...],
    media: tuple[MediumPlan, ...],
    *,
    every_kind: tuple[str, ...],
    times_ms: tuple[int, int],
    benign: bool,
) -> tuple[Fault, ...]:
    weights = {kind: rng.choice((1, 1, 3, 10)) for kind in every_kind if rng.random() < _chance(kind)}
    if benign:
        weights = {kind: 1 for kind in BENIGN if kind in KINDS}
        if len(media) > 1:
            weights["medium"] = 1
    if not weights:
        return ()
    kinds, odds = tuple(weights), tuple(weights.values())
    often = rng.choice((3, 10, 30, 60))
    at_change = rng.choice((0.0, 0.2, 0.6))
    faults = []
    for number in range(rng.randint(often // 2, often)):
        kind = rng.choices(kinds, odds)[0]
        host = rng.choice(names)
        lasts_ms = _lasts(rng, kind, *times_ms)
        at_ms = rng.randint(1, STORM_MS - 1)
        medium = rng.choice(media[1:] if benign and len(media) > 1 else media).name
        if benign and kind == "medium":
            medium = media[-1].name
        faults.append(
            Fault(
                number,
                at_ms,
                kind,
                host,
                other=rng.choice([name for name in names if name != host]),
                group=rng.choice(groups).key,
                medium=medium if kind in ("flap", "medium") or rng.random() < 0.3 else "",
                lasts_ms=lasts_ms,
                at_change=rng.random() < at_change,
                detail=_detail(rng, kind),
            )
        )
    return tuple(sorted(faults, key=lambda fault: fault.at_ms))


def _upkeep(
    rng: random.Random,
    names: tuple[str, ...],
    groups: tuple[Group, ...],
    media: tuple[MediumPlan, ...],
    times_ms: tuple[int, int],
) -> tuple[tuple[int, int], tuple[Fault, ...]]:
    """A maintenance of the whole cluster in which daemons are restarted, crash and stall."""
    on_ms, off_ms = 60_000, 170_000
    faults = _faults(rng, names, groups, media, every_kind=UPKEEP, times_ms=times_ms, benign=False)
    middle = tuple(
        replace(fault, at_ms=on_ms + 5000 + fault.at_ms // 2, lasts_ms=min(fault.lasts_ms, 10_000))
        for fault in faults
    )
    switch = Fault(1000, on_ms, "maintenance", names[0], other=names[-1], lasts_ms=off_ms - on_ms)
    return (on_ms, off_ms), (switch, *middle)


def _chance(kind: str) -> float:
    return 0.6 if kind in LIKELY else 0.35


def _lasts(rng: random.Random, kind: str, keepalive_ms: int, deadtime_ms: int) -> int:
    """How long a fault lasts: around the times at which something changes, or far beyond."""
    if kind == "stall":
        return rng.randint(1, max(1, min(keepalive_ms, deadtime_ms - 2 * keepalive_ms - 50)))
    if kind in SCRIPTS:
        return rng.randint(5_000, 90_000)
    choices = (
        rng.randint(1, keepalive_ms),
        rng.randint(keepalive_ms, deadtime_ms),
        deadtime_ms + rng.randint(-keepalive_ms, keepalive_ms),
        rng.randint(deadtime_ms, 4 * deadtime_ms),
        rng.randint(deadtime_ms, 60_000),
    )
    return rng.choice(choices)


def _detail(rng: random.Random, kind: str) -> str:
    if kind == "pause":
        return rng.choice(("timers first", "frames first"))
    if kind in ("suspend", "blackout"):
        return rng.choice(("frames kept", "frames lost"))
    if kind == "move":
        return rng.choice(("other", "other", "host", "nobody"))
    if kind == "maintenance":
        return rng.choice(("group", "cluster"))
    if kind == "blind":
        return rng.choice(("router", "backbone"))
    if kind == "standby":
        return rng.choice(("all", "local", "foreign"))
    return ""
