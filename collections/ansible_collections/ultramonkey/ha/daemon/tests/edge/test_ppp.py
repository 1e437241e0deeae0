"""Links over PPP: with a stand-in for pppd, which makes a real interface as the real one does.

The real one needs a kernel with PPP, and is tried in one by `make test-kernel`.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from link_node import Node
from ultramonkey_heartbeat.config.model import PppLink
from ultramonkey_heartbeat.links import pppd
from ultramonkey_heartbeat.links.ppp import WAITING

DEVICE = "/dev/ttyS0"
FRAME = b"###\nwhatever\n%%%\n"
# One end of a cable is in each namespace. "Connected" is the interface with its name and addresses.
STAND_IN = """#!/bin/sh
echo "$$ $*" >>{log}
addresses=$3
while [ $# -gt 0 ]; do [ "$1" = ifname ] && name=$2; shift; done
trap 'ip link set $name down; ip addr flush dev $name; ip link set $name name wire; exit 5' TERM
{body}
ip link set wire down; ip link set wire name $name
ip addr add ${{addresses%:*}} peer ${{addresses#*:}} dev $name
ip link set $name up
while :; do sleep 0.05; [ ! -e {log}.lost ] || {{ ip link set $name down; ip addr flush dev $name
  ip link set $name name wire; exit 15; }}; done
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Put a program called pppd into the way; returns the path of its log, a line for each start."""

    def put(body=""):
        log = tmp_path / "log"
        program = tmp_path / "pppd"
        program.write_text(STAND_IN.format(log=log, body=body))
        program.chmod(0o755)
        monkeypatch.setattr(pppd, "_PATH", f"{tmp_path}:{pppd._PATH}")
        return log

    return put


@pytest.fixture
def wire(lan):
    """A cable between the hosts, beside the network."""
    lan.a.ip("link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", lan.b.name)
    return lan


@pytest.fixture
def node():
    nodes = []

    def make(host, *configs):
        nodes.append(Node(host, *configs))
        return nodes[-1]

    yield make
    for one in nodes:
        one.close()


def ends(*options):
    return (
        PppLink("10.9.0.1", DEVICE, "10.9.0.2", 9600, 694, options),
        PppLink("10.9.0.2", DEVICE, "10.9.0.1", 9600, 694, options),
    )


def test_messages_pass_while_both_pppds_run(wire, node, stand_in):
    log = stand_in()
    a, b = (node(host, config) for host, config in zip((wire.a, wire.b), ends("nocrtscts")))
    assert a.changes[0] == ("ppp-udp /dev/ttyS0", False, f"{DEVICE}: {WAITING}")
    a.wait_up()
    b.wait_up()
    a.send(FRAME)
    b.wait(lambda: b.frames == [("ppp-udp /dev/ttyS0", FRAME)], "the frame")
    words = next(line for line in log.read_text().splitlines() if "10.9.0.1:10.9.0.2" in line).split()[1:]
    assert words[:3] == [DEVICE, "9600", "10.9.0.1:10.9.0.2"]
    assert words[-3:] == ["ifname", "ppp-ttyS0", "nocrtscts"]
    assert {"nodetach", "lock", "noauth", "nodefaultroute", "noipdefault"} <= set(words)


def test_a_connection_that_is_lost_is_seen_and_made_again(wire, node, stand_in):
    log = stand_in()
    a, b = (node(host, config) for host, config in zip((wire.a, wire.b), ends()))
    a.wait_up()
    b.wait_up()
    lost = Path(f"{log}.lost")
    lost.touch()
    a.wait_reason(f"{DEVICE}: the peer has fallen silent")
    lost.unlink()
    a.wait_up()
    b.wait_up()
    a.send(FRAME)
    b.wait(lambda: b.frames, "the frame")


def test_at_the_end_the_process_and_its_interface_are_gone(wire, node, stand_in):
    stand_in()
    a = node(wire.a, ends()[0])
    node(wire.b, ends()[1])
    a.wait_up()
    pid = a.links[0]._pppd.pid
    assert "ppp-ttyS0" in wire.a.ip("link")
    wire.a.call(a.links[0].close)
    wire.a.call(a.links[0].close)
    assert not Path(f"/proc/{pid}").exists()
    assert "ppp-ttyS0" not in wire.a.ip("link")


def test_a_pppd_that_does_not_want_to_end_is_killed(wire, node, stand_in, monkeypatch):
    log = stand_in("trap '' TERM; while :; do sleep 1; done")
    monkeypatch.setattr(pppd, "_GRACE_SECONDS", 0.2)
    a = node(wire.a, ends()[0])
    a.wait(log.exists, "its start")
    pid = a.links[0]._pppd.pid
    wire.a.call(a.links[0].close)
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("exit 4", pppd.NO_KERNEL),
        ("echo 'unrecognized option frob' >&2; exit 2", None),
        ("exit 10", "the peer does not answer; see whether its daemon runs, the cable and the speed"),
        ("exit 17", "what is sent comes back: the cable is looped"),
        ("kill -KILL $$", "pppd ended (signal 9)"),
    ],
)
def test_why_it_does_not_work_is_said(wire, node, stand_in, body, reason):
    stand_in(body)
    expected = reason or "pppd does not understand its options (exit code 2: unrecognized option frob)"
    node(wire.a, ends()[0]).wait_reason(f"{DEVICE}: {expected}")


def test_without_pppd_it_is_said_what_to_install(lan, node, monkeypatch, tmp_path):
    monkeypatch.setattr(pppd, "_PATH", str(tmp_path))
    node(lan.a, ends()[0]).wait_reason(f"{DEVICE}: {pppd.MISSING}")


def test_it_is_started_again_ever_more_patiently_and_after_a_success_at_once(loop, tmp_path, monkeypatch):
    reasons = []
    monkeypatch.setattr(pppd, "_PATH", str(tmp_path))
    one = pppd.Pppd((), reasons.append, loop)
    one.start()
    waits = []
    for _ in range(6):
        waits.append(round(one._later.when() - loop.time()))
        one._cancel()
        one._launch()
    assert waits == [1, 2, 4, 8, 16, 16]
    one.succeeded()
    one._cancel()
    one._launch()
    assert round(one._later.when() - loop.time()) == 1
    assert set(reasons) == {pppd.MISSING}
    one.stop()
    assert one._later is None


def test_when_the_daemon_dies_its_pppd_does_not_stay(tmp_path, monkeypatch):
    log = tmp_path / "log"
    program = tmp_path / "pppd"
    program.write_text(f"#!/bin/sh\necho $$ >{log}\nexec sleep 60\n")
    program.chmod(0o755)
    daemon = os.fork()
    if daemon == 0:
        import asyncio  # noqa: PLC0415 - only in the child

        monkeypatch.setattr(pppd, "_PATH", f"{tmp_path}:/bin")
        pppd.Pppd((), print, asyncio.new_event_loop()).start()
        while True:
            signal.pause()
    try:
        until(lambda: log.exists() and log.read_text().strip())
    finally:
        os.kill(daemon, signal.SIGKILL)
        os.waitpid(daemon, 0)
    child = Path(f"/proc/{log.read_text().strip()}/status")
    until(lambda: not child.exists() or "Z (zombie)" in child.read_text())


def until(condition):
    end = time.monotonic() + 8
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("device", "options", "interface"),
    [
        ("/dev/ttyS0", (), "ppp-ttyS0"),
        ("/dev/ttyUSB12", ("nocrtscts",), "ppp-ttyUSB12"),
        ("/dev/pts/7", (), "ppp-pts7"),
        ("/dev/serial/by-id/usb-FTDI_FT232R-if00-port0", (), "ppp-2Rif00port0"),
        ("/dev/ttyS0", ("unit", "3"), "ppp3"),
        ("/dev/ttyS0", ("mru", "296", "ifname", "hb0"), "hb0"),
    ],
)
def test_the_interface_is_called_after_the_line_or_as_the_options_say(device, options, interface):
    assert PppLink("10.9.0.1", device, "10.9.0.2", 9600, 694, options).interface == interface
