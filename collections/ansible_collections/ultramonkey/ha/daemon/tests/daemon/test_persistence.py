"""What outlives the daemon: uuid, generation, and the note of what may run."""

from __future__ import annotations

import json
import logging
import os
import stat
from pathlib import Path

import pytest
from ultramonkey_heartbeat import safe_files
from ultramonkey_heartbeat.config.haresources import parse_resource
from ultramonkey_heartbeat.config.model import Group
from ultramonkey_heartbeat.daemon import persistence
from ultramonkey_heartbeat.daemon.paths import Paths
from ultramonkey_heartbeat.daemon.persistence import HeldGroups, identity, next_generation, write_generation

NOW = 1_771_234_567


def group(*words):
    return Group(words[0], "lb1", tuple(parse_resource(word) for word in words))


WEB = group("192.0.2.10/24/eth0", "IPaddr2::192.0.2.11/24/eth0", "service::a::b")
DATABASE = group("database")


@pytest.fixture
def paths(tmp_path):
    return Paths(tmp_path / "etc", tmp_path / "lib", tmp_path / "run")


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(persistence.time, "time", lambda: NOW + 0.9)


# Generation.


def test_the_generation_is_kept_as_3_0_6_does(tmp_path):
    path = tmp_path / "hb_generation"
    write_generation(path, 1_771_234_567)
    assert path.read_bytes() == b"     1771234567\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_generation_rises_by_one_with_each_start(tmp_path):
    path = tmp_path / "hb_generation"
    path.write_bytes(b"     1000000000\n")
    assert [next_generation(path) for _ in range(3)] == [1_000_000_001, 1_000_000_002, 1_000_000_003]
    assert path.read_bytes() == b"     1000000003\n"


def test_it_rises_also_when_the_clock_goes_back(tmp_path, monkeypatch):
    path = tmp_path / "hb_generation"
    first = next_generation(path)
    monkeypatch.setattr(persistence.time, "time", lambda: 5.0)
    assert next_generation(path) == first + 1


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\n", b"garbage\n", b"12 34\n", b"1_000\n", b"\xff\xfe", b"-7\n", b"0\n", b"1.5e9\n"),
        # More than the 32 bits that 3.0.6 has for it.
        *(b"4294967296\n", b"9" * 5000),
    ],
)
def test_a_file_that_makes_no_sense_is_replaced_by_the_time_of_day(tmp_path, content):
    path = tmp_path / "hb_generation"
    path.write_bytes(content)
    assert next_generation(path) == NOW + 1
    assert path.read_bytes() == b"%15d\n" % (NOW + 1)


def test_a_lost_file_is_replaced_by_the_time_of_day(tmp_path):
    assert next_generation(tmp_path / "hb_generation") == NOW + 1


def test_a_generation_that_cannot_be_kept_is_not_used(tmp_path):
    path = tmp_path / "hb_generation"
    path.mkdir()
    with pytest.raises(OSError, match="hb_generation"):
        next_generation(path)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "hb_generation"
    write_generation(path, 7)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safe_files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_generation(path, 8)
    assert int(path.read_text()) == 7


def test_what_was_written_survives_a_loss_of_power(tmp_path, monkeypatch):
    """The file's content is on disk before its name, and its name before anybody relies on it."""
    synced = []
    real = os.fsync

    def note(descriptor):
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(safe_files.os, "fsync", note)
    write_generation(tmp_path / "hb_generation", 7)
    assert synced == [str(tmp_path / ".hb_generation.new"), str(tmp_path)]


# Identity.


def test_the_uuid_is_made_once_and_kept(paths):
    first, second = identity(paths, "lb1"), identity(paths, "lb1")
    assert first.uuid == second.uuid == paths.uuid.read_bytes()
    assert (len(first.uuid), first.name) == (16, "lb1")
    assert second.generation == first.generation + 1


def test_runs_are_told_apart_even_on_a_cloned_machine(paths):
    """The same uuid and the same generation: only chance tells them apart."""
    incarnations = set()
    for _ in range(20):
        paths.state.mkdir(exist_ok=True)
        paths.generation.write_bytes(b"     1000000000\n")
        incarnations.add(identity(paths, "lb1").incarnation)
    assert len(incarnations) > 15
    assert {incarnation >> 16 for incarnation in incarnations} == {1_000_000_001}


def test_a_uuid_of_another_length_is_none(paths):
    paths.state.mkdir()
    paths.uuid.write_bytes(b"short")
    made = identity(paths, "lb1").uuid
    assert len(made) == 16
    assert identity(paths, "lb1").uuid == made


def test_the_uuid_of_3_0_6_is_taken_over(paths):
    paths.state.mkdir()
    paths.uuid.write_bytes(bytes(range(16)))
    assert identity(paths, "lb1").uuid == bytes(range(16))


# Held groups.


@pytest.fixture
def held(tmp_path):
    return HeldGroups(tmp_path / "held.json")


def left(tmp_path, configured=()):
    """What the next run finds."""
    return HeldGroups(tmp_path / "held.json").left_behind(configured)


def test_after_a_clean_end_nothing_is_left(held, tmp_path):
    held.write(())
    assert left(tmp_path) == ()
    held.add(WEB)
    held.remove(WEB.key)
    held.clean()
    assert left(tmp_path) is None
    held.clean()


def test_what_may_run_is_found_as_it_was_started(held, tmp_path):
    held.write(())
    for one in (WEB, DATABASE, WEB):
        held.add(one)
    assert left(tmp_path) == (WEB, DATABASE)
    held.remove(WEB.key)
    held.remove("never heard of")
    assert left(tmp_path) == (DATABASE,)


def test_what_could_not_be_stopped_stays_noted_after_the_end(held, tmp_path):
    held.write([DATABASE])
    held.clean()
    assert left(tmp_path) == (DATABASE,)


def test_that_a_stop_failed_is_noted_until_it_has_not(held, tmp_path):
    def stuck():
        return HeldGroups(tmp_path / "held.json").stuck_behind()

    assert stuck() == set()
    held.write(())
    held.add(WEB)
    held.add_stuck(WEB.key)
    held.add_stuck("never heard of")
    held.add(DATABASE)
    assert stuck() == {WEB.key}
    assert left(tmp_path) == (WEB, DATABASE)
    held.remove(DATABASE.key)
    assert stuck() == {WEB.key}
    held.remove(WEB.key)
    held.add(WEB)
    assert stuck() == set()


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"[[", b"\xff\xfe", b"null", b"7", b'"text"', b'{"a": 1}', b'["database"]', b"[[]]"),
        *(b'[["lb1"]]', b'[["lb1", 7]]', b'[[7, "database"]]', b"[null]"),
        *(b'[{"stuck": ["lb1"]}]', b'[{"stuck": ["lb1", "web"], "more": 1}]', b'[{"stuck": null}]'),
    ],
)
def test_a_note_that_makes_no_sense_means_that_anything_may_run(tmp_path, content):
    (tmp_path / "held.json").write_bytes(content)
    assert left(tmp_path, [WEB, DATABASE]) == (WEB, DATABASE)


def test_a_note_is_replaced_whole(held, tmp_path):
    held.write([WEB])
    assert json.loads((tmp_path / "held.json").read_text()) == [
        ["lb1", "192.0.2.10/24/eth0", "IPaddr2::192.0.2.11/24/eth0", "service::a::b"]
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["held.json"]


def test_a_note_that_cannot_be_written_is_a_line_in_the_log(tmp_path, caplog):
    held = HeldGroups(tmp_path / "nowhere" / "held.json")
    held.add(WEB)
    held.remove(WEB.key)
    assert {record.levelno for record in caplog.records} == {logging.ERROR}
    assert "cannot note which groups may run here: [Errno 2]" in caplog.text
