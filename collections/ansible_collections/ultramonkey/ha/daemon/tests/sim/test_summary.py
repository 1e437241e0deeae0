"""A long series of runs can be broken off and go on; what it came to is the same."""

from __future__ import annotations

import gc
import json

import pytest
from ultramonkey_heartbeat.sim import main as hbsim
from ultramonkey_heartbeat.sim.checker import Violation
from ultramonkey_heartbeat.sim.run import Verdict
from ultramonkey_heartbeat.sim.summary import Summary, from_lines, to_line


@pytest.fixture
def runs(monkeypatch):
    """Each run takes no time; one of them fails."""
    ran = []

    def simulate(plan):
        ran.append(plan.seed)
        found = [Violation(1500, "OneHolder", "both")] if plan.seed == 13 else []
        return Verdict(plan.seed, 300_000, found, size="2 nodes", digest=plan.seed)

    monkeypatch.setattr(hbsim, "simulate", simulate)
    return ran


def last_line(capsys):
    return capsys.readouterr().out.splitlines()[-1]


def test_what_is_done_is_not_done_again(runs, tmp_path, capsys):
    record = str(tmp_path / "record")
    hbsim.main(["run", "--seeds", "0-99", "--record", record])
    assert last_line(capsys).startswith("100 runs, 1 failed")
    assert runs == list(range(100))
    hbsim.main(["run", "--seeds", "0-149", "--record", record])
    assert last_line(capsys).startswith("150 runs, 1 failed")
    assert runs == list(range(150))


def test_a_block_that_was_broken_off_is_done_again(runs, tmp_path, capsys):
    record = tmp_path / "record"
    hbsim.main(["run", "--seeds", "0-99", "--record", str(record)])
    record.write_text(record.read_text()[:-20])
    hbsim.main(["run", "--seeds", "0-99", "--record", str(record)])
    assert last_line(capsys).startswith("100 runs, 1 failed")
    assert runs == [*range(100), *range(50, 100)]


def test_a_record_is_not_gone_on_with_by_other_runs(runs, tmp_path, capsys):
    record = str(tmp_path / "record")
    hbsim.main(["run", "--seeds", "0-49", "--nodes", "5", "--record", record])
    assert hbsim.main(["run", "--seeds", "0-99", "--record", record]) == 2
    assert "are others: `hbsim run --nodes 5`" in capsys.readouterr().err
    assert hbsim.main(["run", "--seeds", "0-99", "--nodes", "5", "--record", record]) == 1
    assert runs == list(range(100))


def test_records_add_up_and_a_seed_counts_once(runs, tmp_path, capsys):
    records = [str(tmp_path / name) for name in ("a", "b")]
    hbsim.main(["run", "--seeds", "0-49", "--record", records[0]])
    hbsim.main(["run", "--seeds", "50-99", "--record", records[1]])
    assert hbsim.main(["sum", *records, records[0]]) == 1
    told = capsys.readouterr().out
    assert "seed 13: 1.500 s: OneHolder: both" in told
    assert "100 runs, 1 failed; 8.3 cluster-hours" in told
    assert "2 nodes: 100 runs, 8.3 cluster-hours" in told


def test_a_record_is_lines_of_json():
    summary = Summary()
    summary.add(Verdict(7, 300_000, size="2 nodes", digest=9), 0.5)
    line = to_line([7], summary)
    assert json.loads(line)["simulated_ms"] == 300_000
    assert from_lines(line.splitlines()) == (summary, {7})


def test_a_long_series_frees_what_it_has_run():
    """What one block leaves behind was frozen by the next: a megabyte a seed, for ever."""
    block = hbsim.Block([1], hbsim.Wanted(nodes=2))
    try:
        hbsim._block(block)
        frozen = gc.get_freeze_count()
        hbsim._block(block)
        assert gc.get_freeze_count() <= frozen
    finally:
        gc.unfreeze()
        gc.enable()
