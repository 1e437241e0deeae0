"""What the links themselves know, put into the status that the core made: docs/CONTROL.md, `links`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..links.base import Link

Json = dict[str, Any]


def with_counters(status: Json, links: Sequence[Link]) -> Json:
    """The status, each of its links with what passed over it. Frames that lost a mark are damaged, too."""
    by_name = {link.name: link for link in links}
    return {
        **status,
        "links": [_with_counters(entry, by_name.get(entry["name"])) for entry in status["links"]],
    }


def _with_counters(entry: Json, link: Link | None) -> Json:
    if link is None:
        return entry
    counters, load = link.counters, link.load()
    return {
        **entry,
        "frames_sent": counters.sent,
        "frames_received": counters.received,
        "frames_damaged": entry["frames_damaged"] + counters.receive_errors,
        "frames_dropped": counters.send_errors,
        "bytes_sent": counters.sent_bytes,
        "bytes_received": counters.received_bytes,
        "load": None if load is None else {"out": round(load[0], 3), "in": round(load[1], 3)},
    }
