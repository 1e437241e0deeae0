"""Two hosts on one switch, made of network namespaces, for tests that need the real kernel.

    host a: eth1 10.77.0.1/24 fd77::1/64 ──┐
                                           ├── bridge in a third namespace (the switch)
    host b: eth1 10.77.0.2/24 fd77::2/64 ──┘

Each host is a thread inside its namespace with an event loop of its own, so that code under test runs
in it unchanged. Its child processes and worker threads are in the namespace, too.
"""

from __future__ import annotations

import asyncio
import ctypes
import itertools
import os
import socket
import struct
import subprocess
import threading
import time

import pytest
from ultramonkey_heartbeat.resources.process import close_left_behind

_NUMBERS = itertools.count(1)
_CLONE_NEWNET = 0x40000000
_SO_TIMESTAMPNS = 35
# Longer than anything here takes on a busy machine; reached only when a test fails.
DEADLINE_SECONDS = 8.0
_NO_DUPLICATE_DETECTION = "for f in all default; do echo 0 >/proc/sys/net/ipv6/conf/$f/accept_dad; done"


def pytest_collection_modifyitems(items):
    for item in items:
        if "/edge/" in str(item.path):
            item.add_marker(pytest.mark.root)


def ip(*words, check=True):
    """Run iproute2's `ip`."""
    return subprocess.run(["ip", *words], check=check, capture_output=True, text=True).stdout


def wait_until(condition, what="the condition"):
    """Wait, in a thread that has no event loop, until the condition holds; return its value."""
    end = time.monotonic() + DEADLINE_SECONDS
    while not (value := condition()):
        assert time.monotonic() < end, f"{what} did not come true within {DEADLINE_SECONDS} s"
        time.sleep(0.005)
    return value


class Host:
    """A namespace, and a thread in it that runs an event loop."""

    def __init__(self, name):
        self.name = name
        self.loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        self._thread.start()
        assert self._ready.wait(DEADLINE_SECONDS)

    def _main(self):
        handle = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(handle, _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        finally:
            os.close(handle)
        asyncio.set_event_loop(self.loop)
        self.loop.call_soon(self._ready.set)
        self.loop.run_forever()

    def run(self, coroutine):
        """Run a coroutine on the host and return its result."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        return future.result(DEADLINE_SECONDS)

    def call(self, function, *arguments):
        """Call a plain function in the host's event loop."""

        async def calling():
            return function(*arguments)

        return self.run(calling())

    def ip(self, *words, check=True):
        return ip("-n", self.name, *words, check=check)

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(DEADLINE_SECONDS)
        self.loop.close()


class Lan:
    """Hosts a and b on one switch."""

    def __init__(self, prefix):
        self.switch = f"{prefix}s"
        self.a = Host(f"{prefix}a")
        self.b = Host(f"{prefix}b")
        # A third station: the switch itself, once it has an address on br0.
        self.client = Host(self.switch)

    def plug_in(self, host):
        """Connect a host's eth1, as new hardware, and give it its addresses."""
        port = f"p{host.name[-1]}"
        number = 1 if host is self.a else 2
        ip("-n", self.switch, "link", "add", port, "type", "veth", "peer", "name", "eth1", "netns", host.name)
        ip("-n", self.switch, "link", "set", port, "master", "br0", "up")
        # The addresses before the link: a link-local address gets through its duplicate detection sooner.
        host.ip("addr", "add", f"10.77.0.{number}/24", "brd", "+", "dev", "eth1")
        host.ip("link", "set", "eth1", "up")
        host.ip("addr", "add", f"fd77::{number}/64", "dev", "eth1", "nodad")

    def unplug(self, host):
        """Delete a host's eth1."""
        host.ip("link", "del", "eth1")

    def cable(self, host, state):
        """Pull (`down`) or connect (`up`) the cable of a host: its eth1 loses or finds the carrier."""
        ip("-n", self.switch, "link", "set", f"p{host.name[-1]}", state)

    def close(self):
        for host in (self.a, self.b, self.client):
            host.close()


def _require_namespaces():
    if os.geteuid() != 0:
        pytest.skip("needs root to make network namespaces")


@pytest.fixture
def lan():
    """Hosts a and b with a working network between them."""
    _require_namespaces()
    prefix = f"um{os.getpid()}x{next(_NUMBERS)}"
    names = [f"{prefix}{letter}" for letter in "sab"]
    made = []
    network = None
    try:
        for name in names:
            try:
                ip("netns", "add", name)
            except subprocess.CalledProcessError as error:
                pytest.skip(f"cannot make a network namespace: {error.stderr.strip()}")
            made.append(name)
            # No duplicate detection: it takes seconds and is not what is tested.
            subprocess.run(
                ["ip", "netns", "exec", name, "sh", "-c", _NO_DUPLICATE_DETECTION],
                check=True,
            )
            ip("-n", name, "link", "set", "lo", "up")
        ip("-n", prefix + "s", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        ip("-n", prefix + "s", "link", "set", "br0", "up")
        network = Lan(prefix)
        network.plug_in(network.a)
        network.plug_in(network.b)
        for host in (network.a, network.b):
            wait_until(lambda host=host: "LOWER_UP" in host.ip("link", "show", "eth1"), "the link")
        yield network
    finally:
        if network is not None:
            network.close()
        for name in made:
            ip("netns", "del", name, check=False)


@pytest.fixture
def eventually():
    """The function that waits until a condition holds, and fails when it takes too long."""
    return wait_until


@pytest.fixture
def loop():
    """An event loop for code that needs no network, closed afterwards."""
    event_loop = asyncio.new_event_loop()
    # Python 3.9 binds events and futures to the current loop when they are made.
    asyncio.set_event_loop(event_loop)
    yield event_loop
    close_left_behind(event_loop)
    asyncio.set_event_loop(None)
    event_loop.close()


class Capture:
    """All frames of one EtherType that a host receives."""

    def __init__(self, host, ethertype):
        self._socket = host.call(self._open, ethertype)

    @staticmethod
    def _open(ethertype):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ethertype))
        sock.bind(("eth1", ethertype))
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        sock.settimeout(DEADLINE_SECONDS)
        return sock

    def next(self, wanted=lambda _frame: True):
        """The next frame that is wanted, and the kernel's time of its arrival in seconds."""
        while True:
            frame, [(_, _, stamp)], _, _ = self._socket.recvmsg(65536, 64)
            if wanted(frame):
                seconds, nanoseconds = struct.unpack("@ll", stamp)
                return frame, seconds + nanoseconds / 1e9

    def close(self):
        self._socket.close()


@pytest.fixture
def capture():
    """A function that begins to capture on a host."""
    captures = []

    def begin(host, ethertype):
        captures.append(Capture(host, ethertype))
        return captures[-1]

    yield begin
    for one in captures:
        one.close()
