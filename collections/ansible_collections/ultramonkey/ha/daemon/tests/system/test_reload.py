"""SIGHUP: keys are changed while heartbeats go on; whatever is wrong changes nothing."""

from __future__ import annotations

import signal

import pytest
from machines import KEY, wait_until
from ultramonkey_heartbeat.config.model import AuthKey, AuthKeys
from ultramonkey_heartbeat.daemon.keys import make_codec
from ultramonkey_heartbeat.wire.errors import WireError

GROUP = "10.77.0.100/24/eth1"
NEW_KEY = "a-new-key-for-these-tests-and-nowhere-else"


def reload(machine, text, said):
    """Give the machine other keys, and wait until it has said what it makes of them."""
    before = machine.log.count(said)
    machine.configure(authkeys=text)
    machine.signal(signal.SIGHUP)
    wait_until(lambda: machine.log.count(said) > before, said)


def beats(cluster, machines, number=6):
    """Wait until everybody has heard some more heartbeats."""
    before = {machine: machine.counter("frames_received") for machine in machines}
    for machine in machines:
        wait_until(lambda m=machine: m.counter("frames_received") >= before[m] + number, "heartbeats")
    assert cluster.holders() == ["lb1"]


def test_both_nodes_change_their_key_without_a_missed_heartbeat(cluster):
    machines = cluster.start()
    old, new = f"1 sha1 {KEY}\n", f"2 sha256 {NEW_KEY}\n"
    for text in (f"auth 1\n{old}{new}", f"auth 2\n{old}{new}", f"auth 2\n{new}"):
        for machine in machines:
            reload(machine, text, "read the keys again")
            beats(cluster, machines, 2)
    beats(cluster, machines)
    for machine in machines:
        assert machine.counter("frames_rejected") == 0
        assert "late heartbeat" not in machine.log
        assert "-> dead" not in machine.log
    codec = make_codec(AuthKeys(2, (AuthKey(2, "sha256", NEW_KEY.encode()),)))
    assert codec.decode(cluster.ears().recv(65536)).text("t") == "status"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda etc: (etc / "authkeys").write_text("auth 7\n"), "authkeys:1: "),
        (lambda etc: (etc / "authkeys").chmod(0o644), "chmod 600"),
        (lambda etc: (etc / "authkeys").unlink(), "authkeys: the file does not exist"),
        (lambda etc: (etc / "ha.cf").write_text("nonsense\n"), "ha.cf:1: "),
    ],
    ids=["keys", "mode", "missing", "ha.cf"],
)
def test_files_with_an_error_change_nothing(cluster, change, said):
    machines = lb1, lb2 = cluster.start()
    change(lb1.etc)
    lb1.signal(signal.SIGHUP)
    lb1.says("nothing is changed")
    lb1.says(said)
    assert KEY not in lb1.log
    beats(cluster, machines)
    assert lb1.status()["healthy"]
    assert lb2.counter("frames_rejected") == 0
    lb1.configure((lb2.etc / "ha.cf").read_text(), authkeys=(lb2.etc / "authkeys").read_text())


def test_a_file_that_cannot_be_read_changes_nothing(cluster):
    machines = lb1, lb2 = cluster.start()
    path = lb1.etc / "authkeys"
    path.unlink()
    path.mkdir()
    lb1.signal(signal.SIGHUP)
    lb1.says("nothing is changed")
    beats(cluster, machines)
    path.rmdir()
    lb1.configure(authkeys=(lb2.etc / "authkeys").read_text())


def test_what_needs_a_restart_is_said_and_not_half_made(cluster):
    machines = lb1, lb2 = cluster.start()
    before = (lb1.etc / "ha.cf").read_text()
    lb1.configure(before + "ucast eth1 10.77.0.9\nkeepalive 50ms\n", haresources=f"lb2 {GROUP}\n")
    lb1.signal(signal.SIGHUP)
    lb1.says("restart the daemon to use them")
    code, answer = lb1.hbctl("reload")
    assert (code, answer["error"]["code"]) == (1, "needs-restart")
    assert answer["result"] == {"changed": [], "restart": ["the links have changed"]}
    beats(cluster, machines)
    assert lb1.group()["preferred"] == "lb1"
    assert lb1.status()["config"]["keepalive_ms"] == 100
    lb1.configure(before, haresources=(lb2.etc / "haresources").read_text())


def test_groups_and_timers_are_taken_over_and_nothing_moves(cluster):
    machines = cluster.start(haresources=f"lb1 {GROUP}\nlb2 10.77.0.101/24/eth1\n")
    for machine in machines:
        text = (
            (machine.etc / "ha.cf")
            .read_text()
            .replace("100ms", "50ms")
            .replace("failback off", "failback on")
        )
        machine.configure(text, haresources=f"lb2 {GROUP}\nlb2 10.77.0.102/24/eth1\n")
        code, answer = machine.hbctl("reload")
        assert (code, answer["result"]["changed"]) == (0, ["keepalive", "auto_failback", "groups"])
        assert machine.hbctl("reload")[1]["result"]["changed"] == []
    wait_until(lambda: cluster.holders("10.77.0.102") == ["lb2"], "the new group")
    wait_until(lambda: cluster.holders("10.77.0.101") == [], "the end of the old one")
    wait_until(lambda: not (machines[0].problems() + machines[1].problems()), "no problem")
    beats(cluster, machines, 20)
    for machine in machines:
        assert "late heartbeat" not in machine.log


def test_a_node_with_another_configuration_is_named(cluster):
    lb1, lb2 = cluster.make()
    lb2.configure(haresources=f"lb1 {GROUP}\nlb2 10.77.0.101/24/eth1\n")
    for machine in (lb1, lb2):
        machine.start()
    wait_until(lambda: "config-differs" in lb1.problems() + lb2.problems(), "the problem")
    wait_until(lambda: cluster.holders() == ["lb1"], "one holder")
    wait_until(lambda: cluster.holders("10.77.0.101") == ["lb2"], "the holder of what only one knows")


def test_nodes_with_different_keys_do_not_hear_each_other_and_say_why(cluster):
    lb1, lb2 = cluster.make()
    lb2.configure(authkeys=f"auth 1\n1 sha1 {NEW_KEY}\n")
    for machine in (lb1, lb2):
        machine.start()
    wait_until(lambda: lb1.holds() and lb2.holds(), "both alone")
    for machine in (lb1, lb2):
        machine.says("rejected a frame")
    reload(lb2, f"auth 1\n1 sha1 {KEY}\n", "read the keys again")
    wait_until(lambda: cluster.settled(lb1) and cluster.settled(lb2), "one holder")
    assert len(cluster.holders()) == 1
    wait_until(lambda: not lb1.problems(), "no problem")
    with pytest.raises(WireError):
        make_codec(AuthKeys(1, (AuthKey(1, "sha1", NEW_KEY.encode()),))).decode(cluster.ears().recv(65536))
