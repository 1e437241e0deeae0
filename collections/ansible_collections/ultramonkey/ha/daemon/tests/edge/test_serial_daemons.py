"""Two daemons joined by a serial line: what it is there for."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import ultramonkey_heartbeat
from cable import Cable

SOURCE = Path(ultramonkey_heartbeat.__file__).parents[1]
ADDRESS = "10.77.0.50"
DEADTIME_SECONDS = 3
HA_CF = f"""node a b
auto_failback off
keepalive 200ms
deadtime {DEADTIME_SECONDS}
initdead {2 * DEADTIME_SECONDS}
realtime off
baud 115200
"""


class Daemon:
    """A daemon on a host, with directories of its own."""

    def __init__(self, host, node, links, root, ha_cf=HA_CF):
        self._host = host
        self._options = []
        for option in ("directory", "state-directory", "run-directory"):
            (root / option).mkdir(parents=True)
            self._options += [f"--{option}", str(root / option)]
        self._root = root
        files = root / "directory"
        (files / "ha.cf").write_text(ha_cf + links)
        (files / "haresources").write_text(f"a IPaddr2::{ADDRESS}/24/eth1\n")
        (files / "authkeys").write_text("auth 1\n1 sha256 0123456789abcdef\n")
        (files / "authkeys").chmod(0o600)
        self._log = (root / "log").open("w")
        self.process = self._run("daemon.main", *self._options, "--node", node, stderr=self._log)

    def _run(self, module, *words, **more):
        command = ["ip", "netns", "exec", self._host.name, sys.executable, "-m"]
        return subprocess.Popen(
            [*command, f"ultramonkey_heartbeat.{module}", *words],
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
            stdout=subprocess.PIPE,
            **more,
        )

    @property
    def log(self):
        return (self._root / "log").read_text()

    @property
    def holds(self):
        return ADDRESS in self._host.ip("-o", "-4", "addr", "show", "dev", "eth1")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.kill()
        self.process.stdout.close()
        self._log.close()


@pytest.fixture
def baud():
    """The speed of the cable; None: as fast as it goes."""
    return


@pytest.fixture
def cable(tmp_path, baud):
    loop = asyncio.new_event_loop()
    one = Cable(tmp_path, loop, baud)
    one.plug_in()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield one
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    one.unplug()
    loop.close()


@pytest.fixture
def pair(lan, cable, tmp_path):
    made = []

    def make(more_links="", ha_cf=HA_CF):
        for name, host, device in (("a", lan.a, cable.a), ("b", lan.b, cable.b)):
            made.append(Daemon(host, name, f"serial {device}\n{more_links}", tmp_path / name, ha_cf))
        return made

    yield make
    for daemon in made:
        daemon.close()


def wait(condition, seconds=30.0):
    """Wait longer than daemons take on a busy machine."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.05)


def test_over_a_serial_line_alone_a_dead_node_is_replaced(pair):
    a, b = pair()
    wait(lambda: a.holds)
    assert not b.holds
    a.kill()
    wait(lambda: b.holds)


def test_while_the_serial_line_lives_a_network_that_is_cut_moves_nothing(pair, lan):
    a, b = pair("bcast eth1\n")
    wait(lambda: a.holds)
    lan.cable(lan.b, "down")
    lan.cable(lan.a, "down")
    time.sleep(2 * DEADTIME_SECONDS)
    assert a.holds
    assert not b.holds
    # The daemons saw the cut, and each other.
    assert "no carrier" in b.log
    assert "dead" not in b.log
    a.kill()
    wait(lambda: b.holds)


@pytest.mark.parametrize("baud", [9600])
def test_five_beats_a_second_pass_a_line_that_really_has_9600_baud(pair, cable):
    slow = HA_CF.replace("baud 115200", "baud 9600").replace("initdead 6", "initdead 20")
    a, b = pair(ha_cf=slow)
    wait(lambda: a.holds)
    time.sleep(1)
    before = cable.bytes_passed["a"]
    time.sleep(4)
    passed = cable.bytes_passed["a"][len(before) :]
    assert passed.count(b"t=same\n") >= 15
    # The last changes of the start, and the one that goes out now and then.
    assert passed.count(b"t=status\n") <= 4
    assert "-> dead" not in a.log + b.log
