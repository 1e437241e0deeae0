"""Nodes of a later version of ours: they say a higher version, more fields, and words we do not know."""

from __future__ import annotations

from ..wire.message import Field, Message, decimal, string

LATER = 2


class LaterVersion:
    """Rewrites what some nodes say, as a later version might say it."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = frozenset(names)

    def __call__(self, sender: str, message: Message) -> Message:
        """The message as the later version says it; a status only."""
        if sender not in self._names or message.find("um_v") is None:
            return message
        fields: list[Field] = []
        for item in message.fields:
            if item.name == "um_v":
                fields += (decimal("um_v", LATER), string("um_mood", "calm"))
            elif item.name == "um_grp":
                # A cause that only they know.
                fields.append(item._replace(value=item.value.replace(b",failback,", b",rebalance,")))
            else:
                fields.append(item)
        return Message(tuple(fields))
