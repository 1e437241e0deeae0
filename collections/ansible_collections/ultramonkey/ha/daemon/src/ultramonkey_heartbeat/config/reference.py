"""The table of directives for people: `hbctl config directives`, and the manual."""

from __future__ import annotations

from collections.abc import Iterable

from .directive import Directive, Treatment
from .directives import DIRECTIVES

_TITLES = {
    Treatment.DONE: "Carried out",
    Treatment.ALIAS: "Old names, still read",
    Treatment.NO_EFFECT: "Accepted with a warning, nothing to do",
    Treatment.REFUSED: "Refused, because going on without them would be dangerous",
}


def help_text() -> str:
    """The table as plain text: for each directive its syntax, its meaning, and what bounds it."""
    lines: list[str] = []
    for treatment, title in _TITLES.items():
        lines += [f"{title}:", ""]
        for directive in _of(treatment):
            lines += [f"  {directive.name} {directive.syntax}", f"      {directive.explanation}"]
            lines += [f"      {note}" for note in _notes(directive)]
        lines.append("")
    return "\n".join(lines)


def markdown() -> str:
    """The table as Markdown, one section for each treatment."""
    lines: list[str] = []
    for treatment, title in _TITLES.items():
        lines += [f"## {title}", "", "| directive | meaning | notes |", "|---|---|---|"]
        for directive in _of(treatment):
            cells = (
                f"`{directive.name} {directive.syntax}`",
                directive.explanation,
                "; ".join(_notes(directive)),
            )
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _of(treatment: Treatment) -> Iterable[Directive]:
    return (directive for directive in DIRECTIVES if directive.treatment is treatment)


def _notes(directive: Directive) -> list[str]:
    notes = []
    if directive.default:
        notes.append(f"default: {directive.default}")
    if directive.unit:
        notes.append(f"unit: {directive.unit}")
    if directive.range:
        notes.append(f"allowed: {directive.range}")
    if directive.remedy:
        notes.append(f"instead: {directive.remedy}")
    return notes
