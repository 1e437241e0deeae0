"""Machines made of namespaces in the emulated kernel: directors, real servers, a client, and their networks.

outside  192.0.2.0/24     2001:db8:1::/64    client .9, lb1 .11, lb2 .12; web1 .21 ... by direct routing
inside   198.51.100.0/24  2001:db8:2::/64    lb1, lb2 (eth1); web1, web2 by NAT; heartbeats, synchronization
far      203.0.113.0/24   2001:db8:3::/64    web1, web2 by tunnels; the client is the router, .254
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1] / "src"
WORK = Path("/run/topologies")
# Everything is some 20 times slower here, and the cores may have other work.
DEADLINE_S = 300.0
PYTHON = "/usr/bin/python3"
NUMBERS = {"client": 9, "lb1": 11, "lb2": 12, "web1": 21, "web2": 22, "web3": 23}
NETWORKS = {
    "outside": ("192.0.2.", "2001:db8:1::"),
    "inside": ("198.51.100.", "2001:db8:2::"),
    "far": ("203.0.113.", "2001:db8:3::"),
}
BEGUN = time.monotonic()


class BrokenError(Exception):
    """Something does not hold."""


def run(text, *, check=True, **options):
    """Run a command of plain words; its output."""
    done = subprocess.run(text.split(), check=False, capture_output=True, text=True, **options)
    if check and done.returncode:
        raise BrokenError(f"{text}: {done.returncode} {done.stdout}{done.stderr}")
    return done.stdout


def say(text):
    print(f"[{time.monotonic() - BEGUN:6.1f}] {text}", flush=True)


def holds(condition, sentence, why=""):
    """A line for what holds; the end for what does not."""
    if not condition:
        say(f"BROKEN: {sentence} {why}")
        raise BrokenError(sentence)
    say(f"holds: {sentence}")


def comes(condition, sentence, deadline_s=DEADLINE_S):
    """Wait until it holds; gives how long that took."""
    begun = time.monotonic()
    while not (value := condition()):
        if time.monotonic() - begun > deadline_s:
            holds(condition=False, sentence=sentence)
        time.sleep(0.1)
    took_s = time.monotonic() - begun
    holds(condition=value, sentence=f"{sentence} (after {took_s:.1f} s)")
    return took_s


class Machine:
    """A network namespace and what runs in it."""

    def __init__(self, name):
        self.name = name
        self.number = NUMBERS[name]
        self.work = WORK / name
        self.work.mkdir(parents=True)
        self.processes = []
        run(f"ip netns add {name}")
        self.sysctl(
            *("net/ipv6/conf/default/accept_dad=0", "net/ipv6/conf/all/accept_dad=0"),
            *("net/ipv4/conf/all/rp_filter=0", "net/ipv4/conf/default/rp_filter=0"),
        )
        self.ips("link set lo up")

    def ip(self, text, **options):
        return run(f"ip -n {self.name} {text}", **options)

    def ips(self, *lines):
        """Several commands of ip in one process: to begin one takes longer than what it does."""
        self.ip("-batch -", input="".join(f"{line}\n" for line in lines))

    def inside(self, *words):
        return ["ip", "netns", "exec", self.name, *words]

    def run_inside(self, *words):
        """Run a command to its end."""
        done = subprocess.run(self.inside(*words), check=False, capture_output=True, text=True)
        if done.returncode:
            raise BrokenError(f"{' '.join(words)}: {done.returncode} {done.stdout}{done.stderr}")
        return done.stdout

    def sysctl(self, *settings):
        """Set what /proc/sys/net has for this namespace."""
        lines = [f"echo {value} >/proc/sys/{name}" for name, _, value in (s.partition("=") for s in settings)]
        self.run_inside("/bin/sh", "-ec", "\n".join(lines))

    def plug(self, interface, network, number=None):
        """A cable to a network, with our number in it."""
        prefix4, prefix6 = NETWORKS[network]
        number = number or self.number
        cable = f"{self.name}-{interface}"
        lines = [
            f"link add {cable} type veth peer name {interface} netns {self.name}",
            f"link set {cable} master {network} up",
        ]
        run("ip -batch -", input="".join(f"{line}\n" for line in lines))
        self.ips(
            f"addr add {prefix4}{number}/24 brd + dev {interface}",
            f"link set {interface} up",
            f"addr add {prefix6}{number}/64 dev {interface} nodad",
        )

    def start(self, *words, log=None, **options):
        """Something that runs until the machine is gone."""
        output = (self.work / log).open("w") if log else subprocess.DEVNULL
        process = subprocess.Popen(self.inside(*words), stdout=output, stderr=output, **options)
        self.processes.append(process)
        return process

    def serve_web(self, *, tls):
        """Be a real server."""
        certificate = [str(WORK / "certificate")] if tls else []
        self.web = self.start(PYTHON, "-S", str(HERE / "webserver.py"), self.name, *certificate)

    def lose_web(self):
        """Be none any more."""
        self.web.kill()
        self.web.wait()

    def close(self):
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()
        run(f"ip netns del {self.name}", check=False)


class Client(Machine):
    """Who asks."""

    def __init__(self, name):
        super().__init__(name)
        self._process = None

    def ask(self, text):
        """Have one line answered."""
        if self._process is None:
            self._process = subprocess.Popen(
                self.inside(PYTHON, "-S", str(HERE / "asker.py")),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            self.processes.append(self._process)
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


class Director(Machine):
    """A node with our heartbeat daemon, and our ldirectord as a resource of it."""

    def __init__(self, name):
        super().__init__(name)
        self.files = self.work / "ha.d"
        self.daemon = None

    def configure(self, files):
        """Lay down ha.cf, haresources, authkeys and ldirectord.cf, and the resource script."""
        scripts = self.files / "resource.d"
        scripts.mkdir(parents=True)
        for name, text in files.items():
            path = self.files / name
            path.write_text(text)
            path.chmod(0o600)
        script = scripts / "ldirectord"
        program = "from ultramonkey_ldirectord.cli.ldirectord import main; raise SystemExit(main())"
        # Two nodes share one /run here, so each has a directory of its own.
        script.write_text(
            f"#!/bin/sh\nconfiguration={self.files}/$1\nshift\nexport PYTHONPATH={SOURCE}\n"
            f'exec {PYTHON} -S -c "{program}" --run {self.work}/ld "$configuration" "$@"\n'
        )
        script.chmod(0o755)

    def begin_ldirectord(self, command):
        """Run `start` or `standby`, and do not wait for it."""
        words = self.inside(str(self.files / "resource.d/ldirectord"), "ldirectord.cf", command)
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def begin_heartbeat(self):
        """Start the heartbeat daemon."""
        options = [f"--directory={self.files}", f"--state-directory={self.work}/state"]
        self.daemon = self.start(
            PYTHON, "-m", "ultramonkey_heartbeat.daemon.main", *options, f"--run-directory={self.work}/run",
            "--node", self.name, log="heartbeat.log", env={**os.environ, "PYTHONPATH": str(SOURCE)},
        )  # fmt: skip

    def ldirectord(self, *words):
        """Run a command of ldirectord."""
        command = self.inside(str(self.files / "resource.d/ldirectord"), "ldirectord.cf", *words)
        return subprocess.run(command, check=False, capture_output=True, text=True)

    def ldirectord_pid(self):
        found = next(iter((self.work / "ld").glob("*.pid")), None)
        text = found.read_text().strip() if found else ""
        return int(text) if text else None

    def table(self):
        """The kernel's table, as it prints it."""
        done = subprocess.run(
            self.inside("cat", "/proc/net/ip_vs"), check=False, capture_output=True, text=True
        )
        return done.stdout

    def servers(self):
        """How many servers are in the table."""
        return self.table().count("->") - 1

    def has(self, address):
        """Whether an address is on an interface other than lo."""
        return any(
            f" {address}/" in line and " lo " not in line for line in self.ip("-o addr show").splitlines()
        )

    def lose_power(self):
        """Nothing of it runs or reaches anybody any more."""
        for interface in ("eth0", "eth1"):
            with contextlib.suppress(BrokenError):
                self.ip(f"link set {interface} down")
        self.daemon.kill()
        self.daemon.wait()
        pid = self.ldirectord_pid()
        if pid:
            os.kill(pid, signal.SIGKILL)

    def logs(self):
        for path in (self.work / "heartbeat.log", self.files / "ldirectord.log"):
            say(f"--- {self.name}: {path.name}")
            print(path.read_text() if path.exists() else "(none)", flush=True)

    def close(self):
        pid = self.ldirectord_pid()
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        super().close()


def sync_daemons():
    """The kernel's synchronization daemons on all machines: m for a master, b for a backup."""
    names = []
    for path in Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):
            names.append(path.read_text())
    return "".join(sorted(name[5] for name in names if name.startswith("ipvs-")))


class Site:
    """All machines of one topology. `method` is how packets reach the real servers."""

    def __init__(self, directors, reals, method):
        for module in ("veth", "bridge", "ip_vs", "ipip", "ip6_tunnel"):
            run(f"modprobe -q {module}", check=False)
        shutil.rmtree(WORK, ignore_errors=True)
        WORK.mkdir(parents=True)
        for network in NETWORKS:
            run(f"ip link add {network} type bridge")
            run(f"ip link set {network} up")
        self.client = Client("client")
        self.directors = [Director(name) for name in directors]
        by_name = {director.name: director for director in self.directors}
        self.reals = [by_name.get(name) or Machine(name) for name in reals]
        self.all = list(dict.fromkeys([self.client, *self.directors, *self.reals]))
        self.client.plug("eth0", "outside")
        for director in self.directors:
            director.plug("eth0", "outside")
            director.plug("eth1", "inside")
        for real in self.reals:
            if real not in self.directors:
                real.plug("eth0", {"masq": "inside", "gate": "outside", "ipip": "far"}[method])

    def close(self):
        for machine in self.all:
            machine.close()
        for network in NETWORKS:
            run(f"ip link del {network}", check=False)


if str(SOURCE) not in sys.path:
    sys.path.insert(0, str(SOURCE))
