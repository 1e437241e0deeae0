"""ldirectord.cf as JSON-like data: the inverse of `data`, for whoever describes the services in variables.

`from_data(as_data(text))` is a file that means the same, and what it makes is made again from itself.
"""

from __future__ import annotations

from typing import Any

from ultramonkey_heartbeat.config.lines import numbered_lines

from . import values
from .directives import BY_NAME, SECTIONS, Scope
from .layout import Entry, Section, lay_out
from .report import Report
from .server_lines import IPV6, split_real
from .settings import SECRETS, plain_value

Data = dict[str, Any]

# Their values are text even where it looks like a number.
_TEXT = (
    values.read_text,
    values.read_request,
    values.read_receive,
    values.read_command,
    values.read_logfile,
    values.read_timeouts,
)
HIDDEN = "(hidden)"


def as_data(text: str, file: str) -> Data:
    """What a file without errors says."""
    layout = lay_out(text, Report(file))
    return {
        "globals": _settings(layout.globals, Scope.GLOBAL),
        "services": [_service(section) for section in layout.sections],
    }


def _service(section: Section) -> Data:
    version6 = section.head.name == SECTIONS[1]
    where = section.head.value
    data: Data = {"virtual": int(where) if where.isdigit() else where}
    if version6 and not where.startswith("["):
        data["version"] = IPV6
    reals = [entry for entry in section.entries if entry.name.startswith("real")]
    if reals:
        data["reals"] = [_real(entry.value) for entry in reals]
    return {**data, **_settings(section.entries, Scope.SECTION)}


def _real(value: str) -> Data:
    words = split_real(value)
    optional = {"weight": words.weight, "request": words.request, "receive": words.receive}
    limits = {"lower": words.lower, "upper": words.upper}
    return {
        "server": words.server,
        "forward": words.forward,
        **{name: given for name, given in optional.items() if given is not None},
        **{name: limit for name, limit in limits.items() if limit},
    }


def _settings(entries: list[Entry], scope: Scope) -> Data:
    """The directives, and the fallbacks; the last one counts, as for the parser."""
    data: Data = {}
    for entry in entries:
        if entry.name in BY_NAME:
            given = plain_value(entry, BY_NAME[entry.name], Report(""))
            if given is not None:
                data[entry.name] = _natural(entry.name, given)
        elif entry.name.startswith("fallback"):
            name = "fallback" if scope is Scope.SECTION else entry.name
            data[name] = dict(zip(("server", "forward"), entry.value.split()))
    return data


def _natural(name: str, text: str) -> Any:
    """The value as data has it."""
    read = BY_NAME[name].read
    if read is values.read_yes_no:
        return text.lower() == "yes"
    if read not in _TEXT and text.isascii() and text.isdigit() and str(int(text)) == text:
        return int(text)
    return text


def without_secrets(text: str) -> str:
    """The text for people: values that nobody may see are replaced. For files with errors, too."""
    lines = []
    for _, line in numbered_lines(text):
        name, equals, _ = line.partition("=")
        hides = equals and name.strip() in SECRETS
        lines.append(f'{name}="{HIDDEN}"' if hides else line)
    return "\n".join(lines)
