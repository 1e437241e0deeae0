"""Runs cells side by side and prints what came out as a table."""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab import Lab, LabError

from .cell import Cell, Place
from .pair import Pair, WrongError
from .scenario import Scenario
from .scenarios import SCENARIOS

# Its daemon and its scripts write into one pipe, and now and then garble each other: about one scenario in a
# thousand. Then it waits for ever for what it told itself, whoever its peer is.
TRIES = 3
PACKAGES = ("heartbeat", "nftables", "python3", "python3-pyroute2", "python3-serial")


@dataclass
class Result:
    """One scenario in one cell."""

    seconds: float
    findings: list[str]
    # The cluster is where the next scenario may begin.
    at_home: bool = False

    @property
    def ok(self) -> bool:
        return not self.findings

    @property
    def word(self) -> str:
        return f"{self.seconds:.1f}" if self.ok else "FAIL"


@dataclass
class Row:
    """All of one cell, by the scenarios' codes."""

    cell: Cell
    results: dict[str, Result] = field(default_factory=dict)


class Matrix:
    """Cells, the scenarios to play in each, and the places where they are played."""

    def __init__(
        self,
        cells: Sequence[Cell],
        scenarios: Sequence[Scenario] = tuple(SCENARIOS),
        *,
        jobs: int = 1,
        reference: bool = False,
        debug: int = 0,
        evidence: Path | None = None,
    ) -> None:
        self.cells = list(cells)
        self.scenarios = list(scenarios)
        self.jobs = min(jobs, len(self.cells))
        self.reference = reference
        self.debug = debug
        self.evidence = evidence
        self.rows: list[Row] = []
        self._say = threading.Lock()

    def run(self) -> list[Row]:
        """Play everything; returns the rows in the cells' order."""
        self.rows = [Row(cell) for cell in self.cells]
        waiting: queue.SimpleQueue[Row] = queue.SimpleQueue()
        for row in self.rows:
            waiting.put(row)
        places = [Place(number) for number in range(self.jobs)]
        names = [name for place in places for name in place.names]
        # The client is the ping node.
        pinged = any(cell.ping for cell in self.cells)
        with Lab(nodes=names, client=pinged, packages=PACKAGES) as lab:
            workers = [
                threading.Thread(target=self._work, args=(lab, place, waiting), daemon=True)
                for place in places
            ]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        return self.rows

    def _work(self, lab: Lab, place: Place, waiting: queue.SimpleQueue[Row]) -> None:
        while True:
            try:
                row = waiting.get_nowait()
            except queue.Empty:
                return
            pair = Pair(lab, row.cell, place, reference=self.reference, debug=self.debug)
            try:
                pair.cold()
                pair.prepare()
                self._play_row(pair, row)
            finally:
                pair.unplug()

    def _play_row(self, pair: Pair, row: Row) -> None:
        at_home = False
        for scenario in self.scenarios:
            if not scenario.fits(row.cell):
                continue
            result = self._play(pair, scenario, at_home=at_home)
            for _ in range(TRIES - 1):
                if result.ok or not pair.lost_in_pipe():
                    break
                self._print(
                    f"{row.cell!s:28} {scenario.code:6} again: 3.0.6 lost a message to itself", result
                )
                result = self._play(pair, scenario, at_home=False)
            at_home = result.at_home
            row.results[scenario.code] = result
            self._print(f"{row.cell!s:28} {scenario.code:6} {result.word:>5}  {scenario.title}", result)
            if not result.ok:
                self._keep_evidence(pair, row.cell, scenario)

    def _print(self, line: str, result: Result) -> None:
        with self._say:
            print(line, *(f"    {finding}" for finding in result.findings), sep="\n", flush=True)

    def _play(self, pair: Pair, scenario: Scenario, *, at_home: bool) -> Result:
        begun = time.monotonic()
        home = False
        try:
            if scenario.cold or not at_home:
                pair.cold()
            pair.begin()
            if not scenario.cold and not at_home:
                # The one before failed, or was not asked for.
                pair.start_together()
                pair.begin()
            begun = time.monotonic()
            scenario.play(pair)
            home = True
            findings = pair.judge(scenario.code, two_holders=scenario.two_holders)
        except (WrongError, LabError) as error:
            findings = [str(error), *pair.complaints(scenario.code)]
        except Exception:  # noqa: BLE001 - a broken scenario is a failed one, and must not end the others
            findings = traceback.format_exc().splitlines()
        return Result(time.monotonic() - begun, findings, at_home=home)

    def _keep_evidence(self, pair: Pair, cell: Cell, scenario: Scenario) -> None:
        if self.evidence is None:
            return
        directory = self.evidence / str(cell).replace("/", "-") / scenario.code.replace(">", "-")
        directory.mkdir(parents=True, exist_ok=True)
        for member in pair.members:
            for path in (member.log, "/var/log/ha-debug", "/var/log/frames", "/var/log/trace"):
                name = f"{member.kind}-{member.name}-{Path(path).name}"
                (directory / name).write_text(member.read(path), encoding="utf-8")


def table(rows: Iterable[Row], scenarios: Sequence[Scenario]) -> str:
    """Cells as lines, scenarios as columns, seconds or FAIL in each."""
    lines = [" " * 28 + "".join(f"{s.code:>6}" for s in scenarios)]
    for row in rows:
        words = [row.results[s.code].word if s.code in row.results else "-" for s in scenarios]
        lines.append(f"{row.cell!s:28}" + "".join(f"{word:>6}" for word in words))
    return "\n".join(lines)


def legend(scenarios: Sequence[Scenario]) -> str:
    """What the headings mean."""
    return "\n".join(f"  {s.code:6} {s.title}" for s in scenarios)


def counts(rows: Iterable[Row]) -> tuple[int, int]:
    """(passed, failed)."""
    results = [result for row in rows for result in row.results.values()]
    passed = sum(result.ok for result in results)
    return passed, len(results) - passed
