"""Where the daemon keeps and finds things: the places of heartbeat 3.0.6, all changeable for tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """The three directories, and the files in them."""

    configuration: Path = Path("/etc/ha.d")
    state: Path = Path("/var/lib/heartbeat")
    run: Path = Path("/run/heartbeat")

    @property
    def script_directories(self) -> tuple[Path, ...]:
        """Where resource scripts are looked for, in this order."""
        return (self.configuration / "resource.d", Path("/etc/init.d"))

    @property
    def uuid(self) -> Path:
        """16 raw bytes that name this installation."""
        return self.state / "hb_uuid"

    @property
    def generation(self) -> Path:
        """The generation of the last start, in 3.0.6's format."""
        return self.state / "hb_generation"

    @property
    def switches(self) -> Path:
        """What an administrator has switched on: maintenance, standby."""
        return self.state / "switches.json"

    @property
    def journal(self) -> Path:
        """The last events, one JSON object a line."""
        return self.state / "journal.jsonl"

    @property
    def lock(self) -> Path:
        """Locked while a daemon runs; holds its pid."""
        return self.run / "heartbeatd.pid"

    @property
    def control(self) -> Path:
        """The control socket."""
        return self.run / "control.sock"

    @property
    def held(self) -> Path:
        """The groups that may run here; gone after a clean end."""
        return self.run / "held.json"
