"""A cluster of our daemon in a laboratory: deployed, asked, hurt and measured.

What the demo and the benchmarks have in common. Wall times are seconds since the epoch, all by the one clock
that the hosts share.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Callable

from .ansible import Ansible
from .errors import LabError
from .host import Host
from .lab import Lab
from .prober import Outage, Prober

# What a node needs beside what every Debian system has.
PACKAGES = ("python3", "python3-pyroute2", "python3-serial")
ADDRESS = "192.0.2.10"
GROUP = f"{ADDRESS}/24/eth0"
LOG = "/var/log/heartbeat.log"

_STAMPED = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) \S+ +(.*)$")


def variables(preferred: str, **changes: Any) -> dict[str, Any]:
    """The role's variables for one address on eth0, at keepalive 100 ms and deadtime 500 ms."""
    return {
        "heartbeat_links": [{"type": "bcast", "interface": "eth0"}],
        "heartbeat_keepalive": "100ms",
        "heartbeat_deadtime": "500ms",
        "heartbeat_initdead": "2",
        "heartbeat_groups": [{"node": preferred, "resources": [GROUP]}],
        **changes,
    }


@dataclass(frozen=True)
class Event:
    """Something that happened, for a timeline."""

    at: float
    what: str


@dataclass(frozen=True)
class Crash:
    """The active node's death, as the client and the survivor saw it."""

    victim: Host
    survivor: str
    outage: Outage
    events: list[Event]


@dataclass(frozen=True)
class Switchover:
    """A planned move, as the client and the daemon saw it."""

    outage: Outage
    result: Mapping[str, Any]


class Cluster:
    """The nodes of a laboratory with our daemon on them."""

    def __init__(self, lab: Lab, role_variables: Mapping[str, Any] | None = None) -> None:
        self.lab = lab
        self.ansible = Ansible(lab, role_variables or variables(lab.nodes[0].name))

    def deploy(self) -> None:
        """Install, configure and start everything with the collection's own playbook."""
        self.ansible.playbook("ultramonkey.ha.site")

    def status(self, host: Host) -> dict[str, Any]:
        """What `hbctl status` says there; `LabError` when the daemon does not answer."""
        done = host.run(["hbctl", "--json", "status"])
        result: dict[str, Any] = json.loads(done.stdout)["result"]
        return result

    def holder(self) -> Host:
        """The node that holds the first group, as the first node that is on sees it."""
        name = self.status(self.running()[0])["groups"][0]["holder"]
        if name is None:
            raise LabError("no node holds the group")
        return self.lab.host(name)

    def running(self) -> list[Host]:
        """The nodes that are switched on."""
        return [host for host in self.lab.nodes if host.is_on]

    def wait(self, what: str, condition: Callable[[], bool], timeout_s: float = 30) -> None:
        """Return when the condition holds; else `LabError` with what was awaited and the last log lines."""
        deadline = time.monotonic() + timeout_s
        while not self._holds(condition):
            if time.monotonic() > deadline:
                logs = "\n".join(
                    f"{h.name}:\n{h.run(['tail', LOG], check=False).stdout}" for h in self.running()
                )
                raise LabError(f"waited {timeout_s:g} s in vain until {what}\n{logs}")
            time.sleep(0.05)

    @staticmethod
    def _holds(condition: Callable[[], bool]) -> bool:
        try:
            return condition()
        except LabError:
            # A daemon that does not answer yet is not there yet.
            return False

    def wait_healthy(self) -> None:
        """Return when every node is on, and every daemon sees a healthy cluster."""
        self.wait(
            "every node is active and the cluster is healthy",
            lambda: all(self.status(host)["healthy"] for host in self.lab.nodes),
        )

    def crash(self, prober: Prober) -> Crash:
        """Cut the holder off the network and kill it; return when the client has its answers again."""
        victim = self.holder()
        prober.wait_answering(10)
        prober.mark()
        killed_at = victim.kill()
        prober.wait_answering(30)
        outage = prober.outage()
        survivor = self.holder()
        events = [Event(killed_at, f"{victim.name} is cut off the network and killed")]
        for at, text in self.log_since(survivor, killed_at):
            if text.startswith(f"node {victim.name}:") and "-> dead" in text:
                events.append(Event(at, f"{survivor.name} declares {victim.name} dead"))
            elif text.startswith(f"group {GROUP}: started"):
                events.append(Event(at, f"{survivor.name} has the address up"))
        if outage.last_good is not None:
            events.append(Event(outage.last_good, "last good answer"))
        if outage.first_good is not None:
            events.append(Event(outage.first_good, "first good answer"))
        return Crash(victim, survivor.name, outage, sorted(events, key=lambda event: event.at))

    def bring_back(self, host: Host) -> None:
        """Boot a dead node, start its daemon, and wait until the cluster has taken it in."""
        host.boot()
        host.run(["/etc/init.d/heartbeat", "start"])
        self.wait_healthy()

    def switchover(self, to: Host, prober: Prober) -> Switchover:
        """Move everything with the collection's module, asked on the other node."""
        prober.wait_answering(10)
        prober.mark()
        asked = next(host for host in self.running() if host is not to)
        result = self.ansible.module(asked.name, "ultramonkey.ha.failover", f"to={to.name}")[asked.name]
        prober.wait_answering(10)
        return Switchover(prober.outage(), result)

    def log_since(self, host: Host, since: float) -> list[tuple[float, str]]:
        """The daemon's log lines from then on: (wall time, text)."""
        lines = []
        for line in host.read_text(LOG).splitlines():
            found = _STAMPED.match(line)
            if found:
                # The log has the machine's local time, as every log.
                at = datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S.%f").timestamp()  # noqa: DTZ007
                if at >= since:
                    lines.append((at, found[2]))
        return lines
