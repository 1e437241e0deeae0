"""The administrator's switches in the state directory: a daemon that starts must know them before it acts."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from ..config.model import Group
from ..core.switches import NOTHING_TURNED, Kept, Switch, maintained_by
from ..safe_files import replace_file
from .paths import Paths

_LOG = logging.getLogger(__name__)


def read_switches(paths: Paths) -> Kept:
    """What was kept; nothing when there is no file, or one that cannot be understood (which is logged)."""
    try:
        plain = json.loads(paths.switches.read_text())
        return Kept(_switches(plain["maintenance"]), _switches(plain["standby"]))
    except FileNotFoundError:
        return NOTHING_TURNED
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _LOG.error("%s cannot be used, so nothing is under maintenance here: %r", paths.switches, error)
        return NOTHING_TURNED


def write_switches(paths: Paths, kept: Kept) -> None:
    """Keep the switches. Raises OSError."""
    plain = {"maintenance": _plain(kept.maintenance), "standby": _plain(kept.standby)}
    paths.state.mkdir(mode=0o755, parents=True, exist_ok=True)
    replace_file(paths.switches, json.dumps(plain).encode() + b"\n", 0o644)


def split_by_maintenance(groups: Iterable[Group], kept: Kept) -> tuple[tuple[Group, ...], tuple[Group, ...]]:
    """The groups that are to be left alone, and the others."""
    everything = tuple(groups)
    alone = tuple(group for group in everything if maintained_by(kept, group.key))
    return alone, tuple(group for group in everything if group not in alone)


def _plain(switches: Mapping[str, Switch]) -> dict[str, Any]:
    return {name: {"version": switch.version, "on": switch.on} for name, switch in switches.items()}


def _switches(plain: Mapping[str, Any]) -> dict[str, Switch]:
    return {name: Switch(int(entry["version"]), entry["on"] is not False) for name, entry in plain.items()}
