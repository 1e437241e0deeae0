"""The test of a serial line, on both ends of one that somebody spoils."""

from __future__ import annotations

import json
import os
import random
import threading
import tty

import pytest
from cable import Cable
from ultramonkey_heartbeat.cli import hbctl
from ultramonkey_heartbeat.links.device_lock import lock_device
from ultramonkey_heartbeat.links.line_probe import PROBE_BYTES, Probe
from ultramonkey_heartbeat.links.line_test import LineTestError, run_line_test

# Two ends that answer at once: quick, and long enough for some dozen probes.
BAUD, SECONDS, WAIT = 115_200, 1.5, 3.0


@pytest.fixture
def cable(tmp_path, loop):
    one = Cable(tmp_path, loop)
    one.plug_in()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield one
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    one.unplug()


def both(cable, seconds=SECONDS, wait=WAIT):
    """What each end says."""
    results = {}

    def test(device):
        results[device] = run_line_test(str(device), BAUD, seconds, wait)

    threads = [threading.Thread(target=test, args=(device,)) for device in (cable.a, cable.b)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results[cable.a], results[cable.b]


def test_a_good_line_is_good_on_both_ends(cable):
    for result in both(cable):
        assert result["verdict"] == "line-good"
        assert (result["peer_heard"], result["heard_by_peer"], result["echo"]) == (True, True, False)
        assert result["byte_error_rate"] == 0
        assert 0 <= result["round_trip_ms"]["median"] < 1000
        assert result["probes_received"] == result["probes_expected"] > 10
        # A pseudo terminal has no modem signals.
        assert result["cts"] is None
    # And the lines are free again.
    for device in (cable.a, cable.b):
        lock_device(str(device)).release()


def test_damage_is_measured(cable):
    rng = random.Random(1)
    cable.disturb = lambda data: bytes(byte ^ (rng.random() < 0.002) for byte in data)
    for result in both(cable, seconds=3.0):
        assert result["verdict"] == "line-bad"
        assert 0.0004 < result["byte_error_rate"] < 0.01


def test_an_end_that_hears_nothing_says_so_and_the_other_one_that_it_is_not_heard(cable):
    deliver = cable._deliver
    cable._deliver = lambda end, other, data: deliver(end, other, data if end == "a" else b"")
    a, b = both(cable)
    assert (a["verdict"], b["verdict"]) == ("line-silent", "line-one-way")


def test_another_speed_at_the_other_end_is_suspected(cable):
    cable.disturb = lambda data: bytes((byte * 37 + 11) & 0xFF | 0x80 for byte in data)
    assert {result["verdict"] for result in both(cable, wait=1.0)} == {"line-garbled"}


def test_a_looped_cable_is_recognised(tmp_path):
    master, slave = os.openpty()
    stop = threading.Event()

    def loop_back():
        while not stop.is_set():
            os.write(master, os.read(master, 4096))

    thread = threading.Thread(target=loop_back, daemon=True)
    thread.start()
    result = run_line_test(os.ttyname(slave), BAUD, SECONDS, 0.5)
    stop.set()
    os.write(slave, b"\n")
    thread.join()
    os.close(master)
    os.close(slave)
    assert result["verdict"] == "line-echo"


def test_what_cannot_be_tested_says_why(tmp_path):
    for device, reason in (("/dev/null", "not a serial line"), (tmp_path / "absent", "No such file")):
        with pytest.raises(LineTestError, match=reason):
            run_line_test(str(device), BAUD, 1, 1)
    with pytest.raises(LineTestError, match="not a speed"):
        run_line_test("/dev/null", 12_345, 1, 1)


def test_a_line_that_the_daemon_has_is_left_alone(cable):
    lock = lock_device(str(cable.a))
    with pytest.raises(LineTestError, match="in use by"):
        run_line_test(str(cable.a), BAUD, 1, 1)
    lock.release()


def test_the_command_prints_a_table_and_json_and_its_exit_code_tells(cable, capsys):
    # Somebody who does not echo, and says nothing.
    tty.setraw(cable._slaves["b"])
    words = ["link", "test", "serial", str(cable.a), "--baud", "115200", "--seconds", "0.3", "--wait", "0.3"]
    assert hbctl.main(words) == hbctl.EXIT_REFUSED
    printed = capsys.readouterr()
    assert "other end heard" in printed.out
    assert "nothing is heard" in printed.err
    assert hbctl.main(["--json", *words]) == hbctl.EXIT_REFUSED
    answer = json.loads(capsys.readouterr().out)
    assert (answer["error"]["code"], answer["result"]["peer_heard"]) == ("line-silent", False)


def test_a_daemon_on_the_other_end_is_recognised():
    probe = Probe("0" * 7 + "1")
    probe.feed(b"\0>>>\nst=active\nt=status\nsrc=lb2\n<<<\n", 1.0)
    assert probe.verdict().code == "line-daemon"


def test_every_probe_has_one_length_whatever_it_says():
    one, other = Probe("a" * 8), Probe("b" * 8)
    for number in range(50):
        for sender, receiver, at in ((one, other, number + 0.1), (other, one, number + 0.3)):
            data = sender.next_probe(at)
            assert len(data) == PROBE_BYTES
            receiver.feed(data[:17], at + 0.1)
            receiver.feed(data[17:], at + 0.1)
    assert one.verdict().code == other.verdict().code == "line-good"
    assert one.result()["probes_received"] == 50
    # There and back, without the tenth of a second for which the other end held it.
    assert one.result()["round_trip_ms"]["median"] == pytest.approx(200, abs=2)
