"""What many runs came to, and how that is kept on disk, so that a long series can be broken off and go on.

A record is a file of lines, one for each block of seeds that is done, each a JSON object:
`first`, `last` (seeds), `options` (what the command line asks of every run), `runs`, `simulated_ms`,
`processor_s`, `rules`, `faults`, `sizes`, `digest` and `failed`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .coverage import ROWS
from .old_coverage import ROWS as OLD_ROWS
from .run import Verdict

MS_PER_HOUR = 3_600_000


@dataclass
class Share:
    """What the runs of one kind took."""

    runs: int = 0
    simulated_ms: int = 0
    processor_s: float = 0.0

    def add(self, runs: int, simulated_ms: int, processor_s: float) -> None:
        """So much more."""
        self.runs += runs
        self.simulated_ms += simulated_ms
        self.processor_s += processor_s

    @property
    def rate(self) -> str:
        """Simulated time against the time of the processor, which is the same on a busy machine, nearly."""
        hours = self.simulated_ms / MS_PER_HOUR
        each = hours / max(self.processor_s, 1e-9) * 60
        return f"{hours:.1f} cluster-hours, {each:.0f} a processor minute"


@dataclass
class Summary:
    """What many runs came to."""

    total: Share = field(default_factory=Share)
    rules: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    # By kind of cluster: how many nodes, or with a 3.0.6.
    sizes: dict[str, Share] = field(default_factory=dict)
    # Seeds and what was violated first.
    failed: list[tuple[int, str]] = field(default_factory=list)
    # Of all that happened: the same in every order, and in every way to run it.
    digest: int = 0

    def add(self, verdict: Verdict, processor_s: float) -> None:
        """One run more."""
        self.total.add(1, verdict.simulated_ms, processor_s)
        self.sizes.setdefault(verdict.size, Share()).add(1, verdict.simulated_ms, processor_s)
        self.rules.update(verdict.rules)
        self.faults.update(verdict.faults)
        self.digest = (self.digest + verdict.digest) % 2**32
        if verdict.failed:
            self.failed.append((verdict.seed, str(verdict.violations[0])))

    def merge(self, other: Summary) -> None:
        """The runs of another summary, too."""
        self.total.add(other.total.runs, other.total.simulated_ms, other.total.processor_s)
        for size, share in other.sizes.items():
            self.sizes.setdefault(size, Share()).add(share.runs, share.simulated_ms, share.processor_s)
        self.rules.update(other.rules)
        self.faults.update(other.faults)
        self.digest = (self.digest + other.digest) % 2**32
        self.failed += other.failed

    @property
    def words(self) -> str:
        """The last line."""
        failed = len(self.failed)
        return f"{self.total.runs} runs, {failed} failed; {self.total.rate}; digest {self.digest:08x}"

    def lines(self) -> Iterable[str]:
        """What was exercised, how fast, and what never happened."""
        yield "faults: " + ", ".join(f"{kind} {count}" for kind, count in sorted(self.faults.items()))
        rows = (*ROWS, *OLD_ROWS) if any(row in self.rules for row in OLD_ROWS) else ROWS
        yield from (f"{self.rules[row]:9} {row}" for row in rows if self.rules[row])
        never = [row for row in rows if not self.rules[row]]
        yield "never taken: " + ("; ".join(never) or "nothing, every row was")
        for size, share in sorted(self.sizes.items()):
            yield f"{size}: {share.runs} runs, {share.rate}"


def to_line(seeds: Sequence[int], summary: Summary, options: str = "") -> str:
    """What to append to a record. Begins with a line break, should the line before have been broken off."""
    total = summary.total
    entry = {
        "first": seeds[0],
        "last": seeds[-1],
        "options": options,
        "runs": total.runs,
        "simulated_ms": total.simulated_ms,
        "processor_s": round(total.processor_s, 3),
        "rules": summary.rules,
        "faults": summary.faults,
        "sizes": {
            size: [share.runs, share.simulated_ms, round(share.processor_s, 3)]
            for size, share in summary.sizes.items()
        },
        "digest": summary.digest,
        "failed": summary.failed,
    }
    return "\n" + json.dumps(entry, sort_keys=True)


def from_lines(lines: Iterable[str]) -> tuple[Summary, set[int]]:
    """What a record comes to, and the first seed of each block in it.

    A line that is there twice counts once.
    """
    whole, done = Summary(), set()
    for entry in _entries(lines):
        if entry["first"] not in done:
            done.add(entry["first"])
            whole.merge(_from_entry(entry))
    return whole, done


def options_in(lines: Iterable[str]) -> set[str]:
    """With what options the runs of a record were made."""
    return {entry.get("options", "") for entry in _entries(lines)}


def _entries(lines: Iterable[str]) -> Iterable[dict[str, Any]]:
    """The lines of a record. One that was broken off in the middle counts as not written."""
    for line in lines:
        try:
            entry: dict[str, Any] = json.loads(line)
        except ValueError:
            continue
        yield entry


def _from_entry(entry: dict[str, Any]) -> Summary:
    return Summary(
        Share(entry["runs"], entry["simulated_ms"], entry["processor_s"]),
        Counter(entry["rules"]),
        Counter(entry["faults"]),
        {size: Share(*share) for size, share in entry["sizes"].items()},
        [(seed, text) for seed, text in entry["failed"]],
        entry["digest"],
    )
