"""What each command does."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

from ultramonkey_heartbeat.control import client, schema

from .. import reading
from ..config.model import canonical
from ..core.changes import changes
from ..daemon.instance import RUN, AlreadyRunningError, Instance
from ..ipvs.base import IpvsError, VirtualServers
from . import files
from .answer import CONFIGURATION, FAILED, NOT_RUNNING, OK, Answer, as_data
from .arguments import Arguments

# Longer than the daemon itself takes at most.
_START_S, _STOP_S, _ASK_S = 45.0, 20.0, 10.0
_KILL_S = 5.0
_LOOK_S = 0.5


class _Place:
    """The configuration that is meant, and its daemon."""

    def __init__(self, given: Arguments) -> None:
        self.given = given
        self.path = reading.locate(given.configuration)
        self.instance = Instance(reading.instance(self.path), given.run or RUN)

    def ask(self, command: str, timeout_s: float, **arguments: Any) -> dict[str, Any]:
        """The daemon's last answer. Raises the errors of control.client, and schema.SchemaError."""
        path = str(self.instance.socket)
        with contextlib.closing(client.ask(command, arguments, path=path, timeout_s=timeout_s)) as answers:
            return list(answers)[-1]

    def asked(self, command: str, timeout_s: float, text: str = "", **arguments: Any) -> Answer:
        """Ask for a change; a refusal is a failure."""
        try:
            answer = self.ask(command, timeout_s, **arguments)
        except (client.UnreachableError, client.NoAnswerError, schema.SchemaError) as error:
            return Answer(FAILED, {"error": f"the daemon does not answer: {error}"})
        refusal = answer.get("error")
        result = answer.get("result") or {}
        if refusal:
            code = CONFIGURATION if refusal["code"] == "bad-configuration" else FAILED
            problems = result.get("problems", ()) if code == CONFIGURATION else ()
            return Answer(code, {"error": refusal["message"], "problems": problems})
        return Answer(OK, {"text": text, "result": result})


def start(given: Arguments, *, standby: bool = False) -> Answer:
    """Start, or promote what stands by."""
    # Imported late: most commands need none of it, and heartbeat waits for each.
    from ..daemon.main import Options, serve, start_in_background  # noqa: PLC0415

    place = _Place(given)
    if place.instance.running():
        if standby:
            return Answer(OK, {"text": f"ldirectord for {place.path} runs already"})
        return place.asked("start", _START_S, f"ldirectord for {place.path} is active")
    file = files.read(place.path)
    if isinstance(file, Answer):
        return file
    problems = as_data(file.loaded.problems)
    if file.loaded.configuration is None:
        return Answer(CONFIGURATION, {"problems": problems, "error": "the configuration has errors"})
    try:
        place.instance.acquire()
    except AlreadyRunningError:
        # Somebody was quicker by a moment.
        return Answer(OK, {"text": f"ldirectord for {place.path} runs already"})
    except OSError as error:
        return Answer(FAILED, {"error": str(error)})
    foreground = given.debug or file.loaded.configuration.supervised
    options = Options(standby, foreground, given.debug, given.table)
    if foreground:
        complaints: list[str] = []
        code = serve(file, place.instance, options, complaints.append)
        return Answer(code, {"error": complaints[0] if code and complaints else ""})
    problem = start_in_background(file, place.instance, options)
    if problem:
        return Answer(FAILED, {"error": problem, "problems": problems})
    what = "stands by" if standby else "is active"
    return Answer(OK, {"text": f"ldirectord for {place.path} {what}", "problems": problems})


def standby(given: Arguments) -> Answer:
    """Start without touching the table."""
    return start(given, standby=True)


def stop(given: Arguments, command: str = "stop") -> Answer:
    """Stop, and be sure of it: the table is clean when this returns 0."""
    place = _Place(given)
    instance = place.instance
    if instance.running():
        answer = place.asked(command, _STOP_S)
        if answer.code == OK and answer.data["result"]["state"] == "standby" and _stays(place):
            return Answer(OK, {"text": f"ldirectord for {place.path} stands by"})
        if not _gone(instance, _KILL_S):
            # It does not do what it is asked. What it leaves behind is cleaned below.
            _kill(instance)
    return _clean(place)


def _stays(place: _Place) -> bool:
    """Whether the daemon is one that stands by after a stop."""
    try:
        return bool(place.ask("status", _ASK_S)["result"].get("resident"))
    except (client.UnreachableError, client.NoAnswerError, schema.SchemaError, KeyError):
        return False


def quit_(given: Arguments) -> Answer:
    """End, also what stands by."""
    return stop(given, "quit")


def _gone(instance: Instance, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while instance.running():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def _kill(instance: Instance) -> None:
    pid = instance.pid()
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _gone(instance, _KILL_S)


def _clean(place: _Place) -> Answer:
    """Take out what a daemon that is no more left in the table."""
    left = place.instance.remembered()
    if left:
        import asyncio  # noqa: PLC0415 - only after a crash

        try:
            asyncio.run(_remove(place.given, left))
        except IpvsError as error:
            return Answer(FAILED, {"error": f"the table is not clean: {error}"})
        place.instance.remember(())
    with contextlib.suppress(AlreadyRunningError, OSError):
        # An empty file says that it was stopped, not that it died.
        place.instance.acquire()
        place.instance.release()
    return Answer(OK, {"text": f"ldirectord is stopped for {place.path}"})


async def _remove(given: Arguments, left: list[Any]) -> None:
    from ..ipvs.kernel import KernelTable  # noqa: PLC0415 - only after a crash
    from ..ipvs.recording import FileTable  # noqa: PLC0415 - likewise

    table: VirtualServers = FileTable(given.table) if given.table else KernelTable()
    await table.open()
    failures = await table.apply(changes(await table.read(), {}, left))
    await table.close()
    if failures:
        raise IpvsError(failures[0].reason)


def restart(given: Arguments) -> Answer:
    """Stop, then start; with a file that has errors neither."""
    good = files.check(given)
    if good.code != OK:
        return good
    stopped = quit_(given)
    return start(given) if stopped.code == OK else stopped


def renew(given: Arguments) -> Answer:
    """Another process of the program that is installed now, in the same state; the table never changes hands.

    Where somebody watches the daemon and starts it again (systemd), that is who starts it.
    """
    place = _Place(given)
    good = files.check(given)
    if good.code != OK or not place.instance.running():
        return good
    before = status(given)
    answer = place.asked("leave", _STOP_S)
    if answer.code != OK:
        return answer
    if not _gone(place.instance, _KILL_S):
        _kill(place.instance)
    if before.data.get("watched"):
        end = time.monotonic() + _START_S
        while status(given).data.get("state") != before.data["state"]:
            if time.monotonic() > end:
                break
            time.sleep(_LOOK_S)
        else:
            return Answer(OK, {"text": f"ldirectord for {place.path} is renewed"})
    return start(given, standby=bool(before.data.get("resident")))


def try_restart(given: Arguments) -> Answer:
    """Restart if it runs."""
    return restart(given) if _Place(given).instance.running() else Answer(OK)


def reload(given: Arguments) -> Answer:
    """Apply what is new in the file, or refuse."""
    place = _Place(given)
    if not place.instance.running():
        return Answer(FAILED, {"error": f"ldirectord is stopped for {place.path}"})
    return place.asked("reload", _START_S, f"ldirectord for {place.path} has read its configuration again")


def status(given: Arguments) -> Answer:
    """LSB: 0 active, 3 not, 1 dead but a pid file is there."""
    place = _Place(given)
    stopped = {"text": f"ldirectord is stopped for {place.path}", "state": "stopped"}
    if not place.instance.running():
        pid = place.instance.pid()
        if pid is None:
            return Answer(NOT_RUNNING, stopped)
        return Answer(
            FAILED, {**stopped, "error": f"pid file {place.instance.pid_file} is stale: {pid} has died"}
        )
    answer = place.asked("status", _ASK_S)
    if answer.code != OK:
        return Answer(FAILED, {**stopped, **answer.data})
    result = answer.data["result"]
    if result["state"] != "active":
        text = f"{stopped['text']} (it stands by and checks)"
        return Answer(NOT_RUNNING, {**result, "text": text})
    return Answer(OK, {**result, "text": f"ldirectord for {place.path} is running with pid: {result['pid']}"})


def metrics(given: Arguments) -> Answer:
    """Figures, also when nothing runs."""
    answer = status(given)
    return Answer(OK, answer.data)


def server(given: Arguments) -> Answer:
    """Drain, maintenance, normal, weight."""
    place = _Place(given)
    address, port = _server(given.server)
    wish = None if given.command == "weight" else given.command
    text = f"{given.server}: {given.command}"
    wanted = {"wish": wish, "weight": given.weight, "service": given.service or None}
    answer = place.asked("server", _ASK_S, text, address=address, port=port, **wanted)
    if answer.code != OK or given.command != "drain" or given.wait is None:
        return answer
    return _drained(place, (address, port), given.wait)


def _drained(place: _Place, server: tuple[str, int | None], wait_s: int) -> Answer:
    """Wait until a server has no connection; who still has some when the time is up is told."""
    address, port = canonical(server[0]), server[1]
    end = time.monotonic() + wait_s
    while True:
        answer = place.asked("status", _ASK_S)
        if answer.code != OK:
            return answer
        found = [
            each["active"]
            for service in answer.data["result"]["services"]
            if place.given.service in ("", service["service"])
            for each in service["servers"]
            if each["address"] == address and port in (None, each["port"])
        ]
        if not sum(found):
            return Answer(
                OK, {**answer.data, "text": f"{place.given.server}: drained, no connection is left"}
            )
        if time.monotonic() > end:
            error = (
                f"{place.given.server}: {sum(found)} connections are left after {wait_s} s; it stays drained"
            )
            return Answer(FAILED, {"error": error})
        time.sleep(_LOOK_S)


def _server(text: str) -> tuple[str, int | None]:
    host, colon, port = text.rpartition(":")
    if colon and port.isdigit() and (host.endswith("]") or ":" not in host):
        return host.strip("[]"), int(port)
    return text.strip("[]"), None


ACTIONS: Mapping[str, Callable[[Arguments], Answer]] = {
    "start": start,
    "standby": standby,
    "stop": stop,
    "quit": quit_,
    "restart": restart,
    "try-restart": try_restart,
    "renew": renew,
    "reload": reload,
    "force-reload": reload,
    "status": status,
    "metrics": metrics,
    "check": files.check,
    "render": files.render,
    "show": files.show,
    "drain": server,
    "maintenance": server,
    "normal": server,
    "weight": server,
}
