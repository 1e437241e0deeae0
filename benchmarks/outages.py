"""How long a client is without an answer: ours, and heartbeat 3.0.6's in the same laboratory."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from figures import Figure
from lab import Lab
from lab.cluster import ADDRESS, GROUP, PACKAGES, Cluster
from lab.host import Host
from lab.prober import Prober

TIMERS = "keepalive 100 ms, deadtime 500 ms"
# The peer's package, whose files under /etc/ha.d a laboratory's host does not see by itself.
PEER_PACKAGES = ("heartbeat", "resource-agents")
_HA_CF = """keepalive 100ms
deadtime 500ms
initdead 2
bcast eth0
auto_failback off
logfile /var/log/ha-log
logfacility none
node lb1 lb2
"""


def ours_crash(runs: int) -> list[Figure]:
    """The active node is cut off the network and killed."""
    gaps, late = [], []
    with Lab(packages=PACKAGES) as lab:
        cluster = Cluster(lab)
        cluster.deploy()
        cluster.wait_healthy()
        with Prober(lab.client, ADDRESS) as prober:
            for _ in range(runs):
                crash = cluster.crash(prober)
                gaps.append(crash.outage.gap_ms)
                times = {event.what.split(" ", 1)[1]: event.at for event in crash.events}
                declared = next(at for what, at in times.items() if what.startswith("declares"))
                up = next(at for what, at in times.items() if what.startswith("has the address"))
                late.append((up - declared) * 1000)
                cluster.bring_back(crash.victim)
    return [
        Figure(f"ours: crash, {TIMERS}: client without an answer", "ms", gaps),
        Figure("ours: from declared dead to address up", "ms", late),
    ]


def ours_planned(runs: int) -> list[Figure]:
    """`hbctl move` from one node to the other, and back."""
    gaps, wholes = [], []
    with Lab(packages=PACKAGES) as lab:
        cluster = Cluster(lab)
        cluster.deploy()
        cluster.wait_healthy()
        with Prober(lab.client, ADDRESS) as prober:
            for _ in range(runs):
                target = next(host for host in lab.nodes if host is not cluster.holder())
                prober.wait_answering(10)
                prober.mark()
                started = time.monotonic()
                target.run(["hbctl", "move", "--to", target.name, GROUP])
                wholes.append((time.monotonic() - started) * 1000)
                prober.wait_answering(10)
                gaps.append(prober.outage().gap_ms)
    return [
        Figure("ours: planned switchover: client without an answer", "ms", gaps),
        Figure("ours: planned switchover: `hbctl move` from start to end", "ms", wholes),
    ]


def peer(runs: int) -> list[Figure]:
    """The same with Debian's heartbeat 3.0.6."""
    crashes, standbys = [], []
    with Lab(packages=PEER_PACKAGES) as lab, tempfile.TemporaryDirectory() as directory:
        files = _package_files(Path(directory))
        for host in lab.nodes:
            _start_peer(host, files)
        _await_one_holder(lab)
        with Prober(lab.client, ADDRESS) as prober:
            for _ in range(runs):
                # Its first five seconds have a longer dead time.
                time.sleep(8)
                standbys.append(_standby(lab, prober))
                time.sleep(3)
                crashes.append(_crash(lab, prober, files))
    return [
        Figure(f"3.0.6: crash, {TIMERS}: client without an answer", "ms", crashes),
        Figure("3.0.6: planned switchover (hb_standby): client without an answer", "ms", standbys),
    ]


def _standby(lab: Lab, prober: Prober) -> float:
    holder = next(host for host in lab.nodes if _holds(host))
    prober.wait_answering(30)
    prober.mark()
    holder.run(["/usr/share/heartbeat/hb_standby", "all"], check=False)
    other = next(host for host in lab.nodes if host is not holder)
    _wait(lambda: _holds(other) and not _holds(holder), "the standby to be done")
    prober.wait_answering(30)
    return prober.outage().gap_ms


def _crash(lab: Lab, prober: Prober, files: Path) -> float:
    victim = next(host for host in lab.nodes if _holds(host))
    prober.wait_answering(30)
    prober.mark()
    victim.kill()
    prober.wait_answering(60)
    gap_ms = prober.outage().gap_ms
    victim.boot()
    _start_peer(victim, files)
    return gap_ms


def _await_one_holder(lab: Lab) -> None:
    _wait(lambda: sum(_holds(host) for host in lab.nodes) == 1, "one holder")


def _wait(condition: object, what: str, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s:g} s for {what}")
        time.sleep(0.2)


def _holds(host: Host) -> bool:
    return host.is_on and f" {ADDRESS}/" in host.run(["ip", "-o", "-4", "address"]).stdout


def _package_files(directory: Path) -> Path:
    """A tar of the packages' /etc/ha.d, which every host of the laboratory has empty."""
    subprocess.run(["apt-get", "download", "--quiet=2", *PEER_PACKAGES], cwd=directory, check=True)
    for package in directory.glob("*.deb"):
        subprocess.run(["dpkg-deb", "--extract", str(package), str(directory / "root")], check=True)
    tar = directory / "ha.d.tar"
    subprocess.run(["tar", "-C", str(directory / "root"), "-cf", str(tar), "etc/ha.d"], check=True)
    return tar


def _start_peer(host: Host, files: Path) -> None:
    with files.open("rb") as tar:
        subprocess.run(host.command(["tar", "-C", "/", "-xf", "-"]), stdin=tar, check=True)
    host.run(
        ["mkdir", "-p", "/var/lib/heartbeat/cores/root", "/run/heartbeat/rsctmp", "/run/resource-agents"]
    )
    host.run(["tee", "/etc/ha.d/ha.cf"], stdin=_HA_CF)
    host.run(["tee", "/etc/ha.d/haresources"], stdin=f"lb1 IPaddr2::{GROUP}\n")
    keys = "auth 1\n1 sha1 benchmark-key-of-both-nodes\n"
    host.run(["sh", "-c", "umask 077; cat >/etc/ha.d/authkeys"], stdin=keys)
    host.run(["/usr/libexec/heartbeat/heartbeat"])
