"""Frozen values to the text of the three files; the parsers read the text back to equal values.

The text is also what heartbeat 3.0.6 reads, as far as it knows the values.
"""

from __future__ import annotations

from collections.abc import Iterable

from .data import from_data
from .directives import DIRECTIVES
from .model import AuthKeys, Group, HaCf

__all__ = ["from_data", "render_authkeys", "render_ha_cf", "render_haresources"]


def render_ha_cf(ha: HaCf) -> str:
    """Every directive that is carried out, in the order of the table.

    Raises ValueError when bcast and ucast links differ in port, or serial links in speed: ha.cf has one
    `udpport` and one `baud`.
    """
    lines: list[str] = []
    for directive in DIRECTIVES:
        if directive.write is not None:
            lines.extend(directive.write(ha))
    return _text(lines)


def render_haresources(groups: Iterable[Group]) -> str:
    """One line for each group, its resources as they were written."""
    return _text(
        " ".join((group.preferred, *(resource.text for resource in group.resources))) for group in groups
    )


def render_authkeys(authkeys: AuthKeys) -> str:
    """The `auth` line and the keys. This text holds the secrets: write it with mode 600, and never log it."""
    lines = [f"auth {authkeys.current}"]
    for key in authkeys.keys:
        secret = key.secret.decode("utf-8", "surrogateescape")
        lines.append(f"{key.index} {key.method} {secret}".rstrip(" "))
    return _text(lines)


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
