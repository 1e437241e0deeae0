"""Machines on one switch, made of network namespaces, each with a real daemon process.

    lb1  eth1 10.77.0.1/24 fd77::1/64 ──┐
    lb2  eth1 10.77.0.2/24 fd77::2/64 ──┼── bridge br0 in a namespace of its own (the switch)
    client eth1 10.77.0.9/24 fd77::9/64 ┘

A daemon has its directories under one directory of the test. `HEARTBEATD_PYTHON` names the interpreter
that runs it (default: the one that runs the tests), which must have pyroute2.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import ultramonkey_heartbeat
from ultramonkey_heartbeat.control import client, schema

SOURCE = Path(ultramonkey_heartbeat.__file__).parent.parent
PYTHON = os.environ.get("HEARTBEATD_PYTHON", sys.executable)
# Longer than anything here takes on a busy machine; reached only when a test fails.
DEADLINE_S = 10.0
SUBNET = "10.77.0."
CLIENT = "client"
CLIENT_NUMBER = 9
PORT = 694
KEY = "a-key-for-these-tests-and-nowhere-else"
_CLONE_NEWNET = 0x40000000
_NO_DUPLICATE_DETECTION = "for f in all default; do echo 0 >/proc/sys/net/ipv6/conf/$f/accept_dad; done"
# Compiled once for all the daemons of a run of the tests, and not beside the source.
_BYTECODE = str(Path(tempfile.gettempdir()) / f"um-bytecode-{os.getuid()}")
# What must never be in a log: each means that something went wrong that nobody had thought of.
_NEVER_LOGGED = ("Traceback", "could not carry out", "Logging error", "never retrieved", "Exception in")


def run(*words, check=True, **options):
    """Run a program to its end; its output is in the result."""
    return subprocess.run(words, check=check, capture_output=True, text=True, **options)


def ip(*words, check=True):
    """Run iproute2's `ip`; its standard output."""
    return run("ip", *words, check=check).stdout


def wait_until(condition, what="the condition", seconds=DEADLINE_S):
    """Wait until the condition holds; return its value. Fails when it takes too long."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"{what} did not come true within {seconds} s"
        time.sleep(0.015)
    return value


def socket_in(namespace, *arguments):
    """A socket that belongs to the namespace; sockets stay where they were made."""
    made = []

    def make():
        handle = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(handle, _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            made.append(socket.socket(*arguments))
        finally:
            os.close(handle)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return made[0]


class Switch:
    """The bridges that connect all stations: one for the interfaces of each name."""

    def __init__(self, prefix):
        self.namespace = f"{prefix}s"
        self._bridges = {}
        ip("netns", "add", self.namespace)

    def _bridge(self, interface):
        if interface not in self._bridges:
            name = self._bridges[interface] = f"br-{interface}"
            ip("-n", self.namespace, "link", "add", name, "up", "type", "bridge", "mcast_snooping", "0")
        return self._bridges[interface]

    def connect(self, station, interface="eth1"):
        """Plug an interface of a station in, as new hardware without addresses."""
        port = f"{station.name}-{interface}"
        bridge = self._bridge(interface)
        words = ("link", "add", port, "type", "veth", "peer", "name", interface, "netns", station.namespace)
        ip("-n", self.namespace, *words)
        ip("-n", self.namespace, "link", "set", port, "master", bridge, "up")

    def cable(self, station, state, interface="eth1"):
        """Pull (`down`) or connect (`up`) a cable: the station's interface loses or finds the carrier."""
        ip("-n", self.namespace, "link", "set", f"{station.name}-{interface}", state)

    def isolate(self, *stations, on=True):
        """Isolated stations do not hear each other; the others hear them, and nobody loses the carrier."""
        for station in stations:
            words = ("type", "bridge_slave", "isolated", "on" if on else "off")
            ip("-n", self.namespace, "link", "set", f"{station.name}-eth1", *words)


class Station:
    """A network namespace with one interface."""

    def __init__(self, prefix, name, number, switch):
        self.name = name
        self.number = number
        self.switch = switch
        self.namespace = f"{prefix}{name}"
        self.address = f"{SUBNET}{number}"
        ip("netns", "add", self.namespace)
        # No duplicate detection: it takes seconds and is not what is tested.
        run("ip", "netns", "exec", self.namespace, "sh", "-c", _NO_DUPLICATE_DETECTION)
        self.ip("link", "set", "lo", "up")
        self.plug_in()

    def ip(self, *words, check=True):
        """Run `ip` on this station."""
        return ip("-n", self.namespace, *words, check=check)

    def plug_in(self, interface="eth1", subnet=SUBNET):
        """Connect the interface, and give it its addresses."""
        self.switch.connect(self, interface)
        self.ip("addr", "add", f"{subnet}{self.number}/24", "brd", "+", "dev", interface)
        self.ip("link", "set", interface, "up")
        if subnet == SUBNET:
            self.ip("addr", "add", f"fd77::{self.number}/64", "dev", interface, "nodad")

    def unplug(self, interface="eth1"):
        """Remove the interface."""
        self.ip("link", "del", interface)

    def addresses(self):
        """All addresses but those of the loopback and link-local ones."""
        entries = json.loads(self.ip("-j", "addr", "show") or "[]")
        return [
            info["local"]
            for entry in entries
            for info in entry.get("addr_info", ())
            if entry.get("ifname") != "lo" and info["scope"] == "global"
        ]

    def has(self, address):
        """Whether the station has the address."""
        return address in self.addresses()

    def mac(self, interface="eth1"):
        """The hardware address of an interface."""
        return json.loads(self.ip("-j", "link", "show", interface))[0]["address"]

    def close(self):
        """Remove the namespace, and end what still runs in it, which the result names."""
        left = ip("netns", "pids", self.namespace, check=False).split()
        names = []
        for pid in left:
            with contextlib.suppress(OSError):
                names.append(Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "))
                os.kill(int(pid), signal.SIGKILL)
        ip("netns", "del", self.namespace, check=False)
        return names


class Client(Station):
    """A station that uses the cluster's addresses."""

    def answers(self, address, seconds=0.3):
        """Whether somebody answers an echo request to the address within this time."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        icmp = socket.IPPROTO_ICMPV6 if ":" in address else socket.IPPROTO_ICMP
        number, reply_type = (128, 129) if ":" in address else (8, 0)
        with socket_in(self.namespace, family, socket.SOCK_RAW, icmp) as sock:
            sock.connect((address, 0))
            request = struct.pack("!BBHHH", number, 0, 0, os.getpid() & 0xFFFF, 1)
            # The kernel makes the checksum of ICMPv6 itself.
            sock.send(request[:2] + struct.pack("!H", _checksum(request)) + request[4:])
            end = time.monotonic() + seconds
            while (remaining := end - time.monotonic()) > 0:
                sock.settimeout(remaining)
                try:
                    packet = sock.recv(2048)
                except (socket.timeout, OSError):
                    return False
                payload = packet if ":" in address else packet[20:]
                if payload[0] == reply_type:
                    return True
        return False

    def neighbour(self, address):
        """The hardware address that this client believes to be behind the address, or None."""
        entries = json.loads(self.ip("-j", "neigh", "show", address) or "[]")
        return entries[0].get("lladdr") if entries else None

    def listen(self, port=PORT):
        """A socket that hears all broadcast datagrams to the port, and may send them."""
        sock = socket_in(self.namespace, socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("", port))
        sock.settimeout(DEADLINE_S)
        return sock

    def announcements(self):
        """Begin to record gratuitous ARP."""
        return Announcements(self.namespace)


class Announcements:
    """The gratuitous ARP frames that a station hears."""

    def __init__(self, namespace):
        self._socket = socket_in(namespace, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
        self._socket.bind(("eth1", 0x0806))
        self._socket.settimeout(DEADLINE_S)

    def next(self, address, mac):
        """Wait until the address is announced as that of the hardware address."""
        ip_bytes, mac_bytes = socket.inet_aton(address), bytes.fromhex(mac.replace(":", ""))
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            arp = self._socket.recv(2048)[14:42]
            if arp[14:18] == arp[24:28] == ip_bytes and arp[8:14] == mac_bytes:
                return
        raise AssertionError(f"{address} was not announced for {mac}")

    def drain(self):
        """Forget what came so far."""
        self._socket.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(2048)
        self._socket.settimeout(DEADLINE_S)

    def close(self):
        """Stop recording."""
        self._socket.close()


class Machine(Station):
    """A station with a daemon."""

    def __init__(self, prefix, name, number, switch, directory):
        super().__init__(prefix, name, number, switch)
        self.own_addresses = self.addresses()
        self.directory = directory / name
        self.etc = self.directory / "etc"
        self.scripts = self.etc / "resource.d"
        self.run_directory = self.directory / "run"
        self.state_directory = self.directory / "lib"
        self.scripts.mkdir(parents=True)
        self.log_path = self.directory / "log"
        self.log_path.touch()
        self.process = None
        # The name by which the daemon goes, should it not be the station's.
        self.node = name
        # What the test says about how this machine ends up.
        self.crashed = False
        self.exit_codes = (0,)

    # Files.

    def configure(self, ha_cf=None, haresources=None, authkeys=None):
        """Write the files that are given."""
        for name, text in (("ha.cf", ha_cf), ("haresources", haresources), ("authkeys", authkeys)):
            if text is not None:
                path = self.etc / name
                path.write_text(text)
                path.chmod(0o600)

    def script(self, name, body):
        """Install a resource script (sh). `$LOG` is where `log` writes."""
        log = self.directory / "script.log"
        text = f'#!/bin/sh\nLOG={log}\nlog() {{ echo "$@" >>"$LOG"; }}\n{body}\n'
        path = self.scripts / name
        path.write_text(text)
        path.chmod(0o755)

    def script_log(self):
        """What scripts wrote with `log`, line by line."""
        path = self.directory / "script.log"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def socket(self):
        """The path of the control socket."""
        return str(self.run_directory / "control.sock")

    @property
    def held(self):
        """The path of the file that says what may run."""
        return self.run_directory / "held.json"

    @property
    def log(self):
        """What the daemons on this machine have logged."""
        return self.log_path.read_text()

    def says(self, text):
        """Wait until the log has this text: it is written beside the daemon's work, a moment later."""
        wait_until(lambda: text in self.log, f"{text!r} in the log of {self.name}")

    # The daemon.

    def _command(self, *words):
        return [
            *("ip", "netns", "exec", self.namespace, PYTHON, "-m", "ultramonkey_heartbeat.daemon.main"),
            *("--node", self.node, "--directory", str(self.etc)),
            *("--state-directory", str(self.state_directory), "--run-directory", str(self.run_directory)),
            *words,
        ]

    @property
    def environment(self):
        """The environment of daemons and commands."""
        return {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "PYTHONPYCACHEPREFIX": _BYTECODE}

    def start(self, *words):
        """Start the daemon."""
        assert self.process is None or self.process.poll() is not None
        self.crashed = False
        with self.log_path.open("a") as log:
            self.process = subprocess.Popen(
                self._command(*words), env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def heartbeatd(self, *words):
        """Run heartbeatd to its end; what it says is in the result and in the log."""
        done = run(*self._command(*words), check=False, env=self.environment, timeout=DEADLINE_S)
        with self.log_path.open("a") as log:
            log.write(done.stdout + done.stderr)
        return done

    def release(self):
        """What systemd does after every end of the daemon."""
        done = self.heartbeatd("--release")
        self.crashed = self.crashed and done.returncode != 0
        return done

    def signal(self, number):
        """Send the daemon a signal."""
        self.process.send_signal(number)

    def kill(self):
        """Let the daemon crash."""
        self.crashed = True
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self):
        """Tell the daemon to stop, and wait; its exit code."""
        self.process.terminate()
        return self.process.wait(DEADLINE_S)

    @property
    def runs(self):
        """Whether the daemon runs."""
        return self.process is not None and self.process.poll() is None

    def cpu_seconds(self):
        """The CPU time that the daemon has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # Asking the daemon.

    def ask(self, command, **arguments):
        """The last answer to a request."""
        return list(client.ask(command, arguments, path=self.socket, timeout_s=DEADLINE_S))[-1]

    def status(self):
        """The result of `status`, or None while the daemon does not answer."""
        try:
            return self.ask("status").get("result") or None
        except (client.UnreachableError, schema.SchemaError):
            return None

    def hbctl(self, *words):
        """Run `hbctl --json`; exit code and answer."""
        done = self.hbctl_text("--json", *words)
        return done.returncode, json.loads(done.stdout) if done.stdout else None

    def hbctl_text(self, *words):
        """Run `hbctl` as a person does."""
        command = (PYTHON, "-m", "ultramonkey_heartbeat.cli.hbctl", "--socket", self.socket, *words)
        return run(*command, check=False, env=self.environment, timeout=DEADLINE_S)

    def cl_status(self, *words):
        """What the old command prints."""
        code = (
            "import sys; from ultramonkey_heartbeat.cli import cl_status; "
            f"sys.exit(cl_status.main(sys.argv[1:], socket_path={self.socket!r}))"
        )
        return run(PYTHON, "-c", code, *words, check=False, env=self.environment).stdout

    def sees(self, peer):
        """The state of another node as seen from here; None while the daemon does not answer."""
        status = self.status()
        return status and next(node["state"] for node in status["nodes"] if node["name"] == peer)

    def group(self, key=None):
        """A group's part of the status; without a key the first."""
        status = self.status()
        groups = status["groups"] if status else []
        return next((group for group in groups if key in (None, group["key"])), None)

    def holds(self, key=None):
        """Whether this node holds a group; without a key the first."""
        group = self.group(key)
        return group is not None and group["states"].get(self.node) == "held"

    def problems(self):
        """The codes of the problems in the status."""
        status = self.status()
        return [problem["code"] for problem in status["problems"]] if status else []

    def counter(self, name):
        """A counter of the status."""
        return self.status()["counters"][name]

    # The end.

    def finish(self):
        """Tell what runs to stop."""
        if self.runs:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()

    def inspect(self):
        """After `finish`: wait for the end, and name everything that is not as it should be."""
        wrong = []
        code = self._exit_code()
        if not self.crashed and code not in self.exit_codes:
            wrong.append(f"exit code {code}")
        if self.crashed or code:
            released = self.release()
            if released.returncode != 0:
                wrong.append(f"release: exit code {released.returncode}")
        wrong += [f"{word!r} in the log" for word in _NEVER_LOGGED if word in self.log]
        left = [address for address in self.addresses() if address not in self.own_addresses]
        wrong += [f"{address} was left behind" for address in left]
        wrong += [f"{path} was left behind" for path in (Path(self.socket), self.held) if path.exists()]
        return [f"{self.name}: {what}" for what in wrong]

    def _exit_code(self):
        if self.process is None:
            return 0
        try:
            return self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "none, it had to be killed"


def _checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
