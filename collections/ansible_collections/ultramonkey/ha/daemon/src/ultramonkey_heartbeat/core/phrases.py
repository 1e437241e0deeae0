"""The messages of the resource conversation, as the fields that 3.0.6 expects (docs/PROTOCOL.md, "R1")."""

from __future__ import annotations

from collections.abc import Sequence

from ..wire.message import Field, string
from .parts import Part

# How every report of what we hold begins.
REPORT = string("t", "resource")


def starting() -> list[Field]:
    """Tell me what you hold."""
    return [string("t", "starting")]


def resource(held: Part, *, stable: bool, info: str | None = None) -> list[Field]:
    """This is all that I hold; `stable`: and I have finished moving."""
    fields = [
        REPORT,
        string("rsc_hold", held.word),
        string("rtype", "full"),
        string("isstable", "1" if stable else "0"),
    ]
    return fields if info is None else [*fields, string("info", info)]


def ask_resources(word: str, info: str) -> list[Field]:
    """A step of a standby; `word` is seen from the giver, whoever speaks."""
    return [string("t", "ask_resources"), string("rsc_hold", word), string("info", info)]


def hb_takeover(wanted: Part) -> list[Field]:
    """Give me this; the receiver maps the word to its own view."""
    return [string("t", "hb_takeover"), string("rsc_hold", wanted.word)]


def repnodes(asker: str, nodes: Sequence[str]) -> list[Field]:
    """These are all nodes; whoever is not in the list is removed by the asker."""
    return [
        string("dest", asker),
        string("t", "repnodes"),
        string("nodelist", "".join(f"{name} " for name in nodes)),
        string("delnodelist", " "),
    ]
