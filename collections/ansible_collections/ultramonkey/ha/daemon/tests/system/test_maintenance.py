"""Under maintenance nothing moves: daemons are stopped, crash and start again while their groups run on."""

from __future__ import annotations

import pytest
from machines import wait_until

ADDRESS = "10.77.0.100"
GROUP = f"{ADDRESS}/24/eth1"
RESOURCES = f"lb1 {GROUP} noted\n"
# Says of every call but status that it was made.
NOTED = (
    "state=$LOG.state; case $1 in start) touch $state; log start;; stop) rm -f $state; log stop;; "
    "status) test -e $state && echo running || echo stopped;; esac"
)


@pytest.fixture
def machines(cluster):
    made = cluster.make(haresources=RESOURCES)
    for machine in made:
        machine.script("noted", NOTED)
        machine.start()
    wait_until(lambda: all(cluster.settled(machine) for machine in made), "a cluster at work")
    assert made[1].hbctl("maintenance", "on")[0] == 0
    wait_until(lambda: all(machine.group()["maintenance"] for machine in made), "the maintenance everywhere")
    yield made
    # What is left running is left for the next daemon; the test has an end to it.
    for machine in made:
        if not machine.runs:
            machine.start()
    wait_until(lambda: all(machine.hbctl("maintenance", "off")[0] == 0 for machine in made), "the end of it")
    wait_until(lambda: all(cluster.settled(machine) for machine in made), "a cluster at work again")


def is_untouched(cluster, lb1):
    assert cluster.holders() == ["lb1"]
    assert lb1.script_log() == ["start"]


def test_a_restart_of_each_daemon_moves_and_touches_nothing(cluster, machines):
    lb1, lb2 = machines
    for machine in (lb1, lb2, lb1):
        assert machine.stop() == 0
        assert machine.release().returncode == 0
        is_untouched(cluster, lb1)
        machine.start()
        wait_until(lambda m=machine: cluster.settled(m), "its return")
        is_untouched(cluster, lb1)
    assert lb1.status()["maintenance"] == {"cluster": True, "groups": []}
    assert lb1.hbctl("maintenance", "off")[0] == 0
    wait_until(lambda: lb2.status()["healthy"] and lb1.status()["healthy"], "health")
    is_untouched(cluster, lb1)
    _, answer = lb1.hbctl("journal", GROUP)
    told = [(entry["event"], entry.get("to")) for entry in answer["result"]["entries"]]
    assert told.count(("maintenance", "on")) == told.count(("maintenance", "off")) == 1
    assert ("moved", "lb1") in told
    # It is really held: an address that goes is put back, and the group can be moved.
    assert lb1.hbctl("move", "--to", "lb2")[0] == 0
    assert cluster.holders() == ["lb2"]
    assert lb1.script_log() == ["start", "stop"]


def test_a_crash_of_the_daemon_moves_and_touches_nothing(cluster, machines):
    lb1, lb2 = machines
    lb1.kill()
    assert lb1.release().returncode == 0
    wait_until(lambda: lb2.sees("lb1") == "dead", "the silence")
    is_untouched(cluster, lb1)
    lb1.start()
    wait_until(lambda: cluster.settled(lb1), "its return")
    is_untouched(cluster, lb1)


def test_what_is_left_running_is_not_started_elsewhere_when_the_maintenance_ends(cluster, machines):
    lb1, lb2 = machines
    assert lb1.stop() == 0
    assert lb2.hbctl("maintenance", "off")[0] == 0
    wait_until(lambda: lb2.sees("lb1") == "dead", "the silence")
    assert "group-left-running" in lb2.problems()
    is_untouched(cluster, lb1)
    lb1.start()
    wait_until(lambda: cluster.settled(lb1) and cluster.settled(lb2), "its return")
    is_untouched(cluster, lb1)


def test_an_address_removed_by_hand_is_put_back_only_afterwards(cluster, machines):
    lb1, _ = machines
    lb1.ip("address", "del", f"{ADDRESS}/24", "dev", "eth1")
    lb1.says("left so, as the group is under maintenance")
    assert cluster.holders() == []
    assert lb1.hbctl("maintenance", "off")[0] == 0
    wait_until(lambda: cluster.holders() == ["lb1"], "the address")


def test_a_group_that_does_not_run_any_more_is_not_believed_to_be_held(cluster, machines):
    lb1, lb2 = machines
    lb1.stop()
    lb1.ip("address", "del", f"{ADDRESS}/24", "dev", "eth1")
    (lb1.directory / "script.log.state").unlink()
    lb1.start()
    wait_until(lambda: lb2.sees("lb1") == "active", "its return")
    assert lb1.group()["states"]["lb1"] == "idle"
    assert cluster.holders() == []


def test_what_could_not_be_stopped_stays_so_over_a_crash_under_maintenance(cluster):
    """Else the next run takes it for held, and the other node starts it when this one falls silent."""
    lb1, lb2 = made = cluster.make(haresources=RESOURCES)
    for machine in made:
        machine.script("noted", NOTED.replace("rm -f $state;", "test ! -e $LOG.stuck && rm -f $state &&"))
        machine.start()
    wait_until(lambda: all(cluster.settled(machine) for machine in made), "a cluster at work")
    stuck = lb1.directory / "script.log.stuck"
    stuck.touch()
    lb1.hbctl("move", "--to", "lb2", "--no-wait")
    wait_until(lambda: lb2.group()["states"]["lb1"] == "stuck", "the stop to fail")
    assert lb2.hbctl("maintenance", "on")[0] == 0
    wait_until(lambda: lb1.group()["maintenance"], "the maintenance everywhere")
    lb1.kill()
    assert lb1.release().returncode == 0
    lb1.start()
    lb1.says("under maintenance; could not be stopped before, left as it is")
    wait_until(lambda: lb2.group()["states"]["lb1"] == "stuck", "the truth about it")
    assert lb2.hbctl("maintenance", "off")[0] == 0
    lb1.kill()
    wait_until(lambda: lb2.sees("lb1") == "dead", "the silence")
    assert lb2.script_log() == []
    assert "group-stuck" in lb2.problems()
    stuck.unlink()
    assert lb1.release().returncode == 0
    lb1.start()
    wait_until(lambda: all(cluster.settled(machine) for machine in made), "a cluster at work again")
