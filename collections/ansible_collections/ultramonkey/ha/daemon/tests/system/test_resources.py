"""Groups with scripts: their order, and scripts that fail, hang, are slow or missing."""

from __future__ import annotations

from machines import wait_until

ADDRESS = "10.77.0.100"
# `svc::NAME`: starts and stops nothing, but writes down what it was asked.
SERVICE = """
there() { ip -o addr show | grep -q 10.77.0.100 && echo "with address" || echo "without address"; }
case $2 in
start) log "start $1 $(there)"; touch "$LOG.$1" ;;
stop) log "stop $1 $(there)"; rm -f "$LOG.$1" ;;
status) test -e "$LOG.$1" && echo running || echo down ;;
esac
"""


def make(cluster, haresources, **scripts):
    """Two machines with these scripts, started."""
    machines = cluster.make(haresources=haresources)
    for machine in machines:
        machine.script("svc", SERVICE)
        for name, body in scripts.items():
            machine.script(name, body)
    return machines


def start(*machines):
    for machine in machines:
        machine.start()


def test_a_group_starts_from_left_to_right_and_stops_from_right_to_left(cluster):
    lb1, lb2 = make(cluster, f"lb1 svc::one {ADDRESS}/24/eth1 svc::two\n")
    start(lb1, lb2)
    wait_until(lambda: cluster.settled(lb1), "the cluster")
    assert lb1.script_log() == ["start one without address", "start two with address"]
    assert lb1.hbctl("standby")[0] == 0
    assert lb1.script_log()[2:] == ["stop two with address", "stop one without address"]
    assert lb2.script_log() == ["start one without address", "start two with address"]
    assert lb2.stop() == 0
    assert lb2.script_log()[2:] == ["stop two with address", "stop one without address"]


def test_after_a_crash_the_address_goes_first_then_what_still_runs(cluster):
    lb1, _ = make(cluster, f"lb1 svc::one {ADDRESS}/24/eth1 svc::two\n")
    start(lb1)
    wait_until(lb1.holds, "the start")
    lb1.kill()
    assert lb1.release().returncode == 0
    assert lb1.script_log()[2:] == ["stop two without address", "stop one without address"]


def test_groups_of_both_nodes_find_their_places(cluster):
    lb1, lb2 = make(cluster, "lb1 svc::one\nlb2 svc::two\n")
    start(lb1, lb2)
    wait_until(lambda: cluster.settled(lb1) and cluster.settled(lb2), "the cluster")
    assert (lb1.script_log(), lb2.script_log()) == (
        ["start one without address"],
        ["start two without address"],
    )


def test_a_start_that_fails_is_undone_and_the_other_node_gets_the_group(cluster):
    lb1, lb2 = make(
        cluster,
        f"lb1 svc::one {ADDRESS}/24/eth1 broken\n",
        broken='case $1 in start) test "$HA_CURHOST" = lb2 || { echo "no licence" >&2; exit 7; };; esac',
    )
    start(lb1, lb2)
    wait_until(lb2.holds, "the start on the other")
    assert cluster.holders() == ["lb2"]
    assert lb1.script_log() == ["start one without address", "stop one without address"]
    lb1.says("group svc::one: start failed: broken: start failed with exit code 7: no licence")
    for machine in (lb1, lb2):
        assert machine.problems() == ["group-failed"]
        assert machine.group()["states"] == {"lb1": "failed", "lb2": "held"}
    status, answer = lb2.hbctl("move", "--to", "lb1")
    assert (status, answer["error"]["code"]) == (1, "target-failed")


def test_a_move_to_a_node_that_cannot_start_the_group_is_answered_and_undone(cluster):
    lb1, lb2 = make(
        cluster,
        "lb1 broken\n",
        broken='case $1 in start) test "$HA_CURHOST" = lb1;; esac',
    )
    start(lb1, lb2)
    wait_until(lambda: cluster.settled(lb1) and cluster.settled(lb2), "the cluster")
    status, answer = lb1.hbctl("move", "--to", "lb2")
    assert (status, answer["error"]["code"]) == (1, "start-failed")
    wait_until(lb1.holds, "the return")


def test_a_script_that_is_missing_is_named_with_the_places_looked_at(cluster):
    lb1, lb2 = make(cluster, f"lb1 {ADDRESS}/24/eth1 nowhere::x\n")
    start(lb1, lb2)
    wait_until(lambda: lb1.problems().count("group-failed") == 2, "the failure on both")
    for machine in (lb1, lb2):
        machine.says(f"nowhere::x: no script 'nowhere' in {machine.scripts} or /etc/init.d")
    assert cluster.holders() == []


def test_a_script_that_hangs_delays_no_heartbeat_and_can_be_broken_off(cluster):
    lb1, lb2 = make(
        cluster,
        f"lb1 {ADDRESS}/24/eth1 slow\n",
        slow='case $1 in start) test "$HA_CURHOST" = lb2 || { log begun; sleep 1000 & wait; };; esac',
    )
    start(lb1, lb2)
    wait_until(lb1.script_log, "the start")
    assert lb1.group()["states"]["lb1"] == "starting"
    status, answer = lb1.hbctl("takeover", "--timeout", "0.2")
    assert (status, answer["error"]["code"]) == (4, "timeout")
    received = lb2.counter("frames_received")
    wait_until(lambda: lb2.counter("frames_received") > received + 10, "ten heartbeats, two dead times")
    assert "late heartbeat" not in lb2.log
    # Told to stop in the middle of it, the start is broken off, undone, and the other node serves.
    assert lb1.stop() == 0
    wait_until(lb2.holds, "the handover")
    assert cluster.holders() == ["lb2"]


def test_a_slow_stop_delays_the_other_nodes_start_and_nothing_else(cluster):
    lb1, lb2 = make(
        cluster,
        "lb1 slow\n",
        slow='case $1 in stop) log begun; while test ! -e "$LOG.go"; do sleep 0.02; done;; esac',
    )
    (lb2.directory / "script.log.go").touch()
    start(lb1, lb2)
    wait_until(lambda: cluster.settled(lb1), "the cluster")
    lb1.signal(15)
    wait_until(lb1.script_log, "the stop")
    received = lb2.counter("frames_received")
    wait_until(lambda: lb2.counter("frames_received") > received + 10, "ten heartbeats, two dead times")
    assert lb2.group()["states"] == {"lb1": "stopping", "lb2": "idle"}
    assert lb2.sees("lb1") == "leaving"
    (lb1.directory / "script.log.go").touch()
    wait_until(lb2.holds, "the start")
    assert lb1.process.wait(10) == 0


def test_a_service_that_a_script_leaves_running_is_no_burden(cluster):
    lb1, lb2 = make(
        cluster,
        "lb1 service\n",
        service='case $1 in start) sleep 1000 & echo $! >"$LOG.pid";; stop) kill $(cat "$LOG.pid");; esac',
    )
    start(lb1, lb2)
    wait_until(lambda: cluster.settled(lb1), "the cluster")
    assert lb1.stop() == 0
    wait_until(lb2.holds, "the handover")


def test_a_script_learns_where_it_is_and_little_else(cluster):
    lb1, _ = make(cluster, "lb1 curious::a::b\n", curious='case $3 in start) log "$1 $2 $HA_CURHOST";; esac')
    start(lb1)
    wait_until(lb1.holds, "the start")
    assert lb1.script_log() == ["a b lb1"]
