"""Switches are registers: the newest turn wins, whoever hears of it first."""

from __future__ import annotations

import itertools

import pytest
from ultramonkey_heartbeat.core.report import Phase, Report, from_message, to_fields
from ultramonkey_heartbeat.core.switches import CLUSTER, Kept, Switch, Switchboard
from ultramonkey_heartbeat.wire.errors import MalformedFieldError
from ultramonkey_heartbeat.wire.message import Message, string


def board(**kept):
    return Switchboard(
        ("web", "db"), ("lb1", "lb2"), Kept(kept.get("maintenance", {}), kept.get("standby", {}))
    )


def test_a_switch_of_the_cluster_is_one_of_every_group():
    switches = board()
    switches.turn("maintenance", (CLUSTER,), 1000, on=True)
    assert switches.maintained("web")
    assert (switches.cluster_maintained(), switches.groups_maintained()) == (True, [])
    switches.turn("maintenance", (CLUSTER,), 1001, on=False)
    switches.turn("maintenance", ("db",), 1002, on=True)
    assert [switches.maintained(key) for key in ("web", "db")] == [False, True]


def test_turning_it_to_where_it_is_changes_nothing():
    switches = board()
    assert switches.turn("standby", ("lb1",), 1000, on=False) == []
    assert switches.kept() == Kept({}, {})
    switches.turn("standby", ("lb1",), 1000, on=True)
    before = switches.kept()
    assert switches.turn("standby", ("lb1",), 2000, on=True) == []
    assert switches.kept() == before


def test_a_clock_that_is_behind_does_not_lose_a_turn():
    switches = board(maintenance={"web": Switch(5000, on=True)})
    assert len(switches.turn("maintenance", ("web",), 1000, on=False)) == 1
    assert switches.maintenance["web"] == Switch(5001, on=False)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_everybody_ends_with_the_same_whatever_is_heard_first(order):
    heard = [Switch(5, on=True), Switch(7, on=False), Switch(7, on=True), Switch(6, on=False)]
    switches = board()
    for position in order:
        switches.adopt(Kept({"web": heard[position]}, {}))
    # Both ways at the same time means hands off.
    assert switches.maintenance["web"] == Switch(7, on=True)


def test_what_is_not_configured_is_not_kept():
    switches = board(maintenance={"gone": Switch(5, on=True)}, standby={"lb9": Switch(5, on=True)})
    assert switches.kept() == Kept({}, {})
    switches.turn("maintenance", ("web",), 1000, on=True)
    switches.configure(("db",), ("lb1",))
    assert switches.kept() == Kept({}, {})


def test_only_a_change_of_position_is_told():
    switches = board()
    assert [t.name for t in switches.adopt(Kept({"web": Switch(5, on=True)}, {}))] == ["web"]
    assert switches.adopt(Kept({"web": Switch(6, on=True)}, {})) == []
    assert switches.maintenance["web"].version == 6


REPORT = Report(1, Phase.ACTIVE, "d", (), {}, switches=Kept({CLUSTER: Switch(255, on=True)}, {}))


def test_the_fields_are_absent_when_nothing_was_ever_turned():
    names = {field.name for field in to_fields(Report(1, Phase.ACTIVE, "d", (), {}))}
    assert names == {"um_v", "um_inc", "um_phase", "um_cfg"}
    assert from_message(Message(tuple(to_fields(REPORT)))) == REPORT


@pytest.mark.parametrize("value", ["5,on", "x,on,web", ",on,web"])
def test_a_record_that_is_none_makes_the_status_malformed(value):
    fields = [field for field in to_fields(REPORT) if field.name != "um_mnt"]
    with pytest.raises(MalformedFieldError):
        from_message(Message((*fields, string("um_mnt", value))))


def test_a_word_of_a_later_version_is_read_as_hands_off():
    fields = [field for field in to_fields(REPORT) if field.name != "um_mnt"]
    report = from_message(Message((*fields, string("um_mnt", "5,frozen,web"))))
    assert report.switches.maintenance == {"web": Switch(5, on=True)}
