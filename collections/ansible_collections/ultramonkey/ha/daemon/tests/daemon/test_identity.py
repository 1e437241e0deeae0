"""Who a start of the daemon is: `hbgenmethod` and `uuidfrom`."""

from __future__ import annotations

import time
import uuid

from ultramonkey_heartbeat.daemon.paths import Paths
from ultramonkey_heartbeat.daemon.persistence import identity, next_generation, write_generation


def test_a_uuid_from_the_name_is_the_same_on_every_disk_and_another_for_every_name(tmp_path):
    def made(state, name):
        return identity(Paths(state=tmp_path / state), name, uuid_from_name=True).uuid

    assert made("a", "LB1") == made("b", "lb1") == uuid.uuid5(uuid.NAMESPACE_DNS, "lb1").bytes
    assert made("a", "lb1") != made("a", "lb2")
    assert not (tmp_path / "a" / "hb_uuid").exists()


def test_a_uuid_from_a_file_is_made_once(tmp_path):
    paths = Paths(state=tmp_path)
    assert identity(paths, "lb1").uuid == identity(paths, "lb2").uuid == paths.uuid.read_bytes()


def test_a_generation_from_the_time_is_the_time_and_still_rises_with_each_start(tmp_path):
    path = tmp_path / "hb_generation"
    before = int(time.time())
    write_generation(path, 5)
    first = next_generation(path, from_time=True)
    assert before <= first <= time.time()
    assert next_generation(path, from_time=True) > first


def test_a_generation_from_the_time_does_not_go_back_with_the_clock(tmp_path):
    path = tmp_path / "hb_generation"
    write_generation(path, 4_000_000_000)
    assert next_generation(path, from_time=True) == 4_000_000_001


def test_a_generation_from_the_file_is_one_more(tmp_path):
    path = tmp_path / "hb_generation"
    write_generation(path, 5)
    assert next_generation(path) == 6
