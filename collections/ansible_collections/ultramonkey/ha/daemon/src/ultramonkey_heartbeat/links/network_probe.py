"""What nodes tell each other to find out over which links their datagrams really pass. Pure.

Each node sends probes over every link, to the port of the heartbeats:

    umnetprobe1 {"node": NAME, "session": TOKEN, "link": NAME, "links": [...], "heard": {NODE: [LINK, ...]}}

`link` is the sender's name for the link it was sent over, and `heard` says over which of *their* links the
sender has heard the others. So a node learns of each link of its own whether it hears and is heard.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

_MAGIC = b"umnetprobe1 "
# A heartbeat of any daemon, ours or 3.0.6: who it says that it is.
_SOURCE = re.compile(rb"[\n)]src=([A-Za-z0-9._-]{1,64})[,\n]")
_HEARTBEAT_STARTS = (b"###\n", b">>>\n")
# What somebody else sends us must not fill our memory.
_NAMES_MAX = 64

Json = dict[str, Any]
LinkState = tuple[bool, str]

REMEDIES = {
    "link-down": "see the interface named, its cable and its address",
    "link-silent": "see the cable or switch between them, and their firewalls: they must let the "
    "heartbeats' port through",
    "link-one-way": "see the firewall of the node that does not hear, and the switch",
    "link-not-tested": "give the links another port, or stop the other cluster",
    "link-good": "",
}


@dataclass
class LinkReport:
    """One of our links."""

    up: bool = False
    reason: str = "not opened"
    heard: set[str] = field(default_factory=set)
    heard_by: set[str] = field(default_factory=set)
    # Members of the cluster whose daemon speaks.
    heartbeats: set[str] = field(default_factory=set)
    strangers: dict[str, str] = field(default_factory=dict)


class NetworkProbe:
    """This node's part of the test. `peers` are the nodes that test at the same time.

    `members` are the other nodes of the cluster, whose daemons may run already.
    """

    def __init__(
        self, node: str, session: str, links: Sequence[str], peers: Sequence[str], members: Sequence[str] = ()
    ) -> None:
        self.links = {name: LinkReport() for name in links}
        self._members = frozenset(members)
        self._node = node
        self._session = session
        self._peers = tuple(peers)
        # Peer to the names of its links, as it says.
        self._links_of: dict[str, list[str]] = {}
        # Peer to those of its links over which we heard it.
        self._heard_over: dict[str, set[str]] = {}

    def link_changed(self, link: str, *, up: bool, reason: str) -> None:
        """A link of ours can, or can no longer, carry anything."""
        if link in self.links:
            self.links[link].up, self.links[link].reason = up, reason

    def frame(self, link: str) -> bytes:
        """What to send over the link now."""
        heard = {peer: sorted(links) for peer, links in sorted(self._heard_over.items())}
        said = {
            "node": self._node,
            "session": self._session,
            "link": link,
            "links": list(self.links),
            "heard": heard,
        }
        return _MAGIC + json.dumps(said, separators=(",", ":")).encode()

    def received(self, link: str, data: bytes) -> None:
        """Take in a datagram that came over one of our links."""
        report = self.links.get(link)
        if report is None:
            return
        if data.startswith(_MAGIC):
            self._probe(report, data[len(_MAGIC) :])
        elif data.startswith(_HEARTBEAT_STARTS):
            found = _SOURCE.search(data)
            name = found[1].decode().lower() if found else "somebody"
            if name in self._members:
                report.heartbeats.add(name)
            else:
                self._stranger(report, name, "sends heartbeats")

    def _probe(self, report: LinkReport, text: bytes) -> None:
        said = _understood(text)
        if said is None or (said["node"], said["session"]) == (self._node, self._session):
            return
        node = said["node"]
        if node not in self._peers:
            self._stranger(report, node, "tests its links, too")
            return
        report.heard.add(node)
        self._links_of[node] = said["links"]
        self._heard_over.setdefault(node, set()).add(said["link"])
        for name in said["heard"].get(self._node, ()):
            if name in self.links:
                self.links[name].heard_by.add(node)

    @staticmethod
    def _stranger(report: LinkReport, name: str, does: str) -> None:
        if len(report.strangers) < _NAMES_MAX:
            report.strangers.setdefault(name, does)

    @property
    def is_disturbing(self) -> bool:
        """Whether another cluster lives here, which our probes would only trouble."""
        return any(report.strangers for report in self.links.values())

    @property
    def is_complete(self) -> bool:
        """Whether nothing more can be learned: everything that is up works both ways."""
        return all(self.verdict(name)[0] in ("link-good", "link-down") for name in self.links)

    def expected(self, link: str) -> list[str]:
        """The peers that should be heard over the link: those that have it, and those that are silent.

        A `ucast` link leads to one of them; which one, shows when it answers.
        """
        report = self.links[link]
        if link.startswith("ucast "):
            return sorted(report.heard | report.heard_by)
        return [peer for peer in self._peers if link in self._links_of.get(peer, [link])]

    def verdict(self, link: str) -> tuple[str, str]:
        """A code and a sentence about a link."""
        report = self.links[link]
        if not report.up:
            return "link-down", f"{link} is down: {report.reason}"
        expected = self.expected(link)
        if link.startswith("ucast ") and not expected and self._peers:
            return "link-silent", f"nothing is heard over {link}, and nobody hears this node over it"
        lacking = [self._lack(report, link, peer) for peer in expected]
        found = [one for one in lacking if one is not None]
        if not found:
            if not expected:
                return "link-good", f"{link} is up, and nobody else tests"
            return "link-good", f"{link} passes both ways ({' and '.join(expected)})"
        code = "link-silent" if any(one[0] == "link-silent" for one in found) else "link-one-way"
        return code, "; ".join(text for _, text in found)

    def _lack(self, report: LinkReport, link: str, peer: str) -> tuple[str, str] | None:
        hears, is_heard = peer in report.heard, peer in report.heard_by
        if hears and is_heard:
            return None
        if hears:
            return "link-one-way", f"{peer} is heard over {link}, but does not hear this node over it"
        if is_heard:
            return "link-one-way", f"{peer} hears this node over {link}, but nothing comes from it"
        return "link-silent", f"nothing of {peer} is heard over {link}"

    def result(self) -> Json:
        """Everything that was found, as plain data."""
        links = []
        for name, report in self.links.items():
            code, text = self.verdict(name)
            if code not in ("link-good", "link-down") and self.is_disturbing:
                code, text = "link-not-tested", f"{name} was not tested, because another cluster lives there"
            links.append(
                {
                    "name": name,
                    "verdict": code,
                    "text": text,
                    "remedy": REMEDIES[code],
                    "heard": sorted(report.heard),
                    "heard_by": sorted(report.heard_by),
                    "heartbeats": sorted(report.heartbeats),
                }
            )
        strangers = [
            {"name": name, "link": link, "text": f"{name} {does} over {link}"}
            for link, report in self.links.items()
            for name, does in sorted(report.strangers.items())
        ]
        return {"node": self._node, "links": links, "strangers": strangers}


def _understood(text: bytes) -> Json | None:
    """What a probe says, or None when it is not one."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or not isinstance(said.get("heard"), dict):
        return None
    plain = all(isinstance(said.get(key), str) for key in ("node", "session", "link"))
    lists = [said.get("links"), *said["heard"].values()]
    if not plain or not all(_is_list_of_names(one) for one in lists):
        return None
    return said


def _is_list_of_names(value: object) -> bool:
    return isinstance(value, list) and len(value) <= _NAMES_MAX and all(isinstance(one, str) for one in value)
