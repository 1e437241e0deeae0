"""Two daemons and nothing but PPP between them: Debian's pppd, the kernel's PPP driver, two wired UARTs.

Runs as root in a kernel that has all that (`make test-kernel`), not under pytest: one story, told step by
step. The two nodes are network namespaces; their lines are /dev/ttyS1 and /dev/ttyS2, joined by a cable. Here
everything is many times slower than on a machine, so the timers are long and nothing is measured.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src"
SERVICE = "10.77.0.50"
DEADTIME_S = 20
PATIENCE_S = 90
PYTHON = "/usr/bin/python3"
HA_CF = f"""node a
node b
auto_failback off
keepalive 1
deadtime {DEADTIME_S}
initdead 60
realtime off
baud 115200
ppp-udp {{local}} {{device}} {{remote}} unit 0 debug logfile {{log}}
"""


def run(*words, check=True):
    """Run a command and return what it printed."""
    return subprocess.run(words, check=check, capture_output=True, text=True).stdout


def say(text):
    """One line of the story, with the time."""
    print(f"[{time.monotonic():6.1f}] {text}", flush=True)


def wait(condition, what):
    """Wait until it is so, and say it."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"this did not come true within {PATIENCE_S} s: {what}")
        time.sleep(0.2)
    say(what)


class Node:
    """A namespace with a daemon, a serial line, and a network for the service."""

    def __init__(self, root, name, number, device):
        self.name = name
        self.root = root / name
        self.process = None
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "set", "lo", "up")
        self.ppp_log = self.root / "pppd.log"
        files = self.root / "directory"
        files.mkdir(parents=True)
        local, remote = f"10.9.0.{number}", f"10.9.0.{3 - number}"
        texts = {
            "ha.cf": HA_CF.format(local=local, remote=remote, device=device, log=self.ppp_log),
            "haresources": f"a IPaddr2::{SERVICE}/24/eth1\n",
            "authkeys": "auth 1\n1 sha256 0123456789abcdef\n",
        }
        for file, text in texts.items():
            (files / file).write_text(text)
            (files / file).chmod(0o600)

    def module(self, module, *words):
        """A command that runs a module of ours on this node."""
        return ("ip", "netns", "exec", self.name, PYTHON, "-m", f"ultramonkey_heartbeat.{module}", *words)

    def start(self):
        """Start the daemon."""
        options = [
            word
            for option in ("directory", "state-directory", "run-directory")
            for word in (f"--{option}", str(self.root / option))
        ]
        with (self.root / "log").open("w") as log:
            self.process = subprocess.Popen(
                self.module("daemon.main", *options, "--node", self.name), stdout=log, stderr=log
            )

    @property
    def log(self):
        """What the daemon has logged."""
        return (self.root / "log").read_text()

    def ip(self, *words):
        """Run `ip` here; empty when there is no such thing."""
        return run("ip", "-n", self.name, *words, check=False)

    @property
    def ppp_is_up(self):
        """Whether ppp0 has an address."""
        return "peer" in self.ip("-4", "addr", "show", "dev", "ppp0")

    @property
    def holds(self):
        """Whether the service's address is here."""
        return SERVICE in self.ip("-o", "-4", "addr", "show", "dev", "eth1")

    def sees(self, other):
        """Whether the other node is active, as far as this one knows."""
        return re.search(f"node {other.name}: [a-z]+ -> active", self.log) is not None

    def pppds(self):
        """The pppds that the daemon runs."""
        return [int(pid) for pid in run("pgrep", "-P", str(self.process.pid), "pppd", check=False).split()]

    def status(self):
        """What a person would see."""
        socket = str(self.root / "run-directory/control.sock")
        return run(*self.module("cli.hbctl", "--socket", socket, "status"), check=False)


def story(a, b):
    """What must happen, in this order."""
    for node in (a, b):
        node.start()
    for node in (a, b):
        wait(lambda node=node: node.ppp_is_up, f"ppp0 is up on {node.name}")
        print(node.ip("-br", "addr", "show", "dev", "ppp0").rstrip())
    for node, other in ((a, b), (b, a)):
        wait(lambda node=node, other=other: node.sees(other), f"{node.name} hears {other.name}")
    wait(lambda: a.holds, f"a holds {SERVICE}")
    print(a.status())

    (old,) = b.pppds()
    os.kill(old, signal.SIGTERM)
    say("pppd on b is told to end: LCP is terminated")
    down = "link ppp-udp /dev/ttyS1: down"
    wait(lambda: down in a.log, "a has noticed: its link is down")
    wait(lambda: b.pppds() not in ([], [old]), "b runs another pppd")
    for node in (a, b):
        wait(lambda node=node: node.ppp_is_up, f"ppp0 is up on {node.name} again")
    wait(lambda: a.log.rfind("ttyS1: up") > a.log.rfind(down), "a's link is up again")
    assert a.holds
    assert not b.holds
    assert "-> dead" not in a.log + b.log
    say("nobody was declared dead, and nothing was moved")

    (child,) = a.pppds()
    a.process.kill()
    a.process.wait()
    say("the daemon of a is killed")
    wait(lambda: not Path(f"/proc/{child}").exists(), "its pppd is gone, too")
    wait(lambda: b.holds, f"b holds {SERVICE}")
    assert "node a: active -> dead" in b.log
    print(b.status())

    b.process.terminate()
    assert b.process.wait(PATIENCE_S) == 0
    say("b is stopped")
    assert "ppp0" not in b.ip("link")
    assert not run("pgrep", "pppd", check=False)
    say("no interface and no pppd is left")


def main():
    """Prepare, tell the story, and show the logs."""
    run("modprobe", "-a", "ppp_generic", "ppp_async")
    if not Path("/dev/ppp").exists():
        run("mknod", "/dev/ppp", "c", "108", "0")
    os.environ["PYTHONPATH"] = str(SOURCE)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    with tempfile.TemporaryDirectory() as directory:
        nodes = [Node(Path(directory), name, n, f"/dev/ttyS{n}") for n, name in ((1, "a"), (2, "b"))]
        run("ip", "-n", "a", "link", "add", "eth1", "type", "veth", "peer", "name", "eth1", "netns", "b")
        for number, node in enumerate(nodes, start=1):
            node.ip("addr", "add", f"10.77.0.{number}/24", "dev", "eth1")
            node.ip("link", "set", "eth1", "up")
        try:
            story(*nodes)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the logs explain it
            print(f"FAILED: {error!r}")
            return 1
        finally:
            for node in nodes:
                for path in (node.root / "log", node.ppp_log):
                    print(f"--- {node.name}: {path.name}")
                    print(path.read_text() if path.exists() else "(none)")
                if node.process is not None and node.process.poll() is None:
                    node.process.kill()
    say("PPP: 1 passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
