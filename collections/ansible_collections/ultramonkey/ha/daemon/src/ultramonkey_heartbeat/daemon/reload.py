"""The files read again while the daemon runs: what is taken over, and what is said about the rest."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config.model import Configuration
from ..core.changes import Changes, compare
from ..core.node import Node
from ..core.report import Phase
from ..reading import load

UNCHANGED = Changes((), ())


@dataclass(frozen=True)
class Reloaded:
    """What came of it. No configuration: nothing is changed, for the `problems`."""

    configuration: Configuration | None
    problems: tuple[str, ...] = ()
    keys_changed: bool = False
    changes: Changes = UNCHANGED

    @property
    def complete(self) -> bool:
        """All of it can be taken over; otherwise only the keys are."""
        return self.configuration is not None and not self.changes.obstacles

    @property
    def changed(self) -> list[str]:
        """What is taken over, in words."""
        return [*(["authkeys"] if self.keys_changed else []), *(self.changes.live if self.complete else ())]

    def tell(self, log: logging.Logger) -> None:
        """Log it."""
        for problem in self.problems:
            log.error("%s", problem)
        if self.configuration is None:
            log.error("nothing is changed: the configuration on disk has errors")
            return
        log.info("read the keys again")
        if self.changes.obstacles:
            log.warning(
                "ha.cf or haresources has changed: restart the daemon to use them (%s)",
                "; ".join(self.changes.obstacles),
            )
        elif self.changes.live:
            log.info("took over: %s", ", ".join(self.changes.live))

    def answer(self) -> tuple[str, Mapping[str, Any]]:
        """Phase and payload of the answer to `reload` (docs/CONTROL.md)."""
        result = {"changed": self.changed, "restart": list(self.changes.obstacles)}
        if self.configuration is None:
            message = "nothing is changed: the configuration has errors"
            error = {"code": "bad-configuration", "message": message, "remedy": "; ".join(self.problems)}
            return "refused", {"error": error, "result": result}
        if not self.complete:
            error = {
                "code": "needs-restart",
                "message": "; ".join(self.changes.obstacles),
                "remedy": "restart the daemon to use ha.cf and haresources; the keys are in use",
            }
            return "refused", {"error": error, "result": result}
        return "completed", {"result": result}


class Reader:
    """Reads the files of a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def read(self, running: Configuration, node: Node) -> Reloaded:
        """Compare what is on disk with what runs."""
        try:
            loaded = load(self._directory, running.node)
        except OSError as error:
            return Reloaded(None, (str(error),))
        wanted = loaded.configuration
        if wanted is None:
            return Reloaded(None, tuple(str(problem) for problem in loaded.problems))
        runs = [key for key, local in node.steward.groups.items() if local.state.runs]
        old_peer = any(peer.old for peer in node.membership.alive())
        changes = compare(running, wanted, runs, old_peer=old_peer)
        if changes.live and node.phase is Phase.LEAVING:
            changes = Changes(changes.live, ("the daemon is leaving",))
        return Reloaded(wanted, (), wanted.authkeys != running.authkeys, changes)
