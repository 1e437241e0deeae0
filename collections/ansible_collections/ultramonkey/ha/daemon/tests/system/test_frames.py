"""Frames that change nothing: malformed, forged, replayed, from strangers and from namesakes."""

from __future__ import annotations

import random
import shutil
import signal

import pytest
from machines import KEY, PORT, wait_until
from ultramonkey_heartbeat.config.model import AuthKey, AuthKeys
from ultramonkey_heartbeat.daemon.keys import make_codec
from ultramonkey_heartbeat.wire.message import Message, binary, decimal, hexadecimal, string

ADDRESS = "10.77.0.100"
EVERYBODY = ("10.77.0.255", PORT)


def codec(secret=KEY, method="sha1", index=1):
    return make_codec(AuthKeys(index, (AuthKey(index, method, secret.encode()),)))


def status_message(source, generation=2_000_000_000, uuid=b"0123456789abcdef"):
    """A status as a node sends it that is not ours."""
    return Message(
        (
            string("t", "status"),
            string("st", "active"),
            hexadecimal("dt", 500),
            decimal("protocol", 1),
            string("src", source),
            binary("srcuuid", uuid),
            hexadecimal("seq", 1),
            hexadecimal("hg", generation),
            hexadecimal("ts", 1_771_234_567),
            decimal("ttl", 3),
        )
    )


def state(machine):
    """What must not change."""
    status = machine.status()
    names = [(node["name"], node["state"], node["generation"]) for node in status["nodes"]]
    return names, [(g["epoch"], g["states"]) for g in status["groups"]], status["problems"]


def complaints(machine):
    """What the log has about frames, once everything that was queued has been written."""
    mark = "read the keys again"
    before = machine.log.count(mark)
    machine.signal(signal.SIGHUP)
    wait_until(lambda: machine.log.count(mark) > before, "the end of what was logged")
    return [line for line in machine.log.splitlines() if "rejected" in line or "ignored" in line]


def send_and_count(cluster, frames, to=EVERYBODY):
    """Send the frames; wait until each is counted as rejected by both; nothing else changes."""
    sock = cluster.ears()
    before = {machine: (state(machine), machine.counter("frames_rejected")) for machine in cluster.machines}
    for frame in frames:
        sock.sendto(frame, to)
    for machine, (_, rejected) in before.items():
        expected = rejected + len(frames)
        wait_until(lambda m=machine, e=expected: m.counter("frames_rejected") == e, "the count")
    for machine, (was, _) in before.items():
        assert state(machine) == was
        assert cluster.holders() == ["lb1"]


MALFORMED = {
    "empty": b"",
    "zeros": bytes(100),
    "start only": b"###\n",
    "no length": b"###\nx:(0)t=status,%%%\n",
    "huge length": b"###\n99999999999:(0)t=status,%%%\n",
    "negative length": b"###\n-5:(0)t=status,%%%\n",
    "no end": b"###\n11:(0)t=status,",
    "no signature": b"###\n11:(0)t=status,%%%\n",
    "text without signature": b">>>\nt=status\nsrc=lb2\n<<<\n",
    "another protocol": b"GET / HTTP/1.0\r\n\r\n",
    "as long as a datagram without fragments": b"###\n" + b"9" * 1400,
}


def test_malformed_frames_change_nothing_but_a_counter(cluster):
    lb1, lb2 = cluster.start()
    send_and_count(cluster, list(MALFORMED.values()))
    noise = random.Random(1)
    frames = [noise.randbytes(noise.randrange(1, 1400)) for _ in range(200)]
    send_and_count(cluster, frames)
    # Said once for each kind of fault, not for each frame.
    for machine in (lb1, lb2):
        assert 1 <= len(complaints(machine)) <= 4


def test_a_frame_that_is_too_long_changes_nothing(cluster):
    lb1, lb2 = cluster.start()
    sock = cluster.ears()
    was, rejected = state(lb1), lb1.counter("frames_rejected")
    sock.sendto(b"###\n" + b"x" * 65_000, (lb1.address, PORT))
    wait_until(lambda: lb1.counter("frames_rejected") == rejected + 1, "the count")
    assert state(lb1) == was
    assert len(complaints(lb1)) == 1
    assert complaints(lb2) == []


@pytest.mark.parametrize(
    "forged",
    [codec("another key of another cluster"), codec(method="md5"), codec("", method="crc"), codec(index=2)],
    ids=["key", "method", "crc", "index"],
)
def test_frames_that_are_not_signed_with_our_key_change_nothing(cluster, forged):
    lb1, lb2 = cluster.start()
    frames = [forged.encode(status_message(name), "netstring") for name in ("lb1", "lb2", "lb2", "lb2")]
    send_and_count(cluster, frames)
    # One line for the name that the frames have rightly or wrongly, one for all that are not a peer's.
    for machine, peer in ((lb1, "lb2"), (lb2, "lb1")):
        assert len(complaints(machine)) == 2
        assert len([line for line in complaints(machine) if f"says that it comes from {peer}" in line]) == 1


def test_another_cluster_on_the_same_port_is_no_trouble(cluster):
    lb1, _ = cluster.start()
    foreign = codec("another key of another cluster")
    sock = cluster.ears()
    for number in range(50):
        sock.sendto(foreign.encode(status_message(f"web{number % 2}", 7 + number), "netstring"), EVERYBODY)
    wait_until(lambda: lb1.counter("frames_rejected") == 50, "the count")
    assert len(complaints(lb1)) == 1
    assert lb1.status()["healthy"]


def test_an_unknown_node_with_our_key_is_named_once_and_ignored(cluster):
    lb1, lb2 = cluster.start()
    frame = codec().encode(status_message("lb9"), "netstring")
    send_and_count(cluster, [frame] * 5)
    for machine in (lb1, lb2):
        [line] = complaints(machine)
        assert "'lb9' speaks with our key and is not a node of ha.cf; ignored" in line


def record(cluster, source, count=1):
    """Frames that a node sends."""
    sock = cluster.ears()
    frames = []
    while len(frames) < count:
        data, (address, _) = sock.recvfrom(65536)
        if address == source.address:
            frames.append(data)
    return frames


def test_a_replayed_frame_does_not_keep_the_dead_alive(cluster):
    lb1, lb2 = cluster.start()
    frames = record(cluster, lb1, 3)
    sock = cluster.ears()
    lb1.kill()

    def replayed():
        for frame in frames:
            sock.sendto(frame, EVERYBODY)
        return lb2.holds()

    wait_until(replayed, "the takeover", seconds=3)
    assert lb2.sees("lb1") == "dead"


def test_a_replayed_frame_does_not_raise_who_has_left(cluster):
    lb1, lb2 = cluster.start()
    frames = record(cluster, lb1, 3)
    lb1.stop()
    wait_until(lb2.holds, "the handover")
    sock = cluster.ears()
    was = state(lb2)
    for frame in frames * 5:
        sock.sendto(frame, EVERYBODY)
    messages = lb2.counter("messages_sent")
    wait_until(lambda: lb2.counter("messages_sent") > messages + 5, "some heartbeats")
    assert state(lb2) == was


def test_frames_from_before_a_restart_are_rejected(cluster):
    lb1, lb2 = cluster.start()
    frames = record(cluster, lb1, 3) + record(cluster, lb2, 3)
    for machine in (lb1, lb2):
        assert machine.stop() == 0
    for machine in (lb1, lb2):
        machine.start()
    wait_until(lambda: cluster.settled(lb1) and cluster.settled(lb2), "the cluster")
    was = {machine: state(machine) for machine in (lb1, lb2)}
    sock = cluster.ears()
    for frame in frames:
        sock.sendto(frame, EVERYBODY)
    for machine in (lb1, lb2):
        wait_until(lambda m=machine: m.counter("frames_rejected") >= 3, "the count")
        assert state(machine) == was[machine]
        [line] = complaints(machine)
        assert "earlier generation" in line


@pytest.mark.parametrize("clone", [False, True], ids=["named so", "cloned"])
def test_two_machines_with_one_name_are_told_and_serve_once(cluster, clone):
    lb1, lb2 = cluster.start()
    namesake = cluster.add("lb1b")
    namesake.node = "lb1"
    namesake.configure(*((lb1.etc / name).read_text() for name in ("ha.cf", "haresources", "authkeys")))
    # In any case the same generation; a clone also has the uuid.
    shutil.copytree(lb1.state_directory, namesake.state_directory)
    generation = namesake.state_directory / "hb_generation"
    generation.write_text(f"{int(generation.read_text()) - 1:15d}\n")
    if not clone:
        (namesake.state_directory / "hb_uuid").unlink()
    namesake.start()
    for machine in (lb1, namesake):
        machine.says("another machine uses our node name")
        assert "duplicate-name" in machine.problems()
    wait_until(lambda: len(cluster.holders()) == 1, "one holder")
    sent = {machine: machine.counter("messages_sent") for machine in cluster.machines}
    used = {machine: machine.cpu_seconds() for machine in cluster.machines}
    wait_until(lambda: lb2.counter("messages_sent") >= sent[lb2] + 20, "at most two seconds")
    for machine in cluster.machines:
        assert machine.counter("messages_sent") - sent[machine] < 200, "they answer each other without end"
        assert machine.cpu_seconds() - used[machine] < 0.5
    assert len(cluster.holders()) == 1
    assert namesake.stop() == 0
