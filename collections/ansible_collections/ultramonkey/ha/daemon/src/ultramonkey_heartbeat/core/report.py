"""Our whole state in every status message: what makes lost messages and healed splits harmless.

The fields below travel beside the ones that heartbeat 3.0.6 knows, which ignores them:

=========  ===========================================================================================
um_v       version of these fields, decimal
um_inc     the sender's incarnation, hex (constant for one run of the daemon)
um_phase   joining, active or leaving
um_cfg     digest of the sender's configuration
um_hear    the nodes that the sender hears at the moment, separated by blanks
um_ping    the sender's ping nodes, separated by blanks: lost ones as !NAME, not yet known ones as ?NAME
um_grp     per group EPOCH,OWNER,INCARNATION,CAUSE,STATE,KEY, separated by blanks
um_wish    per wish EPOCH,TARGET,KEY, separated by blanks
um_mnt     per maintenance switch ever turned VERSION,WORD,KEY, separated by blanks
um_stb     per standby switch ever turned VERSION,WORD,NODE, separated by blanks
=========  ===========================================================================================

A wish asks the owner of a group at EPOCH to hand it to TARGET. It is a compare-and-set: once the
epoch has moved on, it means nothing. Switches are described in `switches`; WORD is on or off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from ..wire.errors import MalformedFieldError
from ..wire.message import Field, Message, decimal, hexadecimal, string
from .assignment import Assignment, Cause
from .reach import NOTHING, Reach, from_word, to_word
from .switches import NOTHING_TURNED, Kept, Switch, Switches

_Word = TypeVar("_Word", bound=Enum)

VERSION = 1
# More groups or wishes than this in one message are not ours.
RECORDS_MAX = 4096


class Phase(Enum):
    """Where a daemon is in its life."""

    JOINING = "joining"
    ACTIVE = "active"
    LEAVING = "leaving"


class GroupState(Enum):
    """What a node says about a group on itself."""

    IDLE = "idle"
    STARTING = "starting"
    HELD = "held"
    STOPPING = "stopping"
    # A start failed here; not tried here again.
    FAILED = "failed"
    # A stop failed here; parts of it may still run, so nobody else may start it.
    STUCK = "stuck"

    @property
    def runs(self) -> bool:
        """Something of the group may run here."""
        return self in _RUNS


_RUNS = (GroupState.STARTING, GroupState.HELD, GroupState.STOPPING, GroupState.STUCK)


@dataclass(frozen=True)
class GroupReport:
    """One group as its sender sees it."""

    assignment: Assignment
    state: GroupState


@dataclass(frozen=True)
class Wish:
    """Please hand the group `key` to `target`, if its epoch is still `epoch`."""

    epoch: int
    target: str
    key: str


@dataclass(frozen=True)
class Report:
    """All that a node of ours says about itself."""

    incarnation: int
    phase: Phase
    digest: str
    hears: tuple[str, ...]
    groups: Mapping[str, GroupReport]
    wishes: tuple[Wish, ...] = ()
    switches: Kept = NOTHING_TURNED
    reach: Reach = NOTHING

    def state(self, key: str) -> GroupState:
        """What the sender says about the group on itself; not mentioned means idle."""
        group = self.groups.get(key)
        return GroupState.IDLE if group is None else group.state


def to_fields(report: Report) -> list[Field]:
    """The fields of a report, in the order of the table above; empty lists are left out."""
    fields = [
        decimal("um_v", VERSION),
        hexadecimal("um_inc", report.incarnation),
        string("um_phase", report.phase.value),
        string("um_cfg", report.digest),
    ]
    # A 3.0.6 drops a message in text form that has an empty value.
    if report.hears:
        fields.append(string("um_hear", " ".join(report.hears)))
    if report.reach != NOTHING:
        fields.append(string("um_ping", to_word(report.reach)))
    if report.groups:
        records = (_group_record(key, group) for key, group in report.groups.items())
        fields.append(string("um_grp", " ".join(records)))
    if report.wishes:
        fields.append(string("um_wish", " ".join(f"{w.epoch:x},{w.target},{w.key}" for w in report.wishes)))
    for name, switches in (("um_mnt", report.switches.maintenance), ("um_stb", report.switches.standby)):
        if switches:
            fields.append(string(name, " ".join(_switch_record(key, s) for key, s in switches.items())))
    return fields


def _group_record(key: str, group: GroupReport) -> str:
    a = group.assignment
    return f"{a.epoch:x},{a.owner},{a.incarnation:x},{a.cause.value},{group.state.value},{key}"


def _switch_record(key: str, switch: Switch) -> str:
    return f"{switch.version:x},{'on' if switch.on else 'off'},{key}"


def raw_fields(message: Message) -> tuple[Field, ...]:
    """The report's part of a message, undecoded: equal parts mean equal reports."""
    return tuple([field for field in message.fields if field[0][:3] == "um_"])


def from_message(message: Message) -> Report | None:
    """The report in a message, or None when it has none (a peer that is heartbeat 3.0.6).

    Raises MalformedFieldError. A version above ours is read as ours: later versions only add, and
    a word that we do not know is read as the most careful one that we do.
    """
    if not message.decimal("um_v"):
        return None
    return Report(
        incarnation=message.hexadecimal("um_inc") or 0,
        phase=_member(Phase.JOINING, message.text("um_phase") or ""),
        digest=message.text("um_cfg") or "",
        hears=tuple((message.text("um_hear") or "").split()),
        reach=from_word(message.text("um_ping") or ""),
        groups=_groups(_records(message, "um_grp", 6)),
        wishes=tuple(
            Wish(_hex("um_wish", epoch), target, key)
            for epoch, target, key in _records(message, "um_wish", 3)
        ),
        switches=Kept(_switches(message, "um_mnt"), _switches(message, "um_stb")),
    )


def _switches(message: Message, name: str) -> Switches:
    # A word that we do not know is read as on: hands off.
    return {
        key: Switch(_hex(name, version), word != "off") for version, word, key in _records(message, name, 3)
    }


def _records(message: Message, name: str, width: int) -> list[list[str]]:
    words = (message.text(name) or "").split(" ")
    if len(words) > RECORDS_MAX:
        raise MalformedFieldError(name, b"too many records")
    records = [word.split(",", width - 1) for word in words if word]
    for record in records:
        if len(record) != width:
            raise MalformedFieldError(name, ",".join(record).encode("utf-8", "surrogateescape"))
    return records


def _groups(records: list[list[str]]) -> dict[str, GroupReport]:
    return {
        key: GroupReport(
            Assignment(
                _hex("um_grp", epoch), owner, _hex("um_grp", incarnation), _member(Cause.START, cause)
            ),
            _member(GroupState.STOPPING, state),
        )
        for epoch, owner, incarnation, cause, state, key in records
    }


def _hex(name: str, word: str) -> int:
    field = string(name, word)
    value = Message((field,)).hexadecimal(name)
    if value is None:  # pragma: no cover - the field was just put there
        raise MalformedFieldError(name, field.value)
    return value


def _member(unknown: _Word, word: str) -> _Word:
    """The member of that name; a word that only a later version knows is read as `unknown`."""
    try:
        return type(unknown)(word)
    except ValueError:
        return unknown
