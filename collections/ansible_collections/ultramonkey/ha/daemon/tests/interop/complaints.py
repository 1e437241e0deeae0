"""What either daemon may complain of, and why; everything else fails the cell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .members import Member


@dataclass(frozen=True)
class Allowed:
    """A line that is no finding. Without `scenarios` it may come at any time."""

    pattern: str
    reason: str
    scenarios: frozenset[str] = frozenset()


def _codes(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Scenarios in which each node must believe the other dead.
_DIES = _codes("r>o o>r dieR dieO endR endO resR resO backO k9R k9O k9rel k9lat split plug deafO deafR")
_CUT = _codes("split plug deafO deafR")
_LOSSY = _codes("loss blip split plug deafO deafR")
_LATE = _LOSSY | _codes("k9R")

# One of the two does not get the answers of the ping node.
_PING = _codes("pingR pingO pingB")

# Of 3.0.6. Each was seen when two 3.0.6 did the same (`tools/interop-matrix --reference`).
REAL: tuple[Allowed, ...] = (
    Allowed(r"Core dumps could be lost|Consider setting .*core_", "the laboratory's kernel settings"),
    Allowed(r"Cannot lock ourselves into memory", "the laboratory's limits"),
    Allowed(r"Logging daemon is disabled", "it recommends its own logging daemon"),
    Allowed(r"Initial dead time .* may be too small", "initdead is below ten seconds, to be quick"),
    Allowed(r"'legacy' auto_failback option|Please convert to|See documentation for", "legacy is deprecated"),
    Allowed(r"No Previous generation", "its first start on this machine"),
    Allowed(r"No STONITH device|Shared disks are not protected", "it takes over without fencing", _DIES),
    Allowed(r"WARN: node \S+: is dead", "the other node is", _DIES),
    Allowed(r"Emergency Shutdown|Killing pid \d+ with SIGTERM", "its master was killed", _codes("k9R")),
    Allowed(r"\d+ lost packet\(s\) for", "packets were lost", _LOSSY),
    Allowed(r"WARN: Late heartbeat: Node \S+ interval \d+ ms$", "packets were lost", _LOSSY),
    Allowed(r"WARN: (MSG\[\d+\] :|MSG: Dumping message|message is dropped)", "it asks twice", _LOSSY),
    Allowed(r"ERROR: Both machines own (our|foreign) resources", "for a moment both did", _CUT),
    Allowed(r"T_STARTING received during takeover", "it was busy", _codes("resO backO k9rel") | _CUT),
    Allowed(r"Shutdown delayed until current resource activity", "it was busy", _codes("resR endR")),
    Allowed(r"WARN: node 192\.0\.2\.100: is dead", "the ping node is", _PING | _DIES),
    Allowed(
        r"(WARN|CRIT): Late heartbeat: Node 192\.0\.2\.100: interval", "the ping node was", _PING | _DIES
    ),
    Allowed(r"WARN: Managed \S+/ipfail process \d+ exited with return code 100", "it ends in legacy mode"),
    Allowed(r"ipfail: \S+ ERROR: auto_failback set to incompatible legacy option", "the same"),
    Allowed(r"(Dispatch function|working on) .* (took|was delayed) .* \(> \d+ ms\)", "a busy machine"),
    # Its takeover and what it gives back meanwhile run side by side: what is said here is true for a moment
    # or never was. Seen beside ours, which answers sooner; the end is as it must be.
    Allowed(r"ERROR: Both machines own (our|foreign) resources", "it goes on taking over", _codes("backO")),
    Allowed(r"ERROR: No one owns (our|foreign) resources", "it goes on taking over", _CUT | _codes("backO")),
    Allowed(
        r" (\S+) heartbeat: \[\d+\]: ERROR: Ignored standby message 'done' from \1 ",
        "its own, of a takeover that it began twice",
        _codes("backO k9rel"),
    ),
    # Of its resource agents, which know nothing of the peer; each was seen once beside ours, not without.
    Allowed(r"send_arp: .* libnet_write failed", "its power went while it announced", _codes("dieR")),
    Allowed(r"IPaddr2.*Could not kill previously running send_arp", "it had just ended by itself"),
)

# Of ours.
OURS: tuple[Allowed, ...] = (
    Allowed(r"authkeys:2: warning: key 3: crc protects from accidents only", "the cell's key is crc"),
    Allowed(r"WARNING node \S+: runs heartbeat 3\.0\.6; speaking its protocol", "said once a start"),
    Allowed(r"WARNING node \S+: (\w+) -> dead", "the other node is", _DIES),
    Allowed(r"WARNING link .+: \S+ is no longer heard", "the other node is dead", _DIES | _LOSSY),
    Allowed(r"the (last )?daemon did not end cleanly; releasing", "it was killed", _codes("k9O k9rel k9lat")),
    Allowed(r"WARNING node \S+: late heartbeat", "packets were lost, or it was killed", _LATE),
    Allowed(r"ha\.cf:\d+: warning: respawn hacluster \S+ipfail is not started", "it is built in"),
    Allowed(r"ha\.cf:\d+: warning: apiauth is accepted and has no effect", "it is for ipfail"),
    Allowed(r"ha\.cf:\d+: warning: with auto_failback legacy ping nodes are only shown", "as with 3.0.6"),
    Allowed(r"WARNING ping node 192\.0\.2\.100: ", "it is lost", _PING),
    Allowed(r"WARNING link .+: down \(", "the cable was pulled, or the power", _codes("plug dieO")),
)

_TABLES = {"real": REAL, "ours": OURS}


def unexpected(member: Member, text: str, scenario: str) -> list[str]:
    """The complaints in a piece of log that are not allowed."""
    table = _TABLES[member.kind]
    return [line for line in member.complaints(text) if not _is_allowed(line, scenario, table)]


def _is_allowed(line: str, scenario: str, table: tuple[Allowed, ...]) -> bool:
    return any(
        re.search(allowed.pattern, line) and (not allowed.scenarios or scenario in allowed.scenarios)
        for allowed in table
    )
