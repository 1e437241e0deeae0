"""The laboratory itself: hosts are alone, survive a reboot with their disk, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lab import Lab, LabError
from lab.prober import Prober

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def lab():
    if os.geteuid() != 0:
        pytest.skip("the laboratory needs root")
    with Lab() as lab:
        yield lab


def test_a_host_has_a_name_processes_and_a_network_of_its_own(lab):
    host = lab.host("lb1")
    assert host.run(["uname", "-n"]).stdout == "lb1\n"
    assert host.run(["cat", "/proc/1/comm"]).stdout == "lab-init\n"
    links = host.run(["ip", "-br", "link"]).stdout.splitlines()
    assert [line.split()[0].split("@")[0] for line in links] == ["lo", "eth0"]


def test_what_a_host_writes_is_seen_by_nobody_else(lab):
    lab.host("lb1").run(["touch", "/etc/written-in-the-laboratory"])
    assert not Path("/etc/written-in-the-laboratory").exists()
    assert lab.host("lb2").run(["ls", "/etc/written-in-the-laboratory"], check=False).returncode != 0


def test_a_host_cannot_set_the_machines_kernel(lab):
    done = lab.host("lb1").run(["sh", "-c", "echo 1 >/proc/sys/vm/swappiness"], check=False)
    assert done.returncode != 0


def test_power_loss_keeps_the_disk_and_nothing_else(lab):
    host = lab.host("lb1")
    host.run(["sh", "-c", "echo kept >/etc/disk; echo lost >/run/memory; sleep 1000 >/dev/null 2>&1 &"])
    host.run(["ip", "address", "add", "192.0.2.77/24", "dev", "eth0"])
    host.kill()
    with pytest.raises(LabError, match="lb1 is switched off"):
        host.run(["true"])
    host.boot()
    assert host.read_text("/etc/disk") == "kept\n"
    assert host.read_text("/run/memory") == ""
    assert "192.0.2.77" not in host.run(["ip", "address"]).stdout
    assert "sleep" not in host.run(["ps", "ax"]).stdout


@pytest.mark.parametrize(("silently", "carrier"), [(False, "LOWERLAYERDOWN|NO-CARRIER"), (True, "UP")])
def test_a_cut_host_is_not_heard_until_it_is_mended(lab, silently, carrier):
    host = lab.host("lb2")
    with Prober(lab.client, host.address) as prober:
        prober.wait_answering(10)
        host.cut(silently=silently)
        prober.mark()
        time.sleep(0.1)
        state = host.run(["ip", "-br", "link", "show", "eth0"]).stdout
        assert prober.outage().first_good is None
        host.mend()
        prober.wait_answering(10)
        assert prober.outage().gap_ms >= 100
    assert any(word in state for word in carrier.split("|"))


BUILD_AND_WAIT = """
import signal, time
from lab import Lab
# A background job of a shell ignores SIGINT, and so would we.
signal.signal(signal.SIGINT, signal.default_int_handler)
with Lab(client=False) as lab:
    print(lab.directory, flush=True)
    time.sleep(60)
"""


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
def test_nothing_is_left_however_the_laboratory_ends(number):
    """No process and no namespace outlives the controller; only SIGKILL leaves its empty directory."""
    controller = subprocess.Popen(
        [sys.executable, "-c", BUILD_AND_WAIT],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    directory = controller.stdout.readline().strip()
    assert processes_of(directory)
    controller.send_signal(number)
    controller.wait(timeout=20)
    controller.stdout.close()
    deadline = time.monotonic() + 10
    while processes_of(directory) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_of(directory) == []
    if number == signal.SIGKILL:
        for file in Path(directory).iterdir():
            file.unlink()
        Path(directory).rmdir()
    assert not Path(directory).exists()


def processes_of(directory):
    """Processes on the machine that name the laboratory's directory in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if directory.encode() in words:
                found.append(words)
    return found
