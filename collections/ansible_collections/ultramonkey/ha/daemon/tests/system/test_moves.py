"""Groups are moved on request: from either side, by any of the three commands, or refused with a reason."""

from __future__ import annotations

import pytest
from machines import wait_until

ADDRESS = "10.77.0.100"
GROUP = f"{ADDRESS}/24/eth1"
# Starts when the test says so.
SLOW = 'case $1 in start) log start; while test ! -e "$LOG.go"; do sleep 0.02; done;; esac'
OTHER = "10.77.0.101/24/eth1"


def moved(answer):
    """Who moved where, by an answer that says that all is done."""
    assert answer["phase"] == "completed", answer
    assert answer["result"]["failed"] == []
    return [(move["group"], move["from"], move["to"]) for move in answer["result"]["moved"]]


def refusal(answer):
    assert answer["phase"] == "refused", answer
    assert set(answer["error"]) == {"code", "message", "remedy"}
    assert all(answer["error"].values())
    return answer["error"]["code"]


@pytest.mark.parametrize("asked", ["lb1", "lb2"])
def test_a_group_is_moved_there_and_back_from_either_side(cluster, asked):
    machines = {machine.name: machine for machine in cluster.start()}
    heard = cluster.announcements()
    code, answer = machines[asked].hbctl("move", "--to", "lb2", GROUP)
    assert (code, moved(answer)) == (0, [(GROUP, "lb1", "lb2")])
    # The answer comes when it is done, not before.
    assert cluster.holders() == ["lb2"]
    assert 0 <= answer["result"]["moved"][0]["without_holder_ms"] < 500
    heard.next(ADDRESS, machines["lb2"].mac())
    code, answer = machines[asked].hbctl("move", "--to", "lb2", GROUP)
    assert (code, moved(answer), answer["result"]["unchanged"]) == (0, [], [GROUP])
    code, answer = machines[asked].hbctl("move", "--to", "LB1")
    assert (code, moved(answer)) == (0, [(GROUP, "lb2", "lb1")])
    assert cluster.holders() == ["lb1"]


def test_standby_gives_away_and_takeover_gets_back(cluster):
    lb1, lb2 = cluster.start(haresources=f"lb1 {GROUP}\nlb2 {OTHER}\n")
    code, answer = lb1.hbctl("standby")
    assert (code, moved(answer)) == (0, [(GROUP, "lb1", "lb2")])
    assert answer["result"]["unchanged"] == [OTHER]
    code, answer = lb1.hbctl("takeover", "local")
    assert (code, moved(answer)) == (0, [(GROUP, "lb2", "lb1")])
    code, answer = lb1.hbctl("takeover", "foreign")
    assert (code, moved(answer)) == (0, [(OTHER, "lb2", "lb1")])
    code, answer = lb2.hbctl("takeover")
    assert (code, moved(answer)) == (0, [(GROUP, "lb1", "lb2"), (OTHER, "lb1", "lb2")])
    assert cluster.holders() == cluster.holders("10.77.0.101") == ["lb2"]


def test_a_moved_group_stays_where_it_was_put_although_failback_is_on(cluster):
    lb1, lb2 = cluster.start(failback="on")
    assert moved(lb1.hbctl("standby")[1]) == [(GROUP, "lb1", "lb2")]
    messages = lb2.counter("messages_sent")
    wait_until(lambda: lb2.counter("messages_sent") > messages + 5, "some heartbeats")
    assert cluster.holders() == ["lb2"]


def test_without_waiting_the_command_returns_as_soon_as_the_move_has_begun(cluster):
    lb1, lb2 = cluster.make(haresources="lb1 slow\n")
    for machine in (lb1, lb2):
        machine.script("slow", SLOW)
    (lb1.directory / "script.log.go").touch()
    for machine in (lb1, lb2):
        machine.start()
    wait_until(lambda: cluster.settled(lb1), "the cluster")
    code, answer = lb1.hbctl("move", "--to", "lb2", "--no-wait", "slow")
    assert (code, answer["phase"]) == (0, "accepted")
    done = lb1.hbctl_text("move", "--to", "lb2", "--timeout", "0.3", "slow")
    assert (done.returncode, "(timeout)" in done.stderr) == (4, True)
    (lb2.directory / "script.log.go").touch()
    wait_until(lb2.holds, "the end of the move")


def test_what_cannot_be_is_refused_with_a_reason_and_changes_nothing(cluster):
    lb1, lb2 = cluster.start(haresources=f"lb1 {GROUP}\nlb1 {OTHER}\n")
    for words, code in (
        (("move", "--to", "lb9"), "unknown-node"),
        (("move", "--to", "lb2", "no-such-group"), "unknown-group"),
        (("standby", GROUP, "no-such-group"), "unknown-group"),
    ):
        status, answer = lb1.hbctl(*words)
        assert (status, refusal(answer)) == (1, code)
    lb2.stop()
    wait_until(lambda: lb1.sees("lb2") == "left", "the goodbye")
    status, answer = lb1.hbctl("move", "--to", "lb2")
    assert (status, refusal(answer)) == (1, "target-not-ready")
    status, answer = lb1.hbctl("standby")
    assert (status, refusal(answer)) == (1, "no-other-node")
    assert cluster.holders() == ["lb1"]
    assert "refused" not in lb1.log


def test_with_legacy_failback_no_group_is_moved(cluster):
    lb1, _ = cluster.start(failback="legacy")
    status, answer = lb1.hbctl("standby")
    assert (status, refusal(answer)) == (1, "legacy")


def test_a_node_that_still_joins_refuses(cluster):
    lb1, _ = cluster.make()
    lb1.start()
    wait_until(lb1.status, "an answer")
    status, answer = lb1.hbctl("takeover")
    assert (status, refusal(answer)) == (1, "not-active")


def test_a_move_whose_target_dies_is_answered(cluster):
    lb1, lb2 = cluster.make(haresources="lb1 slow\n")
    for machine in (lb1, lb2):
        machine.script("slow", SLOW)
        machine.start()
    (lb1.directory / "script.log.go").touch()
    wait_until(lambda: cluster.settled(lb1), "the cluster")
    assert lb1.hbctl("move", "--to", "lb2", "--no-wait")[0] == 0
    wait_until(lb2.script_log, "the start on lb2")
    lb2.kill()
    status, answer = lb1.hbctl("move", "--to", "lb2", "--timeout", "2")
    assert (status, refusal(answer)) in ((1, "target-not-ready"), (4, "timeout"))
    wait_until(lb1.holds, "the return")
    (lb2.directory / "script.log.go").touch()
