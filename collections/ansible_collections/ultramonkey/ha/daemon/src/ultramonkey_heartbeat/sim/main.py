"""The command `hbsim`: break clusters until one breaks a promise.

hbsim run --seeds 0-9999 --jobs 2        many runs; for each failure the command that repeats it
hbsim run --seeds 0-99999 --record FILE  the same; what is done is in FILE, and a second time it goes on
hbsim sum FILE...                        what several such files come to
hbsim replay SEED [--trace]              one run, with the list of its faults, or its whole story
hbsim shrink SEED                        the same failure with as few faults as possible
"""

from __future__ import annotations

import argparse
import gc
import math
import multiprocessing
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.notices import Notice
from ..daemon.notices import word
from .draw import draw
from .plan import Plan
from .run import simulate
from .shrink import shrink
from .summary import Summary, from_lines, options_in, to_line

# Seeds are handed to a worker in such pieces.
PIECE = 8
# And in such ones when each is written down.
RECORDED = 50
# Worlds that are over are cleared away after so many.
COLLECT_EACH = 50
FRESH_SEED_MAX = 2**31
# What is drawn around it (a dead time in heartbeats, half a beat) has no room below this.
KEEPALIVE_MS_MIN = 10


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
    """Returns 0 when every promise held, 1 when one was broken, 2 for a wrong command line or file."""
    options = _parser().parse_args(arguments)
    try:
        return _command(options)
    except BrokenPipeError:
        # Whoever read has seen enough.
        sys.stderr.close()
        return 0
    except (UsageError, OSError) as error:
        print(f"hbsim: error: {error}", file=sys.stderr)
        return 2


def _command(options: argparse.Namespace) -> int:
    if options.command == "sum":
        return _sum(options.records)
    if options.old and options.nodes not in (None, 2):
        raise UsageError(
            f"a heartbeat 3.0.6 knows two nodes: --old and --nodes {options.nodes} exclude each other"
        )
    wanted = Wanted(options.nodes, options.keepalive, options.old)
    if options.command == "run":
        return _run(options, wanted)
    plan = wanted.plan(options.seed)
    if options.without:
        leave_out = set(options.without)
        unknown = leave_out - {fault.number for fault in plan.faults}
        if unknown:
            raise UsageError(
                f"seed {plan.seed} draws no fault {min(unknown)}; it has {len(plan.faults)}, from 0 on"
            )
        plan = replace(plan, faults=tuple(f for f in plan.faults if f.number not in leave_out))
    if options.command == "shrink":
        return _shrink(plan, wanted)
    return _replay(plan, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hbsim", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run many seeds")
    run.add_argument(
        "--seeds",
        type=_seeds,
        default="0-99",
        metavar="SEEDS",
        help="FIRST-LAST, one number, or `fresh:COUNT` (default 0-99)",
    )
    run.add_argument("--jobs", type=_count, default=1, metavar="N", help="processes")
    run.add_argument("--seconds", type=_seconds, metavar="S", help="stop after so long")
    run.add_argument(
        "--failures", type=_count, default=10, metavar="N", help="stop after so many (default 10)"
    )
    run.add_argument(
        "--record", type=Path, metavar="FILE", help="write down what is done, and begin after what is"
    )
    run.add_argument("--quiet", action="store_true", help="only failures and the last line")
    records = commands.add_parser("sum", help="add up records")
    records.add_argument("records", nargs="+", type=Path, metavar="FILE")
    replay = commands.add_parser("replay", help="repeat one seed")
    replay.add_argument("seed", type=_seed, metavar="SEED")
    replay.add_argument("--until", type=_seconds, metavar="S", help="stop at this second of simulated time")
    replay.add_argument("--since", type=_seconds, default=0, metavar="S", help="tell only what comes after")
    replay.add_argument("--trace", action="store_true", help="tell who said, heard, decided and held what")
    smaller = commands.add_parser("shrink", help="find fewer faults that fail the same way")
    smaller.add_argument("seed", type=_seed, metavar="SEED")
    for command in (run, replay, smaller):
        command.add_argument("--nodes", type=int, choices=range(2, 8), help="so many nodes in every run")
        command.add_argument("--keepalive", type=_keepalive, metavar="MS", help="this keepalive in every run")
        command.add_argument(
            "--old", action=argparse.BooleanOptionalAction, help="with heartbeat 3.0.6 peers"
        )
    for command in (replay, smaller):
        command.add_argument(
            "--without", type=_faults, metavar="FAULTS", help="leave these out: numbers and ranges, 3,7-9"
        )
    return parser


# -- words of the command line -----------------------------------------------------------------------


class UsageError(Exception):
    """What was asked for makes no sense; the text is for whoever asked."""


def _number(text: str, least: int, what: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}, {least} or more")
    return int(text)


def _seed(text: str) -> int:
    return _number(text, 0, "a seed")


def _count(text: str) -> int:
    return _number(text, 1, "a number")


def _keepalive(text: str) -> int:
    return _number(text, KEEPALIVE_MS_MIN, "a number of milliseconds")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds


def _seeds(text: str) -> Sequence[int]:
    kind, colon, count = text.partition(":")
    if colon and kind == "fresh":
        first = random.SystemRandom().randrange(FRESH_SEED_MAX)
        last = first + _count(count) - 1
        print(f"fresh seeds {first}-{last}")
        return range(first, last + 1)
    return _range(text, "seed")


def _faults(text: str) -> Sequence[int]:
    return [number for part in text.split(",") for number in _range(part, "fault")]


def _range(text: str, what: str) -> range:
    first_word, dash, last_word = text.partition("-")
    first = _number(first_word, 0, f"a {what}")
    return range(first, _number(last_word if dash else first_word, first, f"a last {what}") + 1)


# -- run -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """Seeds that one process runs one after the other."""

    seeds: Sequence[int]
    wanted: Wanted


def _block(block: Block) -> Summary:
    """Run the seeds of a block."""
    # Nothing of a run can go before its end, and looking for what can costs a third of the time.
    gc.disable()
    # Modules stay for good, and need not be looked through each time. Once: what is frozen is never freed.
    if not gc.get_freeze_count():
        gc.freeze()
    summary = Summary()
    for seed in block.seeds:
        begun_s = time.process_time()
        verdict = simulate(block.wanted.plan(seed))
        if seed % COLLECT_EACH == 0:
            gc.collect()
        summary.add(verdict, time.process_time() - begun_s)
    return summary


def _summaries(blocks: Sequence[Block], jobs: int) -> Iterator[tuple[Block, Summary]]:
    if jobs == 1:
        yield from ((block, _block(block)) for block in blocks)
        return
    with multiprocessing.Pool(jobs) as pool:
        # In order, so that each result is that of its block.
        yield from zip(blocks, pool.imap(_block, blocks))


def _run(options: argparse.Namespace, wanted: Wanted) -> int:
    seeds: Sequence[int] = options.seeds
    begun, told = time.monotonic(), 0.0
    record: Path | None = options.record
    if record is not None:
        # Here, and not after an hour, is the time to hear that it cannot be written.
        record.open("a").close()
    whole, done = _read(*(() if record is None else (record,)))
    others = options_in(record.read_text().splitlines()) - {wanted.words} if record is not None else set()
    if others:
        raise UsageError(f"the runs in {record} are others: `hbsim run{min(others)}`")
    size = RECORDED if record is not None else PIECE if options.jobs > 1 else 1
    blocks = [Block(seeds[n : n + size], wanted) for n in range(0, len(seeds), size)]
    blocks = [block for block in blocks if block.seeds[0] not in done]
    for block, summary in _summaries(blocks, options.jobs):
        whole.merge(summary)
        if record is not None:
            with record.open("a") as file:
                file.write(to_line(block.seeds, summary, wanted.words))
        seconds = time.monotonic() - begun
        for seed, violation in summary.failed:
            print(f"seed {seed}: {violation}")
            print(f"    hbsim replay {seed}{wanted.words} --trace", flush=True)
        if not options.quiet and seconds > told + 10:
            told = seconds
            print(f"{whole.total.runs} runs, {whole.total.rate}", flush=True)
        if len(whole.failed) >= options.failures or (options.seconds and seconds > options.seconds):
            break
    _tell(whole, quiet=options.quiet)
    return 1 if whole.failed else 0


def _tell(summary: Summary, *, quiet: bool) -> None:
    for line in () if quiet else summary.lines():
        print(line)
    print(summary.words)


def _read(*records: Path) -> tuple[Summary, set[int]]:
    try:
        return from_lines(line for record in records for line in record.read_text().splitlines())
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        names = ", ".join(str(record) for record in records)
        raise UsageError(f"not written by `hbsim run --record`: {names}") from error


def _sum(records: Sequence[Path]) -> int:
    """Add up what several series came to."""
    whole, done = _read(*records)
    if not done:
        raise UsageError(f"nothing is recorded in {', '.join(str(record) for record in records)}")
    for seed, violation in whole.failed:
        print(f"seed {seed}: {violation}")
    _tell(whole, quiet=False)
    return 1 if whole.failed else 0


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
