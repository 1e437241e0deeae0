"""`respawn` of ha.cf: programs that run while this node is active, and are started again when they end.

As in 3.0.6 a program is left alone when it ends with exit code 100, or after more than 10 quick deaths in a
row. Unlike there, the pause before it is started again grows with each of them.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

from ..config.model import Respawn
from ..config.respawn_line import is_ipfail, is_old_client
from .child import Account, Child, account_of

# "I do not want to be started again."
EXIT_NO_RESPAWN = 100
QUICK_DEATHS_MAX = 10


@dataclass(frozen=True)
class Patience:
    """How programs that end are treated, in seconds."""

    # A program that ran for less died quickly.
    quick_s: float = 30.0
    # Before the first new start after a quick death; doubled with each further one, up to the second number.
    pause_s: float = 0.1
    pause_max_s: float = 10.0
    # Between SIGTERM and SIGKILL when we end.
    grace_s: float = 5.0


class Respawner:
    """Keeps the programs of one daemon running, from `begin` to `end`."""

    def __init__(
        self, programs: Sequence[Respawn], node: str, log: logging.Logger, patience: Patience | None = None
    ) -> None:
        self._node = node
        self._log = log
        self._patience = patience or Patience()
        self._begun = False
        self._leaving = False
        self._tasks: list[asyncio.Task[None]] = []
        self._children: set[Child] = set()
        self._startable: list[tuple[Respawn, Account]] = []
        # Users are looked up now: a directory server that is slow delays no heartbeat yet.
        for program in programs:
            self._consider(program)

    def _consider(self, program: Respawn) -> None:
        if is_ipfail(program):
            self._log.info("respawn %s: not started: what it does is built in", program.path)
            return
        if is_old_client(program):
            self._log.warning(
                "respawn %s: not started: it needs the client interface of heartbeat 3.0.6", program.path
            )
            return
        account = account_of(program.user)
        if account is None:
            self._log.error(
                "respawn %s: not started: there is no user %s here; create it, or name another in ha.cf",
                program.path,
                program.user,
            )
            return
        self._startable.append((program, account))

    def begin(self) -> None:
        """This node is active: start the programs. Does nothing the second time."""
        if self._begun:
            return
        self._begun = True
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._keep(*startable)) for startable in self._startable]

    def leave(self) -> None:
        """The daemon was told to stop: what runs goes on until `end`, nothing is started any more."""
        self._begun = self._leaving = True

    async def end(self) -> None:
        """Stop all of them: SIGTERM, then SIGKILL."""
        self.leave()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        grace_s = self._patience.grace_s
        gone = await asyncio.gather(*(child.end(grace_s) for child in self._children))
        if not all(gone):
            self._log.error("respawn: %d program(s) cannot be ended", gone.count(False))

    async def _keep(self, program: Respawn, account: Account) -> None:
        try:
            await self._run_again_and_again(program, account)
        except Exception:  # noqa: BLE001 - heartbeats are worth more than this program
            self._log.exception("respawn %s: a mistake of ours; left alone", program.path)

    async def _run_again_and_again(self, program: Respawn, account: Account) -> None:
        quick_deaths = 0
        while True:
            began_s = time.monotonic()
            code, how = await self._run_once(program, account)
            if self._leaving:
                self._log.info("respawn %s: %s", program.path, how)
                return
            if code == EXIT_NO_RESPAWN:
                self._log.info("respawn %s: ended with exit code 100; not started again", program.path)
                return
            quick = time.monotonic() - began_s < self._patience.quick_s
            quick_deaths = quick_deaths + 1 if quick else 0
            if quick_deaths > QUICK_DEATHS_MAX:
                self._log.error(
                    "respawn %s: %s; given up after %d quick deaths: repair it, then restart this daemon",
                    program.path,
                    how,
                    quick_deaths,
                )
                return
            pause_s = self._pause_s(quick_deaths)
            self._log.warning("respawn %s: %s; starting it again in %g s", program.path, how, pause_s)
            await asyncio.sleep(pause_s)
            if self._leaving:
                return

    def _pause_s(self, quick_deaths: int) -> float:
        if not quick_deaths:
            return 0.0
        return min(self._patience.pause_max_s, self._patience.pause_s * float(2 ** (quick_deaths - 1)))

    async def _run_once(self, program: Respawn, account: Account) -> tuple[int | None, str]:
        """The exit code (None if it could not be started), and what happened, in words."""
        try:
            child = Child(program.command, account, self._environment(account))
        except (OSError, subprocess.SubprocessError) as error:
            return None, f"cannot be run: {error}"
        self._log.info("respawn %s: started as %s, pid %d", program.path, account.name, child.pid)
        self._children.add(child)
        # Cancelled, we leave the child to `end`, which must still find it.
        code = await child.ended()
        self._children.discard(child)
        return code, _in_words(code)

    def _environment(self, account: Account) -> dict[str, str]:
        return {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "HOME": account.home,
            "USER": account.name,
            "LOGNAME": account.name,
            "SHELL": "/bin/sh",
            "HA_CURHOST": self._node,
            "HA_DIR": "/etc/ha.d",
        }


def _in_words(code: int) -> str:
    if code < 0:
        return f"ended by signal {-code}"
    # What the shell says of a file that is not there, or not a program.
    known = {126: " (cannot be executed)", 127: " (not found)"}
    return f"ended with exit code {code}{known.get(code, '')}"
