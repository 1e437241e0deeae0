"""The command `hbsim`: break clusters until one breaks a promise.

hbsim run --seeds 0-9999 --jobs 2        many runs; for each failure the command that repeats it
hbsim replay SEED [--trace]              one run, with the list of its faults, or its whole story
hbsim shrink SEED                        the same failure with as few faults as possible
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ..core.notices import Notice
from ..daemon.notices import word
from .coverage import ROWS
from .draw import draw
from .old_coverage import ROWS as OLD_ROWS
from .plan import Plan
from .run import Verdict, simulate
from .shrink import shrink

MS_PER_HOUR = 3_600_000
# Seeds are handed to a worker in such pieces.
PIECE = 8
# Worlds that are over are cleared away after so many.
COLLECT_EACH = 10
FRESH_SEED_MAX = 2**31


@dataclass(frozen=True)
class Wanted:
    """What the command line asks of every plan."""

    nodes: int | None = None
    keepalive_ms: int | None = None
    old: bool | None = None

    def plan(self, seed: int) -> Plan:
        """The plan of a seed."""
        return draw(seed, self.nodes, self.keepalive_ms, old=self.old)

    @property
    def words(self) -> str:
        """The same on a command line."""
        words = [f" --nodes {self.nodes}"] if self.nodes else []
        words += [f" --keepalive {self.keepalive_ms}"] if self.keepalive_ms else []
        words += [" --old" if self.old else " --no-old"] if self.old is not None else []
        return "".join(words)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 when every promise held, 1 when one was broken, 2 for a wrong command line."""
    options = _parser().parse_args(arguments)
    try:
        return _command(options)
    except BrokenPipeError:
        # Whoever read has seen enough.
        sys.stderr.close()
        return 0


def _command(options: argparse.Namespace) -> int:
    wanted = Wanted(options.nodes, options.keepalive, options.old)
    if options.command == "run":
        return _run(options, wanted)
    plan = wanted.plan(options.seed)
    if options.without:
        leave_out = set(_numbers(options.without))
        plan = replace(plan, faults=tuple(f for f in plan.faults if f.number not in leave_out))
    if options.command == "shrink":
        return _shrink(plan, wanted)
    return _replay(plan, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hbsim", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run many seeds")
    run.add_argument(
        "--seeds", default="0-99", help="FIRST-LAST, one number, or `fresh:COUNT` (default 0-99)"
    )
    run.add_argument("--jobs", type=int, default=1, help="processes")
    run.add_argument("--seconds", type=float, help="stop after so long")
    run.add_argument("--failures", type=int, default=10, help="stop after so many (default 10)")
    run.add_argument("--quiet", action="store_true", help="only failures and the last line")
    replay = commands.add_parser("replay", help="repeat one seed")
    replay.add_argument("seed", type=int)
    replay.add_argument("--until", type=float, metavar="S", help="stop at this second of simulated time")
    replay.add_argument("--since", type=float, default=0, metavar="S", help="tell only what comes after")
    replay.add_argument("--trace", action="store_true", help="tell who said, heard, decided and held what")
    smaller = commands.add_parser("shrink", help="find fewer faults that fail the same way")
    smaller.add_argument("seed", type=int)
    for command in (run, replay, smaller):
        command.add_argument("--nodes", type=int, choices=range(2, 8), help="so many nodes in every run")
        command.add_argument("--keepalive", type=int, metavar="MS", help="this keepalive in every run")
        command.add_argument(
            "--old", action=argparse.BooleanOptionalAction, help="with heartbeat 3.0.6 peers"
        )
    for command in (replay, smaller):
        command.add_argument("--without", help="leave these faults out: numbers and ranges, 3,7-9")
    return parser


# -- run -------------------------------------------------------------------------------------------


@dataclass
class Summary:
    """What many runs came to."""

    runs: int = 0
    simulated_ms: int = 0

    def __post_init__(self) -> None:
        self.rules: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.failed: list[Verdict] = []

    def add(self, verdict: Verdict) -> None:
        """One more."""
        self.runs += 1
        self.simulated_ms += verdict.simulated_ms
        self.rules.update(verdict.rules)
        self.faults.update(verdict.faults)
        if verdict.failed:
            self.failed.append(verdict)

    def rate(self, seconds: float) -> str:
        """Simulated time against time."""
        hours = self.simulated_ms / MS_PER_HOUR
        return f"{hours:.1f} cluster-hours in {seconds:.1f} s: {hours / max(seconds, 1e-9) * 60:.0f} a minute"


def _one(task: tuple[int, Wanted]) -> Verdict:
    seed, wanted = task
    # Nothing of a run can go before its end, and looking for what can costs a third of the time.
    gc.disable()
    verdict = simulate(wanted.plan(seed))
    if seed % COLLECT_EACH == 0:
        gc.collect()
    return verdict


def _verdicts(seeds: Iterable[int], wanted: Wanted, jobs: int) -> Iterator[Verdict]:
    tasks = ((seed, wanted) for seed in seeds)
    if jobs == 1:
        yield from map(_one, tasks)
        return
    with multiprocessing.Pool(jobs) as pool:
        yield from pool.imap_unordered(_one, tasks, chunksize=PIECE)


def _run(options: argparse.Namespace, wanted: Wanted) -> int:
    seeds = _seeds(options.seeds)
    begun, told = time.monotonic(), 0.0
    summary = Summary()
    for verdict in _verdicts(seeds, wanted, options.jobs):
        summary.add(verdict)
        seconds = time.monotonic() - begun
        if verdict.failed:
            print(f"seed {verdict.seed}: {verdict.violations[0]}")
            print(f"    hbsim replay {verdict.seed}{wanted.words} --trace", flush=True)
        elif not options.quiet and seconds > told + 10:
            told = seconds
            print(f"{summary.runs} runs, {summary.rate(seconds)}", flush=True)
        if len(summary.failed) >= options.failures or (options.seconds and seconds > options.seconds):
            break
    seconds = time.monotonic() - begun
    if not options.quiet:
        _tell_what_was_exercised(summary)
    print(f"{summary.runs} runs, {len(summary.failed)} failed; {summary.rate(seconds)}")
    return 1 if summary.failed else 0


def _tell_what_was_exercised(summary: Summary) -> None:
    print("faults: " + ", ".join(f"{kind} {count}" for kind, count in sorted(summary.faults.items())))
    rows = (*ROWS, *OLD_ROWS) if any(row in summary.rules for row in OLD_ROWS) else ROWS
    for row in rows:
        if summary.rules[row]:
            print(f"{summary.rules[row]:9} {row}")
    never = [row for row in rows if not summary.rules[row]]
    print("never taken: " + ("; ".join(never) or "nothing, every row was"))


def _seeds(text: str) -> Sequence[int]:
    kind, _, count = text.partition(":")
    if kind == "fresh":
        first = random.SystemRandom().randrange(FRESH_SEED_MAX)
        print(f"fresh seeds {first}-{first + int(count) - 1}")
        return range(first, first + int(count))
    first_word, dash, last = text.partition("-")
    return range(int(first_word), int(last if dash else first_word) + 1)


def _numbers(text: str) -> Iterator[int]:
    for part in text.split(","):
        yield from _seeds(part)


# -- one seed --------------------------------------------------------------------------------------


def words(notice: Notice) -> str:
    """A notice as the daemon's log words it."""
    return word(notice)[1]


def _replay(plan: Plan, options: argparse.Namespace) -> int:
    describe(plan)
    until_ms = None if options.until is None else int(options.until * 1000)
    verdict = simulate(plan, until_ms=until_ms, words=words if options.trace else None)
    for at_ms, machine, text in verdict.lines:
        if at_ms >= options.since * 1000:
            minutes, ms = divmod(at_ms, 60_000)
            print(f"{minutes:02}:{ms // 1000:02}.{ms % 1000:03} {machine:6} {text}")
    for violation in verdict.violations:
        print(f"BROKEN: {violation}")
    return 1 if verdict.failed else 0


def describe(plan: Plan) -> None:
    """Print what the seed drew."""
    print(
        f"seed {plan.seed}: {' '.join(plan.nodes)}; core {' '.join(plan.core)}; "
        f"auto_failback {plan.policy.value}; "
        f"keepalive {plan.keepalive_ms} ms, deadtime {plan.deadtime_ms} ms, initdead {plan.initdead_ms} ms"
    )
    print("  groups: " + ", ".join(f"{group.key} prefers {group.preferred}" for group in plan.groups))
    print(
        f"  scripts take {plan.script_ms} ms, at most {plan.script_ms_max} ms; settling {plan.settling_ms} ms"
    )
    for medium in plan.media:
        print(f"  {medium}")
    extras = {
        "benign": plan.benign,
        "returns": plan.returns,
        "pings": plan.pings,
        "codec": plan.codec,
        "drift": plan.drift_ppm,
        "newer": plan.newer,
    }
    extras["3.0.6"] = plan.old
    print("  " + ", ".join(f"{name} {value}" for name, value in extras.items() if value))
    for fault in plan.faults:
        print(f"  {fault}")


def _shrink(plan: Plan, wanted: Wanted) -> int:
    smaller = shrink(plan, lambda done, left: print(f"{done} runs, {left} faults left", flush=True))
    if smaller is None:
        print(f"seed {plan.seed} does not fail")
        return 0
    describe(smaller)
    kept = {fault.number for fault in smaller.faults}
    out = ",".join(str(n) for n in sorted({f.number for f in wanted.plan(plan.seed).faults} - kept))
    without = f" --without {out}" if out else ""
    print(f"hbsim replay {plan.seed}{wanted.words}{without} --trace")
    return 1


if __name__ == "__main__":
    sys.exit(main())
