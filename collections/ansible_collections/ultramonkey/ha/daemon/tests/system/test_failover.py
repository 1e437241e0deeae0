"""A node dies, leaves, sleeps or returns: who serves, and how soon."""

from __future__ import annotations

import json
import signal
import time

import pytest
from machines import wait_until

ADDRESS = "10.77.0.100"
GROUP = f"{ADDRESS}/24/eth1"
# With it whatever happens soon does not happen because somebody was declared dead.
PATIENT = {"deadtime": "30", "warntime": "20", "initdead": "60"}


def reason(machine):
    """Why the group last moved, as the machine sees it."""
    move = (machine.group() or {}).get("last_move")
    return move and (move["from"], move["to"], move["reason"])


def test_nodes_that_start_together_agree_on_one_holder(cluster):
    lb1, lb2 = cluster.start()
    assert cluster.holders() == ["lb1"]
    for machine in (lb1, lb2):
        status = machine.status()
        assert status["problems"] == []
        assert status["groups"][0]["states"] == {"lb1": "held", "lb2": "idle"}
        assert status["groups"][0]["holder"] == "lb1"
    assert cluster.client.answers(ADDRESS)


def test_a_node_that_is_alone_serves_after_initdead(cluster):
    lb1, lb2 = cluster.make(haresources="lb2 10.77.0.100/24/eth1\n")
    lb1.start()
    wait_until(lb1.status, "an answer")
    assert cluster.holders() == []
    wait_until(lb1.holds, "the start")
    assert lb1.sees("lb2") == "dead"
    lb1.says("never heard within initdead")
    assert lb2.log == ""


def test_when_a_daemon_crashes_the_other_takes_over_within_the_dead_time(cluster):
    lb1, lb2 = cluster.start()
    heard = cluster.announcements()
    killed_at = time.monotonic()
    lb1.kill()
    heard.next(ADDRESS, lb2.mac())
    took_ms = (time.monotonic() - killed_at) * 1000
    # The last heartbeat was at most one keepalive old; the upper end is for machines that are busy.
    assert 390 <= took_ms <= 1000
    wait_until(lb2.holds, "the takeover")
    assert reason(lb2) == ("lb1", "lb2", "takeover")
    assert 390 <= lb2.group()["last_move"]["without_holder_ms"] <= 1000
    # Nobody has cleaned up after the daemon: its machine has the address, too, but everybody was told.
    assert cluster.holders() == ["lb1", "lb2"]


def test_when_a_machine_is_cut_off_its_clients_reach_the_other(cluster):
    lb1, lb2 = cluster.start()
    assert cluster.client.answers(ADDRESS)
    assert cluster.client.neighbour(ADDRESS) == lb1.mac()
    cluster.switch.cable(lb1, "down")
    lb1.kill()
    wait_until(lb2.holds, "the takeover")
    assert cluster.client.answers(ADDRESS)
    assert cluster.client.neighbour(ADDRESS) == lb2.mac()


def test_the_clean_up_after_a_crash_lets_the_other_take_over_at_once(cluster):
    lb1, lb2 = cluster.start(**PATIENT)
    lb1.kill()
    assert lb1.release().returncode == 0
    wait_until(lb2.holds, "the takeover")
    assert cluster.holders() == ["lb2"]
    assert lb2.sees("lb1") == "left"
    assert reason(lb2) == ("lb1", "lb2", "left")
    # Nothing is left to do, and nothing is said any more.
    said = lb1.log
    assert lb1.release().returncode == 0
    assert lb1.log == said


def test_the_clean_up_does_not_touch_a_daemon_that_runs(cluster):
    lb1, _ = cluster.start()
    done = lb1.heartbeatd("--release")
    assert (done.returncode, "runs here already" in done.stderr) == (0, True)
    assert cluster.holders() == ["lb1"]


def test_a_restart_after_a_crash_releases_what_was_left(cluster):
    lb1, lb2 = cluster.start()
    lb1.kill()
    wait_until(lb2.holds, "the takeover")
    assert cluster.holders() == ["lb1", "lb2"]
    lb1.start()
    wait_until(lambda: lb1.sees("lb2") == "active" and lb1.status()["state"] == "active", "the return")
    assert cluster.holders() == ["lb2"]
    lb1.says(f"releasing what it held: {GROUP}")


def test_a_restart_faster_than_the_dead_time_leaves_one_holder(cluster):
    lb1, lb2 = cluster.start(**PATIENT)
    lb1.kill()
    lb1.start()
    wait_until(lambda: cluster.settled(lb1) and cluster.settled(lb2), "one holder")
    assert cluster.holders() == [lb1.group()["holder"]]
    assert lb1.group()["holder"] == lb2.group()["holder"]
    # The peers were not kept waiting until the restarted daemon was believed.
    assert "-> dead" not in lb2.log


def test_what_haresources_no_longer_names_is_released_after_a_crash(cluster):
    lb1, lb2 = cluster.start(haresources=f"lb1 {GROUP}\nlb1 10.77.0.101/24/eth1\n")
    lb1.kill()
    lb1.configure(haresources=f"lb1 {GROUP}\n")
    assert lb1.release().returncode == 0
    assert lb1.addresses() == lb1.own_addresses
    wait_until(lambda: lb2.holds("10.77.0.101/24/eth1"), "the takeover")


def test_when_it_is_not_known_what_ran_everything_is_released(cluster):
    lb1, lb2 = cluster.start(**PATIENT)
    lb1.kill()
    lb1.held.write_text("[[")
    assert lb1.release().returncode == 0
    assert lb1.addresses() == lb1.own_addresses
    wait_until(lb2.holds, "the takeover")


def test_told_to_stop_a_node_hands_over_at_once(cluster):
    lb1, lb2 = cluster.start(**PATIENT)
    assert lb1.stop() == 0
    wait_until(lb2.holds, "the handover")
    assert cluster.holders() == ["lb2"]
    assert reason(lb2) == ("lb1", "lb2", "left")
    assert not lb1.held.exists()
    assert lb1.status() is None
    assert lb2.stop() == 0
    assert cluster.holders() == []


def test_a_client_is_not_without_answer_after_a_handover(cluster):
    lb1, lb2 = cluster.start()
    assert cluster.client.answers(ADDRESS)
    lb1.stop()
    wait_until(lb2.holds, "the handover")
    assert cluster.client.answers(ADDRESS)
    assert cluster.client.neighbour(ADDRESS) == lb2.mac()


@pytest.mark.parametrize(("failback", "holder"), [("on", "lb1"), ("off", "lb2"), ("legacy", "lb1")])
def test_a_node_that_returns_gets_its_group_back_as_configured(cluster, failback, holder):
    lb1, lb2 = cluster.start(failback=failback)
    lb1.stop()
    wait_until(lb2.holds, "the takeover")
    lb1.start()
    wait_until(lambda: cluster.settled(lb1) and lb1.group()["holder"] == holder, "the group in its place")
    wait_until(lambda: cluster.settled(lb2), "both agree")
    assert cluster.holders() == [holder]
    if failback != "off":
        assert reason(lb1) == ("lb2", "lb1", "failback")


def test_a_frozen_node_that_wakes_gives_way(cluster):
    lb1, lb2 = cluster.start()
    generation = lb1.status()["generation"]
    lb1.signal(signal.SIGSTOP)
    wait_until(lb2.holds, "the takeover")
    heard = cluster.announcements()
    lb1.signal(signal.SIGCONT)
    # The sleeper's machine still had the address, so neighbours are told again once it has let go.
    heard.next(ADDRESS, lb2.mac())
    wait_until(lambda: cluster.settled(lb1) and cluster.settled(lb2), "one holder")
    assert cluster.holders() == ["lb2"]
    assert lb1.status()["generation"] > generation
    lb1.says("did not run for")


def test_a_frozen_node_without_groups_disturbs_nobody_when_it_wakes(cluster):
    lb1, lb2 = cluster.start()
    lb2.signal(signal.SIGSTOP)
    wait_until(lambda: lb1.sees("lb2") == "dead", "the death")
    lb2.signal(signal.SIGCONT)
    wait_until(lambda: cluster.settled(lb1) and cluster.settled(lb2), "one holder")
    assert cluster.holders() == ["lb1"]
    assert lb1.group()["epoch"] == 1


def test_of_three_nodes_the_first_that_lives_serves(cluster):
    lb1, lb2, lb3 = cluster.start(3)
    assert cluster.holders() == ["lb1"]
    lb1.kill()
    wait_until(lb2.holds, "the first takeover")
    assert not lb3.holds()
    lb2.kill()
    wait_until(lb3.holds, "the second takeover")
    lb1.release()
    lb2.release()
    assert cluster.holders() == ["lb3"]
    for machine in (lb1, lb2):
        machine.start()
    wait_until(lambda: all(cluster.settled(machine) for machine in (lb1, lb2, lb3)), "all three")
    assert cluster.holders() == ["lb3"]


def test_a_group_that_an_earlier_run_could_not_stop_is_started_nowhere(cluster):
    lb1, lb2 = cluster.make(haresources="lb1 service\n")
    for machine in (lb1, lb2):
        machine.script(
            "service",
            'case $1 in status) test -e "$LOG.runs" && echo running;; start) touch "$LOG.runs";;\n'
            'stop) test ! -e "$LOG.stuck" && rm -f "$LOG.runs";; esac',
        )
        machine.start()
    wait_until(lb1.holds, "the start")
    stuck = lb1.directory / "script.log.stuck"
    stuck.touch()
    lb1.kill()
    assert lb1.release().returncode == 1
    lb1.says("no goodbye is said")
    assert [entry[1] for entry in json.loads(lb1.held.read_text())] == ["service"]
    lb1.start()
    wait_until(lambda: (lb1.group() or {}).get("states", {}).get("lb1") == "stuck", "the truth about it")
    # It is told to stop, and still cannot; then somebody mends it, and what follows every end releases it.
    lb1.exit_codes = (1,)
    assert lb1.stop() == 1
    stuck.unlink()
