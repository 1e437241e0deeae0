"""The state of a node as docs/CONTROL.md shows it: what `status`, modules, metrics and people read."""

from __future__ import annotations

from typing import Any

from .. import __version__
from ..config.model import UnicastLink
from ..config.parameters import parameters
from .membership import Peer, PeerState
from .node import Node
from .reach import Reach
from .report import GroupState, Phase, Report

Json = dict[str, Any]

# A link is missed when nothing came over it for the dead time, and no sooner than that.
UNHEARD_AFTER_MS = 10_000


def snapshot(node: Node, now_ms: int) -> Json:
    """Everything that is known here now, as plain data."""
    ha = node.configuration.ha
    problems = _problems(node, now_ms)
    return {
        "node": node.identity.name,
        "version": __version__,
        "state": node.phase.value,
        "generation": node.transmitter.generation,
        "uptime_ms": now_ms - node.started_at_ms,
        "config": {
            "digest": node.configuration.digest,
            "keepalive_ms": ha.keepalive_ms,
            "deadtime_ms": ha.deadtime_ms,
            "auto_failback": ha.auto_failback.value,
            "parameters": parameters(ha),
        },
        "nodes": [
            _self(node) if name == node.identity.name else _peer(node, node.membership.peers[name], now_ms)
            for name in ha.nodes
        ],
        "links": [_link(node, name, now_ms) for name in node.links],
        "ping_nodes": node.pings.describe(now_ms),
        "groups": [_group(node, key, now_ms) for key in node.steward.groups],
        "maintenance": {
            "cluster": node.switches.cluster_maintained(),
            "groups": node.switches.groups_maintained(),
        },
        "problems": problems,
        "healthy": not problems,
        "counters": {
            "frames_received": node.reception.received,
            "frames_rejected": node.complaints.rejected,
            "messages_sent": node.transmitter.sent,
        },
    }


def _self(node: Node) -> Json:
    return {
        "name": node.identity.name,
        "self": True,
        "state": node.phase.value,
        "kind": "ultramonkey",
        "generation": node.transmitter.generation,
        "silent_ms": 0,
        "deadtime_ms": node.configuration.ha.deadtime_ms,
        "config_digest": node.configuration.digest,
        "standby": node.switches.on_standby(node.identity.name),
        "ping_lost": _lost(node.pings.reach()),
        "links": [],
    }


def _peer(node: Node, peer: Peer, now_ms: int) -> Json:
    kind = "heartbeat" if peer.old else "ultramonkey" if peer.report else "unknown"
    return {
        "name": peer.name,
        "self": False,
        "state": peer.state.value,
        "kind": kind,
        "generation": peer.generation,
        "silent_ms": None if peer.last_heard_ms is None else now_ms - peer.last_heard_ms,
        "deadtime_ms": peer.deadtime_ms,
        "config_digest": peer.report.digest if peer.report else None,
        "standby": node.switches.on_standby(peer.name),
        "ping_lost": _lost(peer.report.reach) if peer.alive and peer.report else None,
        "links": [
            {"name": name, "up": link.up, "silent_ms": now_ms - link.last_heard_ms}
            for name, link in peer.links.items()
        ],
    }


def _lost(reach: Reach) -> list[str] | None:
    return sorted(reach.lost) if reach.configured else None


def _link(node: Node, name: str, now_ms: int) -> Json:
    up, reason = node.links[name]
    heard = [peer.links[name].last_heard_ms for peer in node.membership.peers.values() if name in peer.links]
    return {
        "name": name,
        "up": up,
        "reason": reason,
        "silent_ms": now_ms - max(heard) if heard else None,
        "frames_damaged": node.complaints.damaged.get(name, 0),
    }


def _group(node: Node, key: str, now_ms: int) -> Json:
    local = node.steward.groups[key]
    return {
        "key": key,
        "preferred": local.group.preferred,
        "resources": [resource.text for resource in local.group.resources],
        "holder": node.steward.holder(key),
        "states": {name: state.value for name, state in node.steward.states(key, node.phase).items()},
        "epoch": local.assignment.epoch,
        "owner": local.assignment.owner or None,
        "maintenance": node.switches.maintained(key),
        "last_move": node.steward.history.describe(key, now_ms),
    }


# -- what is wrong ---------------------------------------------------------------------------------


def _problems(node: Node, now_ms: int) -> list[Json]:
    return [
        *_node_problems(node),
        *_switch_problems(node),
        *_link_problems(node, now_ms),
        *_ping_problems(node),
        *_group_problems(node),
    ]


def _problem(code: str, name: str, text: str, remedy: str) -> Json:
    return {"code": code, "node": name, "text": text, "remedy": remedy}


def _node_problems(node: Node) -> list[Json]:
    problems = []
    if node.complaints.duplicate_name:
        problems.append(
            _problem(
                "duplicate-name",
                node.identity.name,
                f"another machine also calls itself {node.identity.name}",
                "give each machine a name and an hb_uuid of its own",
            )
        )
    for peer in node.membership.peers.values():
        if peer.state in (PeerState.DEAD, PeerState.UNKNOWN, PeerState.LEFT):
            what = {
                PeerState.DEAD: "is dead: nothing is heard of it",
                PeerState.UNKNOWN: "has not been heard yet",
                PeerState.LEFT: "was stopped",
            }[peer.state]
            problems.append(
                _problem(
                    f"node-{peer.state.value}",
                    peer.name,
                    f"{peer.name} {what}",
                    f"see whether {peer.name} and its daemon run, and whether the links reach it",
                )
            )
        elif peer.old:
            problems.append(
                _problem(
                    "old-peer",
                    peer.name,
                    f"{peer.name} runs heartbeat 3.0.6; groups move only as all, local or foreign",
                    f"install this daemon on {peer.name}, too",
                )
            )
            if node.conversation is not None and not node.conversation.settled():
                problems.append(
                    _problem(
                        "not-settled",
                        peer.name,
                        f"{peer.name} has not yet said what it holds, or groups are just being moved",
                        "wait; if it stays, see the log of heartbeat there",
                    )
                )
        elif peer.report is not None and _differences(node, peer.report):
            problems.append(
                _problem(
                    "config-differs",
                    peer.name,
                    f"{peer.name} and {node.identity.name} have different {_differences(node, peer.report)}",
                    "make ha.cf and haresources the same on all nodes, then restart the one that was behind",
                )
            )
    return problems


def _differences(node: Node, theirs: Report) -> str:
    """What is not the same in the files of a peer, in words."""
    if theirs.digest != node.configuration.digest:
        return f"nodes, groups or auto_failback (digest {theirs.digest}, here {node.configuration.digest})"
    return "ping nodes" if theirs.reach.configured != node.pings.reach().configured else ""


def _switch_problems(node: Node) -> list[Json]:
    switches, me, problems = node.switches, node.identity.name, []
    groups = switches.groups_maintained()
    what = "the cluster" if switches.cluster_maintained() else ", ".join(groups)
    if what and any(peer.old for peer in node.membership.alive()):
        remedy = "install this daemon on all nodes"
        text = f"{what}: under maintenance, but a node runs heartbeat 3.0.6, which knows none; there is none"
        problems.append(_problem("maintenance", me, text, remedy))
    elif what:
        end = "" if switches.cluster_maintained() else f" {groups[0]}"
        text = f"{what}: under maintenance; nothing is started, stopped or taken over"
        remedy = f"when the work is done, `hbctl maintenance off{end}`"
        problems.append(_problem("maintenance", me, text, remedy))
    problems += [
        _problem(
            "standby",
            name,
            f"{name} is on standby; it takes nothing over",
            f"when the work is done, `hbctl node active {name}`",
        )
        for name in node.configuration.ha.nodes
        if switches.on_standby(name)
    ]
    return problems


def _link_problems(node: Node, now_ms: int) -> list[Json]:
    me = node.identity.name
    problems = [
        _problem("link-down", me, f"{name} is down: {reason}", "see the interface named and its cable")
        for name, (up, reason) in node.links.items()
        if not up
    ]
    for peer in node.membership.alive():
        problems += [
            _problem(
                "link-silent",
                peer.name,
                f"{peer.name} is no longer heard over {name}",
                f"see this link on both {me} and {peer.name}",
            )
            for name, link in peer.links.items()
            if not link.up
        ]
    return [*problems, *(_unheard(me, name) for name in _links_never_heard(node, now_ms))]


def _links_never_heard(node: Node, now_ms: int) -> list[str]:
    """Links that are up, and over which no peer was ever heard though one has been alive for long enough.

    A `ucast` line may name this node itself, so that one file serves all: nothing is concluded from it.
    """
    since_ms = now_ms - max(node.configuration.ha.deadtime_ms, UNHEARD_AFTER_MS)
    alive = node.membership.alive()
    if not any(peer.alive_since_ms <= since_ms for peer in alive):
        return []
    heard = {name for peer in node.membership.peers.values() for name in peer.links}
    return [
        link.name
        for link in node.configuration.ha.links
        if not isinstance(link, UnicastLink)
        and link.name not in heard
        and node.links[link.name][0]
        and node.link_changed_ms.get(link.name, now_ms) <= since_ms
    ]


def _unheard(me: str, name: str) -> Json:
    remedy = "see the cable; compare this link with that of the other nodes"
    if name.startswith("serial "):
        remedy += "; with the daemons stopped, run `hbctl link test serial` on both"
    return _problem("link-unheard", me, f"no node was ever heard over {name}", remedy)


def _ping_problems(node: Node) -> list[Json]:
    me = node.identity.name
    lost = [(me, name) for name in sorted(node.pings.reach().lost)]
    for peer in node.membership.alive():
        if peer.report is not None:
            lost += [(peer.name, name) for name in sorted(peer.report.reach.lost)]
    problems = [
        _problem(
            "ping-lost",
            name,
            f"{name} no longer reaches the ping node {ping}",
            f"see the network between {name} and {ping}; if no node reaches it, see {ping} itself",
        )
        for name, ping in lost
    ]
    problems += [
        _problem(
            "ping-impossible",
            me,
            f"{me} cannot ping {ping}: {reason}",
            "see the reason; nothing is decided by it",
        )
        for ping, reason in node.pings.cannot()
    ]
    return problems


def _group_problems(node: Node) -> list[Json]:
    problems = []
    for key in node.steward.groups:
        states = node.steward.states(key, node.phase)
        for name, state in states.items():
            if state is GroupState.FAILED:
                problems.append(
                    _problem(
                        "group-failed",
                        name,
                        f"{key} could not be started on {name}",
                        f"see the log of {name}; after mending it, `hbctl cleanup {key}` there",
                    )
                )
            if state is GroupState.STUCK:
                problems.append(
                    _problem(
                        "group-stuck",
                        name,
                        f"{key} could not be stopped on {name}; no other node may start it",
                        f"stop it by hand on {name}, then `hbctl cleanup {key}` there; "
                        "the daemon there tries again every 30 s, too",
                    )
                )
        problems += [
            _problem(
                "group-stuck",
                peer.name,
                f"{key} could not be stopped on {peer.name}, which is gone; no other node may start it",
                f"make sure that nothing of it runs on {peer.name}, then start the daemon there, "
                f"or `hbctl cleanup {key}` here",
            )
            for peer in node.steward.leftovers.of(key)
            if peer.report is not None and peer.report.state(key) is GroupState.STUCK
        ]
        problems += [
            _problem(
                "group-left-running",
                peer.name,
                f"{key} was left running on {peer.name}, under maintenance; no other node may start it",
                f"start the daemon on {peer.name}, or make sure that nothing of it runs there and then "
                f"`hbctl cleanup {key}` here",
            )
            for peer in node.steward.leftovers.of(key)
            if peer.report is not None and peer.report.state(key) is GroupState.HELD
        ]
        held = [name for name, state in states.items() if state is GroupState.HELD]
        if len(held) > 1:
            problems.append(
                _problem(
                    "conflict", held[0], f"{key} is held by {' and '.join(held)}", "wait: it is being settled"
                )
            )
        if not held and node.phase is not Phase.JOINING:
            problems.append(
                _problem("group-unheld", node.identity.name, f"nobody holds {key}", "see the other problems")
            )
    return problems
