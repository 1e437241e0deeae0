"""What the daemon costs while nothing happens, and whether it keeps calm at short timers."""

from __future__ import annotations

import time

from figures import Figure
from lab import Lab
from lab.cluster import LOG, PACKAGES, Cluster, variables
from lab.host import Host

_WINDOW_S = 60
_HBCTL_RUNS = 20


def daemon() -> list[Figure]:
    """Processor time and memory of one daemon of two, for two keepalives."""
    figures = []
    for keepalive, deadtime in (("1", "5"), ("20ms", "100ms")):
        with _cluster(keepalive, deadtime) as lab:
            time.sleep(5)
            before = {host: _cpu_s(host) for host in lab.nodes}
            started = time.monotonic()
            time.sleep(_WINDOW_S)
            elapsed = time.monotonic() - started
            shares = [(_cpu_s(host) - before[host]) / elapsed * 100 for host in lab.nodes]
            unit = "s" if keepalive == "1" else ""
            figures.append(Figure(f"ours: processor at keepalive {keepalive}{unit}", "% of one core", shares))
            memory = [_rss_mib(host) for host in lab.nodes]
            figures.append(Figure(f"ours: resident memory at keepalive {keepalive}{unit}", "MiB", memory))
    return figures


def hbctl() -> list[Figure]:
    """`hbctl status` as a whole process, in a host."""
    with _cluster("1", "5") as lab:
        host = lab.nodes[0]
        script = (
            "import subprocess,time\n"
            f"for _ in range({_HBCTL_RUNS}):\n"
            "    t=time.monotonic(); subprocess.run(['hbctl','status'],stdout=-3,check=True)\n"
            "    print((time.monotonic()-t)*1000)\n"
        )
        done = host.run(["/usr/bin/python3", "-I", "-c", script])
        return [Figure("hbctl status: whole process", "ms", [float(word) for word in done.stdout.split()])]


def stability(minutes: float) -> list[Figure]:
    """False failovers and late heartbeats at keepalive 20 ms, deadtime 100 ms."""
    with _cluster("20ms", "100ms") as lab:
        since = time.time()
        time.sleep(minutes * 60)
        cluster = Cluster(lab)
        lines = [text for host in lab.nodes for _, text in cluster.log_since(host, since)]
        dead = sum("-> dead" in text for text in lines)
        late = sum("late heartbeat" in text for text in lines)
        for text in lines[:5]:
            print(f"    {LOG}: {text}")
    what = f"ours: keepalive 20 ms, deadtime 100 ms, {minutes:g} minutes"
    return [Figure(f"{what}: declared dead", "times", [dead]), Figure(f"{what}: late", "times", [late])]


class _cluster:  # noqa: N801 - used like a function
    """A deployed, healthy cluster at these timers."""

    def __init__(self, keepalive: str, deadtime: str) -> None:
        self._lab = Lab(client=False, packages=PACKAGES)
        self._timers = {"heartbeat_keepalive": keepalive, "heartbeat_deadtime": deadtime}

    def __enter__(self) -> Lab:
        lab = self._lab.__enter__()
        cluster = Cluster(lab, variables(lab.nodes[0].name, heartbeat_initdead="10", **self._timers))
        cluster.deploy()
        cluster.wait_healthy()
        return lab

    def __exit__(self, *exception: object) -> None:
        self._lab.close()


def _pid(host: Host) -> str:
    return host.read_text("/run/heartbeat/heartbeatd.pid").strip()


def _cpu_s(host: Host) -> float:
    """Processor time of all threads, by the scheduler's own nanosecond account."""
    done = host.run(["sh", "-c", f"cat /proc/{_pid(host)}/task/*/schedstat"])
    return sum(int(line.split()[0]) for line in done.stdout.splitlines()) / 1e9


def _rss_mib(host: Host) -> float:
    lines = host.read_text(f"/proc/{_pid(host)}/status").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
