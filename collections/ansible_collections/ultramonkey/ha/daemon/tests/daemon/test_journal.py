"""What happened is kept, bounded, and outlives the daemon; a disk that fails costs only the file."""

from __future__ import annotations

import dataclasses
import itertools
import json

import pytest
from ultramonkey_heartbeat.core import notices as n
from ultramonkey_heartbeat.core.assignment import Assignment, Cause
from ultramonkey_heartbeat.core.chronicle import _RECORDS, record
from ultramonkey_heartbeat.daemon.journal import Journal

MOVED = n.Moved("web", "lb1", "lb2", "takeover", 5012)


@pytest.fixture
def journals(tmp_path):
    opened = []

    def make(size=5, path=tmp_path / "journal.jsonl"):
        journal = Journal(path, itertools.count(1000).__next__, size)
        journal.open()
        opened.append(journal)
        return journal

    yield make
    for journal in opened:
        journal.close()


def lines(path):
    return [json.loads(line)["text"] for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    ("notice", "told"),
    [
        (MOVED, {"group": "web", "from": "lb1", "to": "lb2", "cause": "takeover", "duration_ms": 5012}),
        (
            n.Moved("web", None, "lb2", "start", None),
            {"group": "web", "from": None, "to": "lb2", "cause": "start", "duration_ms": None},
        ),
        (
            n.Assigned("web", Assignment(), Assignment(1, "lb2", 7, Cause.START)),
            {"event": "assigned", "group": "web", "from": None, "to": "lb2", "cause": "start"},
        ),
        (n.GroupFailed("web", "stop", "busy"), {"event": "stop-failed", "group": "web", "cause": "busy"}),
        (
            n.SwitchTurned("maintenance", "*", on=True, by="lb1"),
            {"event": "maintenance", "to": "on", "cause": "says lb1"},
        ),
        (
            n.SwitchTurned("standby", "lb2", on=False, by="lb1"),
            {"event": "standby", "node": "lb2", "to": "off", "cause": "says lb1"},
        ),
    ],
    ids=["moved", "first", "assigned", "failed", "maintenance", "standby"],
)
def test_a_record_says_who_what_and_why(notice, told):
    assert record(notice) == {"event": "moved", **told}


@pytest.mark.parametrize("kind", list(_RECORDS), ids=lambda kind: kind.__name__)
def test_each_record_can_be_written(kind):
    values = {"bool": True, "int": 5, "Assignment": Assignment(1, "lb1", 7, Cause.START)}
    notice = kind(*(values.get(f.type.partition(" |")[0], f.name) for f in dataclasses.fields(kind)))
    assert json.loads(json.dumps(record(notice)))["event"]


def test_what_is_of_no_interest_later_is_not_kept(journals):
    journal = journals()
    journal.note(n.UnknownNode("lb9", "eth0"))
    assert journal.entries() == []


def test_entries_outlive_the_daemon(journals, tmp_path):
    journal = journals()
    journal.note(MOVED)
    journal.close()
    assert lines(tmp_path / "journal.jsonl") == [
        "group web: moved from lb1 to lb2 (takeover, 5012 ms without holder)"
    ]
    again = journals()
    again.note(n.GroupStarted("web", 3))
    assert [entry["event"] for entry in again.entries()] == ["moved", "started"]
    assert [entry["at_ms"] for entry in again.entries()] == [1000, 1000]


def test_neither_memory_nor_file_grows_beyond_bounds(journals, tmp_path):
    journal = journals(size=5)
    for number in range(100):
        journal.note(n.GroupStarted("web", number))
    journal.close()
    assert [entry["duration_ms"] for entry in journal.entries()] == [95, 96, 97, 98, 99]
    told = lines(tmp_path / "journal.jsonl")
    assert 5 <= len(told) <= 10
    assert told[-1] == "group web: started in 99 ms"


def test_a_group_is_asked_for_with_what_happened_to_the_nodes(journals):
    journal = journals()
    for notice in (n.NodeStateChanged("lb1", "active", "dead", "silent"), MOVED, n.GroupStarted("db", 1)):
        journal.note(notice)
    assert [entry["event"] for entry in journal.entries(group="web")] == ["node", "moved"]
    assert [entry["event"] for entry in journal.entries(last=1)] == ["started"]
    assert journal.entries(last=0) == []


def test_a_torn_last_line_loses_only_itself(journals, tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_text('{"at_ms": 1, "event": "slept", "text": "a"}\n{"at_ms": 2, "ev\n[]\n\0\n')
    assert [entry["at_ms"] for entry in journals().entries()] == [1]


def test_a_disk_that_fails_is_said_once_and_costs_only_the_file(journals, tmp_path, caplog):
    journal = journals(path=tmp_path / "missing" / "journal.jsonl")
    for _ in range(3):
        journal.note(MOVED)
    journal.close()
    assert len(journal.entries()) == 3
    assert [r.getMessage().partition(":")[0] for r in caplog.records] == [
        "the journal is kept in memory only"
    ]
