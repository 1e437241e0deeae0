"""Things worth saying to a human, as data. The edge words them (`daemon/notices`).

A notice says who, what and why. It is never needed for the daemon to work.
"""

from __future__ import annotations

from dataclasses import dataclass

from .assignment import Assignment


@dataclass(frozen=True)
class Notice:
    """Base of all notices."""


@dataclass(frozen=True)
class NodeStateChanged(Notice):
    """Another node came, went or said something new about itself."""

    node: str
    old: str
    new: str
    reason: str


@dataclass(frozen=True)
class PeerLinkChanged(Notice):
    """A peer is, or is no longer, heard over one link."""

    node: str
    link: str
    up: bool
    silent_ms: int


@dataclass(frozen=True)
class OwnLinkChanged(Notice):
    """A link of ours can or can no longer carry messages."""

    link: str
    up: bool
    reason: str


@dataclass(frozen=True)
class PingNodeChanged(Notice):
    """A ping node answers, or does so no longer."""

    ping: str
    seen: bool
    silent_ms: int


@dataclass(frozen=True)
class PingNodeImpossible(Notice):
    """A ping node cannot be asked: not permitted, or nothing is known of its name."""

    ping: str
    reason: str


@dataclass(frozen=True)
class LateHeartbeat(Notice):
    """A peer was silent for longer than warntime."""

    node: str
    silent_ms: int
    deadtime_ms: int


@dataclass(frozen=True)
class Slept(Notice):
    """This daemon did not run for longer than its dead time: others may have taken over."""

    slept_ms: int
    generation: int


@dataclass(frozen=True)
class BecameActive(Notice):
    """This node knows of every other node what it is doing, and takes part from now on."""

    reason: str


@dataclass(frozen=True)
class Assigned(Notice):
    """We decided who is to hold a group."""

    group: str
    old: Assignment
    new: Assignment


@dataclass(frozen=True)
class Superseded(Notice):
    """Another node is to hold a group that we hold."""

    group: str
    by: Assignment


@dataclass(frozen=True)
class ConflictSeen(Notice):
    """Another node holds a group that we hold, too."""

    group: str
    node: str
    keep: bool


@dataclass(frozen=True)
class GroupStarted(Notice):
    """A group runs here now."""

    group: str
    took_ms: int


@dataclass(frozen=True)
class GroupStopped(Notice):
    """A group no longer runs here."""

    group: str
    took_ms: int


@dataclass(frozen=True)
class GroupFailed(Notice):
    """A group could not be started (`operation` "start") or stopped here."""

    group: str
    operation: str
    reason: str


@dataclass(frozen=True)
class FrameRejected(Notice):
    """Bytes that we do not act upon. Said once per link and reason, then counted."""

    link: str
    reason: str


@dataclass(frozen=True)
class UnknownNode(Notice):
    """A node that is not in our configuration speaks with our key. Said once per name."""

    node: str
    link: str


@dataclass(frozen=True)
class DuplicateName(Notice):
    """Another machine uses our own name. Said once."""

    link: str


@dataclass(frozen=True)
class ConfigDiffers(Notice):
    """A peer has other nodes, groups or auto_failback in its files. Said at each start of it, and of ours."""

    node: str
    digest: str
    ours: str


@dataclass(frozen=True)
class OldPeer(Notice):
    """A peer runs heartbeat 3.0.6. `shared`: we are two, so that resources can be shared with it."""

    node: str
    shared: bool


@dataclass(frozen=True)
class AddressReturned(Notice):
    """Somebody removed an address of a group that we hold; it is put back."""

    group: str
    address: str


@dataclass(frozen=True)
class SwitchTurned(Notice):
    """Maintenance or standby was switched on or off; `by` is whom we heard it from, or ourselves."""

    kind: str
    name: str
    on: bool
    by: str


@dataclass(frozen=True)
class LeftAlone(Notice):
    """Somebody removed an address of a group that is under maintenance; it is not put back."""

    group: str
    address: str


@dataclass(frozen=True)
class CleanedUp(Notice):
    """An administrator says that what failed with a group has been mended. `what` was forgotten."""

    group: str
    what: str


@dataclass(frozen=True)
class Moved(Notice):
    """A group has another holder, as this node saw it. `without_holder_ms` is None when no gap was seen."""

    group: str
    source: str | None
    target: str
    reason: str
    without_holder_ms: int | None


@dataclass(frozen=True)
class ShutdownBegun(Notice):
    """The daemon was told to stop."""

    groups: int
