"""Which script or unit a resource means, where it is, and what is not there: asked before it is started.

Needs neither the event loop nor netlink, so that a check of the configuration is quick.
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from ..config.address import ADDRESS_SCRIPTS
from ..config.model import Configuration, Group, Resource
from ..config.problems import Problem, nearest, shown
from ..config.sync_daemon import SCRIPT as SYNC_DAEMON

# Where heartbeat 3.0.6 looks, in this order.
DIRECTORIES = (Path("/etc/ha.d/resource.d"), Path("/etc/init.d"))
_SCRIPTS = "resource.d"
SYSTEMCTL = "/usr/bin/systemctl"
UNIT_SUFFIXES = (".service", ".socket", ".target", ".timer", ".mount", ".path")

_SYSTEMD_RUNS = Path("/run/systemd/system")
_PATIENCE_S = 10


class NotFoundError(Exception):
    """There is no script of that name that could be called; the text says why."""


def unit_of(resource: Resource) -> str | None:
    """The systemd unit that a resource is; None for one that is none."""
    if resource.script == "systemd" and len(resource.arguments) == 1:
        return resource.arguments[0]
    if resource.script.endswith(UNIT_SUFFIXES) and not resource.arguments:
        return resource.script
    return None


def find_script(name: str, directories: Iterable[Path]) -> Path:
    """The first executable file of that name. Raises NotFoundError."""
    directories = tuple(directories)
    unusable = []
    for directory in directories:
        path = directory / name
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if stat.S_ISREG(mode) and os.access(path, os.X_OK):
            return path
        unusable.append(path)
    if unusable:
        raise NotFoundError(f"{unusable[0]} is no executable file")
    places = " or ".join(str(directory) for directory in directories)
    raise NotFoundError(f"no script {name!r} in {places}")


def missing_here(
    configuration: Configuration | None,
    machine: str,
    directory: Path,
    scripts: Path | None = None,
    *,
    later: Collection[str] = (),
) -> list[Problem]:
    """What a configuration in a directory wants and this machine, which is called `machine`, does not have.

    Nothing is known of other machines, whose configuration may be checked here, too.
    """
    if configuration is None or configuration.node != machine:
        return []
    return missing(configuration.groups, (scripts or directory / _SCRIPTS, *DIRECTORIES[1:]), later=later)


def missing(
    groups: Iterable[Group],
    directories: Sequence[Path],
    *,
    later: Collection[str] = (),
    systemctl: str = SYSTEMCTL,
    systemd_runs: Path = _SYSTEMD_RUNS,
) -> list[Problem]:
    """The resources that could not be started on this machine, in the order of `haresources`.

    `later` has the names of scripts and units that will be installed yet.
    """
    wanted = [resource for group in groups for resource in group.resources]
    units = {unit for unit in map(unit_of, wanted) if unit is not None}
    states = _states(sorted(units - set(later)), systemctl) if systemd_runs.exists() else None
    return list(_problems(wanted, directories, later, states))


def _problems(
    wanted: Iterable[Resource],
    directories: Sequence[Path],
    later: Collection[str],
    states: dict[str, str] | None,
) -> Iterator[Problem]:
    for resource in wanted:
        unit = unit_of(resource)
        if (unit or resource.script) in (*ADDRESS_SCRIPTS, SYNC_DAEMON, *later):
            continue
        doubt = _of_script(resource.script, directories) if unit is None else _of_unit(unit, states)
        if doubt is not None:
            yield Problem("haresources", resource.line, resource.text, *doubt)


def _of_script(name: str, directories: Sequence[Path]) -> tuple[str, str] | None:
    """What is wrong and what would be right; None when nothing is."""
    try:
        find_script(name, directories)
    except NotFoundError as error:
        there = [path.name for directory in directories if directory.is_dir() for path in directory.iterdir()]
        meant = nearest(name, there)
        correct = f"write {shown(meant)}" if meant and meant != name else "correct the name"
        return (
            f"{shown(name)} cannot be started on this machine: {error}",
            f"install it there, executable, on every node; or {correct}",
        )
    return None


def _of_unit(unit: str, states: dict[str, str] | None) -> tuple[str, str] | None:
    if states is None:
        return (
            f"{shown(unit)} cannot be started on this machine: systemd does not run here",
            "name a script of /etc/ha.d/resource.d or /etc/init.d instead",
        )
    state = states.get(unit, "")
    if state == "not-found":
        return (
            f"{shown(unit)} cannot be started on this machine: systemd finds no unit of that name",
            "install it on every node (systemctl daemon-reload has systemd see it), or correct the name",
        )
    if state in ("masked", "error", "bad-setting"):
        return (
            f"{shown(unit)} cannot be started on this machine: systemd calls the unit {state}",
            f"see systemctl status {shown(unit)}" if state != "masked" else f"systemctl unmask {shown(unit)}",
        )
    return None


def _states(units: Sequence[str], systemctl: str) -> dict[str, str]:
    """What systemd has of each unit (LoadState); nothing where it does not answer: then nothing is known."""
    states = _ask(units, systemctl) if units else []
    if states is None:
        return {}
    if len(states) != len(units):
        # It ends early, or says more, when a name is none that a unit can have: that one is left out.
        each = [_ask([unit], systemctl) or [] for unit in units]
        return {unit: answer[0] for unit, answer in zip(units, each) if len(answer) == 1}
    return dict(zip(units, states))


def _ask(units: Sequence[str], systemctl: str) -> list[str] | None:
    """The LoadState of units, in their order; None when systemd does not answer."""
    argv = [systemctl, "show", "--property=LoadState", "--value", "--", *units]
    try:
        done = subprocess.run(  # noqa: S603 - words of haresources, and no shell
            argv, capture_output=True, text=True, check=False, timeout=_PATIENCE_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    # Values of several units have an empty line between them.
    return done.stdout.split() if done.returncode == 0 else []
