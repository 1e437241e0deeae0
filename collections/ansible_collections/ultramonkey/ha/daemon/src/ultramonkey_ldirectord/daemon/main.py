"""From a configuration to a running daemon: in the background, or in the foreground."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import select
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import reading
from ..ipvs.base import IpvsError, VirtualServers
from ..ipvs.kernel import KernelTable
from ..ipvs.recording import FileTable
from .instance import Instance
from .journal import Log, LogError
from .ldirectord import START_MAX_S, Ldirectord

# Beyond what the daemon allows itself.
_PATIENCE_S = 30.0


@dataclass(frozen=True)
class Options:
    """How the daemon is to run. `table` is a file to keep the table in instead of the kernel."""

    standby: bool = False
    foreground: bool = False
    debug: bool = False
    table: Path | None = None


def serve(file: reading.File, instance: Instance, options: Options, answer: Any) -> int:
    """Run the daemon to its end; the lock is held already. `answer` is told once how the start went."""
    instance.write_pid()
    _allow_connections()
    try:
        log = _log(file, instance, options)
    except LogError as error:
        answer(str(error))
        return 1
    told: list[str] = []

    def tell(problem: str) -> None:
        if not told:
            told.append(problem)
            answer(problem)

    async def run() -> None:
        table: VirtualServers = FileTable(options.table) if options.table else KernelTable()
        await Ldirectord(file, instance, table, log).run(lambda: tell(""), standby=options.standby)

    try:
        asyncio.run(run())
    except (IpvsError, OSError) as error:
        log.logger.error("cannot start: %s", error)  # noqa: TRY400 - the text says it all
        tell(str(error))
        return 1
    finally:
        tell("ldirectord has ended")
        log.close()
        instance.release()
    return 0


def start_in_background(file: reading.File, instance: Instance, options: Options) -> str:
    """Start the daemon, and return when its table is programmed; gives why it could not start, or ""."""
    reading_end, writing_end = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    if os.fork() == 0:
        code = 1
        try:
            os.close(reading_end)
            code = _child(file, instance, options, writing_end)
        finally:
            # Whatever happens, the child never goes on as the command that was called.
            os._exit(code)
    os.close(writing_end)
    instance.forget()
    return _outcome(reading_end)


def _child(file: reading.File, instance: Instance, options: Options, writing_end: int) -> int:
    code = 1
    try:
        os.setsid()
        os.chdir("/")
        os.umask(0o022)
        null = os.open(os.devnull, os.O_RDWR)
        # Whoever started us must not wait for our outputs to end.
        for number in (0, 1, 2):
            os.dup2(null, number)

        def answer(problem: str) -> None:
            os.write(writing_end, json.dumps({"problem": problem}).encode() + b"\n")
            os.close(writing_end)

        code = serve(file, instance, options, answer)
    except Exception as error:  # noqa: BLE001 - there is nobody else to tell
        _last_words(writing_end, error)
    return code


def _last_words(writing_end: int, error: Exception) -> None:
    try:
        os.write(writing_end, json.dumps({"problem": repr(error)}).encode() + b"\n")
    except OSError:
        return


def _outcome(reading_end: int) -> str:
    data = b""
    end = time.monotonic() + START_MAX_S + _PATIENCE_S
    with os.fdopen(reading_end, "rb", buffering=0) as pipe:
        while not data.endswith(b"\n"):
            ready, _, _ = select.select([pipe], [], [], max(0.0, end - time.monotonic()))
            more = pipe.read(65536) if ready else b""
            if not more:
                return (
                    "the daemon did not say that it has started" if not ready else "the daemon died at start"
                )
            data += more
    return str(json.loads(data)["problem"])


def _log(file: reading.File, instance: Instance, options: Options) -> Log:
    logfile = file.loaded.configuration.logfile if file.loaded.configuration else ""
    return Log(logfile, instance.name, foreground=options.foreground, debug=options.debug)


def _allow_connections() -> None:
    """As many open files as we may have: each check is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
