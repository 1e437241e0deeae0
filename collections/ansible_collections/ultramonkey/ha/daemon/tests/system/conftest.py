"""A cluster for each test, taken down and inspected afterwards."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from machines import CLIENT, CLIENT_NUMBER, KEY, Client, Machine, Switch, wait_until

_NUMBERS = itertools.count(1)
ADDRESS = "10.77.0.100"
GROUP = f"{ADDRESS}/24/eth1"
TIMERS = {"keepalive": "100ms", "deadtime": "500ms", "warntime": "250ms", "initdead": "1500ms"}


def pytest_collection_modifyitems(items):
    for item in items:
        if "/system/" in str(item.path):
            item.add_marker(pytest.mark.root)


def ha_cf(nodes, *, media=("bcast eth1",), failback="off", extra=(), **timers):
    """The text of an ha.cf."""
    lines = [f"{name} {value}" for name, value in {**TIMERS, **timers}.items()]
    lines += [*media, f"auto_failback {failback}", *(f"node {name}" for name in nodes), *extra]
    return "\n".join(lines) + "\n"


class Cluster:
    """Machines, a client, and a switch between them."""

    def __init__(self, prefix, directory):
        self._prefix = prefix
        self._directory = directory
        self.switch = Switch(prefix)
        self.machines = []
        self._client = None
        self._closing = []

    @property
    def client(self):
        """The client's station, made when it is first needed."""
        if self._client is None:
            self._client = Client(self._prefix, CLIENT, CLIENT_NUMBER, self.switch)
        return self._client

    def add(self, name):
        """One more machine, without configuration."""
        number = len(self.machines) + 1
        machine = Machine(self._prefix, name, number, self.switch, self._directory)
        self.machines.append(machine)
        return machine

    def make(self, count=2, *, haresources=None, key=KEY, **settings):
        """Machines lb1, lb2, … with one configuration, not started; one address, if nothing is said."""
        names = [f"lb{number}" for number in range(1, count + 1)]
        machines = [self.add(name) for name in names]
        for machine in machines:
            machine.configure(
                ha_cf(names, **settings),
                f"lb1 {GROUP}\n" if haresources is None else haresources,
                f"auth 1\n1 sha1 {key}\n",
            )
        return machines

    def start(self, count=2, **settings):
        """Machines lb1, lb2, …, all started, active, and every group held by its preferred node."""
        machines = self.make(count, **settings)
        for machine in machines:
            machine.start()
        wait_until(lambda: all(self.settled(machine) for machine in machines), "a cluster at work")
        return machines

    def announcements(self):
        """What a client hears of gratuitous ARP from now on."""
        heard = self.client.announcements()
        self._closing.append(heard)
        return heard

    def ears(self):
        """A client's socket that hears all heartbeats, and may send some."""
        sock = self.client.listen()
        self._closing.append(sock)
        return sock

    def settled(self, machine):
        """The machine sees all nodes active, and one holder of each group."""
        status = machine.status()
        if status is None:
            return False
        active = all(node["state"] == "active" for node in status["nodes"])
        return active and all(list(g["states"].values()).count("held") == 1 for g in status["groups"])

    def holders(self, address=ADDRESS):
        """The names of the machines that have the address."""
        return [machine.name for machine in self.machines if machine.has(address)]

    def close(self):
        """Take everything down; everything that is not as it should be."""
        for thing in self._closing:
            thing.close()
        for machine in self.machines:
            machine.finish()
        wrong = [what for machine in self.machines for what in machine.inspect()]
        for machine in self.machines:
            print(f"--- log of {machine.name}\n{machine.log}")
        stations = [*self.machines, *([self._client] if self._client else [])]
        for station in stations:
            wrong += [f"{station.name}: left running: {name}" for name in station.close()]
        return wrong


@pytest.fixture
def cluster():
    """A cluster without machines yet. In the end no daemon may have stumbled or left anything behind."""
    if os.geteuid() != 0:
        pytest.skip("needs root to make network namespaces")
    prefix = f"us{os.getpid()}x{next(_NUMBERS)}"
    # A short path: that of a UNIX socket has at most 107 bytes.
    directory = Path(tempfile.mkdtemp(prefix="um-"))
    try:
        made = Cluster(prefix, directory)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"cannot make a network namespace: {error.stderr.strip()}")
    try:
        yield made
    finally:
        wrong = made.close()
        subprocess.run(["ip", "netns", "del", made.switch.namespace], check=False, capture_output=True)
        shutil.rmtree(directory, ignore_errors=True)
    if wrong:
        pytest.fail("; ".join(wrong))
