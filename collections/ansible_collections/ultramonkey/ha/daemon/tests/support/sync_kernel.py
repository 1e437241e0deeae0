"""A kernel whose daemons that synchronize connections are only written down."""

from __future__ import annotations

from ultramonkey_heartbeat.config.sync_daemon import SyncDaemon
from ultramonkey_heartbeat.net.types import NetError


class Kernel:
    """Daemons that run, and what was done. It refuses everything for the reason in `refuses`."""

    def __init__(self, *running):
        self.running = [SyncDaemon(state, "eth1", 7) for state in running]
        self.done = []
        self.refuses = ""

    def open(self):
        pass

    def close(self):
        pass

    def daemons(self):
        return list(self.running)

    def daemon(self, daemon, *, start):
        if self.refuses:
            raise NetError(self.refuses, "")
        self.done.append(f"{'start' if start else 'stop'} {daemon.state} {daemon.interface} {daemon.sync_id}")
        (self.running.append if start else self.running.remove)(daemon)
