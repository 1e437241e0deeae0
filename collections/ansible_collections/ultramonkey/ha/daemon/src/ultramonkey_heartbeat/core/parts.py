"""The four words in which heartbeat 3.0.6 speaks of resources: none, local, foreign, all.

Local are the groups that prefer the speaker, foreign all others. Which groups that means is not on the
wire: both nodes have the same haresources.
"""

from __future__ import annotations

from enum import IntFlag


class Part(IntFlag):
    """What 3.0.6 can say about resources, seen from one node."""

    NONE = 0
    LOCAL = 1
    FOREIGN = 2
    ALL = 3

    @property
    def mirrored(self) -> Part:
        """The same groups seen from the other node."""
        return _MIRRORED[self]

    @property
    def word(self) -> str:
        """As it stands on the wire."""
        return _WORDS[self]


_MIRRORED = {Part.NONE: Part.NONE, Part.LOCAL: Part.FOREIGN, Part.FOREIGN: Part.LOCAL, Part.ALL: Part.ALL}
_WORDS = {Part.NONE: "none", Part.LOCAL: "local", Part.FOREIGN: "foreign", Part.ALL: "all"}
PARTS = {word: part for part, word in _WORDS.items()}
# What hb_standby is called with when a peer asks by hb_takeover (failback is not mapped in 3.0.6: all).
TAKEOVER = {"all": Part.ALL, "local": Part.FOREIGN, "foreign": Part.LOCAL, "failback": Part.ALL}
