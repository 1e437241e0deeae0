"""JSON-like data to the text of the three files, for whoever describes a cluster in variables.

The data is turned into lines, and the lines are given to the parsers of the files, so there is one grammar.
Each line remembers where in the data its words came from, and problems name that place
(`links[1].interface`) instead of a line.

The data:

    nodes: [NAME, ...]
    links: [{type: bcast, interface, port?}, {type: mcast|mcast6, interface, group, port?, ttl?, loop?},
            {type: ucast|ucast6, interface, address, port?}, {type: serial, device, baud?},
            {type: ppp, device, address, peer, baud?, port?, options?}, ...]
    keepalive, deadtime, warntime, initdead: "100ms", or a number of seconds
    auto_failback: on, off or legacy
    directives: {NAME: VALUE or [VALUE, ...]}, any other directive of the table
    groups: [{node: NAME, resources: [WORD, ...]}, ...]
    authkeys: {current: INDEX, keys: [{index, method, key?}, ...]}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from .authkeys import parse_authkeys
from .configuration import AUTHKEYS, HA_CF, HARESOURCES
from .data_reader import DataReader, Line
from .directives import BY_NAME
from .doubts import check_peers, check_pings
from .ha_cf import read_ha_cf
from .haresources import parse_haresources
from .link_lines import DEFAULT_PORT
from .problems import Problem, has_errors, shown
from .values import BadValueError, read_time_ms, written_time

TIMERS = ("keepalive", "deadtime", "warntime", "initdead")
KEYS = ("nodes", "links", *TIMERS, "auto_failback", "directives", "groups", "authkeys")
# For each type of link: the keys that make its line, in the line's order; with a default when optional.
KEYS_OF_LINK: Mapping[str, tuple[tuple[str, str | None], ...]] = {
    "bcast": (("interface", None),),
    "mcast": (("interface", None), ("group", None), ("port", str(DEFAULT_PORT)), ("ttl", "1"), ("loop", "0")),
    "mcast6": (
        ("interface", None),
        ("group", None),
        ("port", str(DEFAULT_PORT)),
        ("ttl", "1"),
        ("loop", "0"),
    ),
    "ucast": (("interface", None), ("address", None)),
    "ucast6": (("interface", None), ("address", None)),
    "serial": (("device", None),),
    "ppp": (("address", None), ("device", None), ("peer", None), ("options", "")),
}
# Where the directive has another name than the type.
_DIRECTIVES = {"ppp": "ppp-udp"}
TYPE_OF_DIRECTIVE = {directive: kind for kind, directive in _DIRECTIVES.items()}
# Keys that belong to one link in the data, and to all links together in the file.
KEYS_SHARED_BY: Mapping[str, tuple[str, ...]] = {
    "bcast": ("port",),
    "ucast": ("port",),
    "ucast6": ("port",),
    "serial": ("baud",),
    "ppp": ("baud", "port"),
}
DIRECTIVE_OF_KEY = {"port": "udpport", "baud": "baud"}
# Where in the data the fault is when the file as a whole lacks something.
_MISSING_PATHS = {
    "node": "nodes",
    "link": "links",
    "auto_failback": "auto_failback",
    "auth": "authkeys.current",
}
_POSITION = re.compile(rf"(?:{re.escape(HA_CF)}|{HARESOURCES}|{AUTHKEYS}):([0-9]+)")


def from_data(data: Mapping[str, Any]) -> tuple[dict[str, str], list[Problem]]:
    """The texts by file name, and every problem with the path of the word at fault as its file.

    The texts are empty when there is an error. `authkeys` is among them when the data has keys.
    """
    reader = DataReader()
    root = reader.mapping(data, "", KEYS)
    ha_lines = _ha_cf_lines(reader, root)
    group_lines = list(_group_lines(reader, root))
    key_lines = list(_key_lines(reader, root)) if "authkeys" in root else []
    problems = [
        *reader.problems,
        *_parsed(ha_lines, group_lines, key_lines, {one.file for one in reader.problems}),
    ]
    if has_errors(problems):
        return {}, problems
    texts = {HA_CF: _text(ha_lines), HARESOURCES: _text(group_lines)}
    if key_lines:
        texts[AUTHKEYS] = _text(key_lines)
    return texts, problems


def _text(lines: list[Line]) -> str:
    return "".join(f"{line.text}\n" for line in lines)


# What is judged together: where one is at fault, nothing sure can be said about the others.
_TOGETHER = (TIMERS, ("nodes", "groups"), ("authkeys",))


def _parsed(
    ha_lines: list[Line], group_lines: list[Line], key_lines: list[Line], faulty: set[str]
) -> list[Problem]:
    """What the parsers say. Lines that the reader found `faulty` are left out, with what depends on them."""
    if faulty:
        roots = {_root(path) for path in faulty}
        doubtful = {one for those in _TOGETHER if roots & set(those) for one in those}
        ha_lines, group_lines, key_lines = (
            [
                line
                for line in lines
                if _root(line.path) not in doubtful
                and not faulty.intersection(path for _, path in line.words)
            ]
            for lines in (ha_lines, group_lines, key_lines)
        )
    source = read_ha_cf(_text(ha_lines), HA_CF)
    groups, in_groups = parse_haresources(_text(group_lines), source.nodes, HARESOURCES)
    in_keys = parse_authkeys(_text(key_lines), None, AUTHKEYS)[1] if key_lines else []
    problems: list[Problem] = []
    in_ha = [*source.problems, *check_peers(source, groups), *check_pings(source, groups)]
    for found, lines in ((in_ha, ha_lines), (in_groups, group_lines), (in_keys, key_lines)):
        # What the file as a whole lacks may be in the lines that were left out.
        problems.extend(_located(one, lines, group_lines) for one in found if one.line or not faulty)
    return problems


def _root(path: str) -> str:
    """The key of the data that the path begins with."""
    return re.split(r"[.[]", path)[0]


def _located(problem: Problem, lines: list[Line], group_lines: list[Line]) -> Problem:
    """The problem with paths in place of lines."""

    def path_of(match: re.Match[str]) -> str:
        mentioned = group_lines if match[0].startswith(HARESOURCES) else lines
        return mentioned[int(match[1]) - 1].path

    if problem.line:
        line = lines[problem.line - 1]
        path = next((path for word, path in line.words if path and word == problem.word), line.path)
    else:
        path = _MISSING_PATHS.get(problem.word, problem.word)
    # The parser of ha.cf begins with the directive, which the path has just said.
    message = problem.message.removeprefix(f"{path.rpartition('.')[2]}: ")
    return replace(problem, file=path, line=0, message=_POSITION.sub(path_of, message))


# --- ha.cf --------------------------------------------------------------------------------------------------


def _ha_cf_lines(reader: DataReader, root: Mapping[str, Any]) -> list[Line]:
    by_name: dict[str, list[Line]] = {}
    links = list(_link_lines(reader, root, by_name))
    for index, name in enumerate(reader.sequence(root.get("nodes", []), "nodes")):
        path = f"nodes[{index}]"
        by_name.setdefault("node", []).append(Line.of(path, ("node", ""), (reader.word(name, path), path)))
    for name in (*TIMERS, "auto_failback"):
        if name in root:
            word = _written(name, reader.word(root[name], name))
            by_name.setdefault(name, []).append(Line.of(name, (name, ""), (word, name)))
    for name, line in _directive_lines(reader, root):
        by_name.setdefault(name, []).append(line)
    by_name["bcast"] = links
    return [line for name in BY_NAME for line in by_name.get(name, [])]


def _written(name: str, word: str) -> str:
    """A time in the spelling that heartbeat 3.0.6 reads too; any other word as it is."""
    if name not in TIMERS:
        return word
    try:
        return written_time(read_time_ms(word))
    except BadValueError:
        return word


def _link_lines(reader: DataReader, root: Mapping[str, Any], shared: dict[str, list[Line]]) -> Iterator[Line]:
    for index, item in enumerate(reader.sequence(root.get("links", []), "links")):
        path = f"links[{index}]"
        kind = item.get("type") if isinstance(item, Mapping) else ""
        if not isinstance(kind, str) or (isinstance(item, Mapping) and kind not in KEYS_OF_LINK):
            said = shown(str(kind)) if kind else "nothing"
            remedy = f"write one of {', '.join(KEYS_OF_LINK)}"
            reader.error(f"{path}.type", str(kind), f"{said} is not a type of link", remedy)
            continue
        keys = KEYS_OF_LINK.get(kind, ())
        shared_keys = KEYS_SHARED_BY.get(kind, ())
        link = reader.mapping(item, path, ("type", *(key for key, _ in keys), *shared_keys))
        if not link:
            continue
        words = [(_DIRECTIVES.get(kind, kind), f"{path}.type")]
        for key, default in keys:
            value, at = link.get(key, default), f"{path}.{key}"
            if key == "options":
                words += [(word, at) for word in (reader.words(value, at) if value else ())]
            else:
                words.append((_link_word(reader, key, value, at), at))
        for key in shared_keys:
            if link.get(key) is not None:
                _share(reader, key, link[key], f"{path}.{key}", shared)
        yield Line(path, tuple(words))


def _link_word(reader: DataReader, key: str, value: Any, path: str) -> str:
    if value is None:
        reader.error(path, "", f"{key} is missing", f"give the link its {key}")
        return ""
    if key == "loop" and isinstance(value, bool):
        # heartbeat 3.0.6 takes 0 and 1 here, and no words.
        return str(int(value))
    return reader.word(value, path)


def _share(reader: DataReader, key: str, value: Any, path: str, shared: dict[str, list[Line]]) -> None:
    name = DIRECTIVE_OF_KEY[key]
    word = reader.word(value, path)
    lines = shared.setdefault(name, [])
    if not lines:
        lines.append(Line.of(path, (name, ""), (word, path)))
    elif lines[0].words[-1][0] != word:
        reader.error(
            path,
            word,
            f"{word} differs from {lines[0].path}, and ha.cf has one {name} for all",
            "give all links of this kind the same, or use mcast, which has a port of its own",
        )


def _directive_lines(reader: DataReader, root: Mapping[str, Any]) -> Iterator[tuple[str, Line]]:
    directives = reader.mapping(root.get("directives", {}), "directives", tuple(BY_NAME))
    for name, value in directives.items():
        path = f"directives.{name}"
        if name in ("node", "auto_failback", *TIMERS) or name in KEYS_OF_LINK:
            reader.error(path, name, f"{name} has a key of its own", "write it at the top of the data")
            continue
        values = value if isinstance(value, list) else [value]
        for index, item in enumerate(values):
            place = f"{path}[{index}]" if isinstance(value, list) else path
            words = tuple((word, place) for word in reader.words(item, place))
            yield name, Line(place, ((name, ""), *words))


# --- haresources and authkeys -------------------------------------------------------------------------------


def _group_lines(reader: DataReader, root: Mapping[str, Any]) -> Iterator[Line]:
    for index, item in enumerate(reader.sequence(root.get("groups", []), "groups")):
        path = f"groups[{index}]"
        group = reader.mapping(item, path, ("node", "resources"))
        if not group:
            continue
        words = [(reader.word(group.get("node"), f"{path}.node"), f"{path}.node")]
        for number, resource in enumerate(reader.sequence(group.get("resources", []), f"{path}.resources")):
            place = f"{path}.resources[{number}]"
            words.append((reader.word(resource, place, commas=True), place))
        yield Line(path, tuple(words))


def _key_lines(reader: DataReader, root: Mapping[str, Any]) -> Iterator[Line]:
    ring = reader.mapping(root["authkeys"], "authkeys", ("current", "keys"))
    if not ring:
        return
    path = "authkeys.current"
    yield Line.of(path, ("auth", path), (reader.word(ring.get("current"), path), path))
    for index, item in enumerate(reader.sequence(ring.get("keys", []), "authkeys.keys")):
        path = f"authkeys.keys[{index}]"
        key = reader.mapping(item, path, ("index", "method", "key"))
        if not key:
            continue
        words = [
            (reader.word(key.get("index"), f"{path}.index"), f"{path}.index"),
            (reader.word(key.get("method"), f"{path}.method"), f"{path}.method"),
        ]
        if key.get("key") not in (None, ""):
            words.append((reader.secret(key["key"], f"{path}.key"), f"{path}.key"))
        yield Line(path, tuple(words))
