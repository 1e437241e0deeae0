"""The table of directives for people: `ldirectord directives`, and docs/LDIRECTORD.md."""

from __future__ import annotations

from .directives import DIRECTIVES, Directive, Scope, Treatment

_TITLES = {
    Treatment.DONE: "Carried out",
    Treatment.NO_EFFECT: "Accepted with a warning, nothing to do",
    Treatment.NOT_CARRIED_OUT: "Accepted with a warning, not carried out in this release",
    Treatment.REFUSED: "Refused",
}
_SCOPES = {Scope.GLOBAL: "global", Scope.SECTION: "section", Scope.BOTH: "both"}


def help_text() -> str:
    """The table as plain text."""
    lines: list[str] = []
    for treatment, title in _TITLES.items():
        lines += [f"{title}:", ""]
        for row in (row for row in DIRECTIVES if row.treatment is treatment):
            lines += [f"  {row.name}={row.syntax}  ({_SCOPES[row.scope]})"]
            lines += [f"      {note}" for note in (row.explanation, *_notes(row)) if note]
        lines.append("")
    return "\n".join(lines)


def markdown() -> str:
    """The table as Markdown."""
    lines: list[str] = []
    for treatment, title in _TITLES.items():
        lines += [f"### {title}", "", "| directive | where | meaning | notes |", "|---|---|---|---|"]
        for row in (row for row in DIRECTIVES if row.treatment is treatment):
            cells = (
                f"`{row.name}={row.syntax}`",
                _SCOPES[row.scope],
                row.explanation,
                "; ".join(_notes(row)),
            )
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _notes(row: Directive) -> list[str]:
    notes = [f"default: {row.default}"] if row.default else []
    if row.remedy:
        notes.append(f"instead: {row.remedy}")
    if row.ours:
        notes.append("the Perl ldirectord does not know it")
    return notes
