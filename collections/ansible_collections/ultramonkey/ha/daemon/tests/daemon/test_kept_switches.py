"""Maintenance and standby outlive the daemon; a file that cannot be used is said so and does no harm."""

from __future__ import annotations

import logging
import stat

import pytest
from ultramonkey_heartbeat.config.model import Group
from ultramonkey_heartbeat.core.switches import CLUSTER, NOTHING_TURNED, Kept, Switch
from ultramonkey_heartbeat.daemon.kept_switches import read_switches, split_by_maintenance, write_switches
from ultramonkey_heartbeat.daemon.paths import Paths

KEPT = Kept({CLUSTER: Switch(17, on=False), "web": Switch(18, on=True)}, {"lb1": Switch(19, on=True)})


@pytest.fixture
def paths(tmp_path):
    return Paths(tmp_path / "etc", tmp_path / "lib", tmp_path / "run")


def test_what_was_written_is_read(paths):
    write_switches(paths, KEPT)
    assert read_switches(paths) == KEPT
    assert stat.S_IMODE(paths.switches.stat().st_mode) == 0o644


def test_without_a_file_nothing_is_on(paths, caplog):
    assert read_switches(paths) == NOTHING_TURNED
    assert caplog.records == []


@pytest.mark.parametrize(
    "text", ["", "[]", '{"maintenance": 1, "standby": {}}', '{"maintenance": {"a": 1}}', "\0"]
)
def test_a_file_that_cannot_be_used_is_said_so(paths, caplog, text):
    paths.state.mkdir()
    paths.switches.write_text(text)
    with caplog.at_level(logging.ERROR):
        assert read_switches(paths) == NOTHING_TURNED
    assert str(paths.switches) in caplog.text


def test_groups_are_left_alone_by_their_own_switch_or_that_of_the_cluster():
    web, db = Group("web", "lb1", ()), Group("db", "lb1", ())
    assert split_by_maintenance((web, db), KEPT) == ((web,), (db,))
    assert split_by_maintenance((web, db), Kept({CLUSTER: Switch(1, on=True)}, {})) == ((web, db), ())
