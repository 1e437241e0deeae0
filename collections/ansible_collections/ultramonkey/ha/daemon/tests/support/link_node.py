"""Links on a host that is a namespace, and what they report."""

from __future__ import annotations

import threading

from ultramonkey_heartbeat.links.factory import make_links
from ultramonkey_heartbeat.net.monitor import Monitor

DEADLINE_SECONDS = 8.0


class Node:
    """Links on a host, a monitor that tells them of changes, and what they reported."""

    def __init__(self, host, *configs, watch=True):
        self.host = host
        self.frames = []
        self.changes = []
        self.arrived = threading.Condition()
        self.links = host.call(make_links, configs, self, host.loop)
        self.monitor = Monitor(host.loop, self)
        if watch:
            host.call(self.monitor.open)
        for link in self.links:
            host.call(link.open)

    def frame_received(self, link, data):
        with self.arrived:
            self.frames.append((link, data))
            self.arrived.notify()

    def link_changed(self, link, up, reason):
        with self.arrived:
            self.changes.append((link, up, reason))
            self.arrived.notify()

    def interface_changed(self):
        for link in self.links:
            link.interface_changed()

    def address_removed(self, ip, index):
        pass

    def resync(self):
        pass

    def send(self, data, number=0):
        self.host.call(self.links[number].send, data)

    def wait(self, condition, what):
        with self.arrived:
            assert self.arrived.wait_for(condition, DEADLINE_SECONDS), f"{what}; {self.changes} {self.frames}"

    def wait_reason(self, reason, number=0):
        name = self.links[number].name
        self.wait(lambda: self.changes and self.changes[-1] == (name, False, reason), reason)

    def wait_up(self, number=0):
        self.wait(lambda: self.links[number].up, "up")

    def close(self):
        for link in self.links:
            self.host.call(link.close)
        self.host.call(self.monitor.close)
