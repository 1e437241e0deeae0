"""A laboratory host with a real systemd, for what only systemd can show: units, notification, watchdog."""

from __future__ import annotations

import time
from pathlib import Path

from .errors import LabError
from .host import Host, only_child

BOOT_TIMEOUT_S = 30


class SystemdHost(Host):
    """A `Host` whose process 1, as its inhabitants see it, is systemd (Debian package `systemd`)."""

    _systemd_pid: int | None = None

    def _boot_options(self) -> list[str]:
        return [self._lab.cgroup(self.name)]

    def boot(self) -> None:
        """Switch on and wait until systemd has reached basic.target."""
        if not Path("/lib/systemd/systemd").exists():
            raise LabError("hosts with systemd need it on the machine (apt-get install systemd)")
        self._systemd_pid = None
        super().boot()
        self._systemd_pid = only_child(only_child(self.pid))
        self._lab.host_changed(self)
        deadline = time.monotonic() + BOOT_TIMEOUT_S
        state = ""
        while state not in ("running", "degraded"):
            if time.monotonic() > deadline:
                raise LabError(f"{self.name}: systemd is {state or 'silent'} after {BOOT_TIMEOUT_S} s")
            time.sleep(0.1)
            state = self.run(["systemctl", "is-system-running"], check=False).stdout.strip()

    @property
    def inside_pid(self) -> int:
        """Systemd itself, once it runs; it has a view of processes and control groups of its own."""
        return self._systemd_pid or self.pid
