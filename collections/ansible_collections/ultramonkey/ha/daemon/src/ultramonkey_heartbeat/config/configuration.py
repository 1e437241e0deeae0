"""The three files together: parsed, checked against each other, and one answer with every problem.

Reading the files is the caller's business; a file that does not exist is passed as None.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .authkeys import parse_authkeys
from .doubts import check_node_lines, check_peers, check_pings
from .ha_cf import Source, read_ha_cf
from .haresources import parse_haresources
from .model import AuthKeys, AutoFailback, Configuration, Group
from .problems import ConfigurationError, Problem, has_errors
from .spelling import check_spelling

HA_CF = "ha.cf"
HARESOURCES = "haresources"
AUTHKEYS = "authkeys"
# The order in which the files are read and their problems are listed.
FILES = (HA_CF, HARESOURCES, AUTHKEYS)

_DIGEST_LENGTH = 16

_MISSING = {
    HA_CF: "create it with the nodes, a link and auto_failback",
    HARESOURCES: "create it with one line for each group, or empty; it must be the same on all nodes",
    AUTHKEYS: "create it with mode 600 and the same key on all nodes",
}


@dataclass(frozen=True)
class Loaded:
    """The configuration, or None if anything is an error; and every problem by file and line."""

    configuration: Configuration | None
    problems: tuple[Problem, ...]

    def required(self) -> Configuration:
        """The configuration. Raises ConfigurationError with every problem if there is none."""
        if self.configuration is None:
            raise ConfigurationError(self.problems)
        return self.configuration


def assemble(
    ha_cf_text: str | None,
    haresources_text: str | None,
    authkeys_text: str | None,
    authkeys_mode: int | None,
    node: str,
) -> Loaded:
    """Parse the three texts for the node of this name, and check them against each other."""
    name = node.lower()
    problems: list[Problem] = []
    source = Source(HA_CF)
    groups: tuple[Group, ...] = ()
    authkeys: AuthKeys | None = None
    if ha_cf_text is None:
        problems.append(_missing(HA_CF))
    else:
        source = read_ha_cf(ha_cf_text, HA_CF)
        problems.extend(source.problems)
        problems.extend(_check_local_name(source, name))
        problems.extend(check_node_lines(source))
        problems.extend(check_spelling(ha_cf_text, HA_CF))
    if haresources_text is None:
        problems.append(_missing(HARESOURCES))
    else:
        # With a node line that could not be read, no name can be called unknown.
        nodes = () if "node" in source.failed else source.nodes
        groups, found = parse_haresources(haresources_text, nodes, HARESOURCES)
        problems.extend(found)
        problems.extend(check_spelling(haresources_text, HARESOURCES))
    if authkeys_text is None:
        problems.append(_missing(AUTHKEYS))
    else:
        authkeys, found = parse_authkeys(authkeys_text, authkeys_mode, AUTHKEYS)
        problems.extend(found)
        problems.extend(check_spelling(authkeys_text, AUTHKEYS, comments_behind_values=False))
    problems.extend(check_peers(source, groups))
    problems.extend(check_pings(source, groups))
    problems.sort(key=lambda problem: (FILES.index(problem.file), problem.line))
    if source.ha is None or authkeys is None or has_errors(problems):
        return Loaded(None, tuple(problems))
    digest = digest_of(source.ha.nodes, groups, source.ha.auto_failback)
    return Loaded(Configuration(name, source.ha, groups, authkeys, digest), tuple(problems))


def digest_of(nodes: Sequence[str], groups: Iterable[Group], auto_failback: AutoFailback) -> str:
    """SHA-256 over what all nodes must agree on, 16 hex digits; order counts, comments and blanks do not."""
    agreed = {
        "nodes": list(nodes),
        "groups": [[group.preferred, *(resource.text for resource in group.resources)] for group in groups],
        "auto_failback": auto_failback.value,
    }
    canonical = json.dumps(agreed, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:_DIGEST_LENGTH]


def _missing(file: str) -> Problem:
    return Problem(file, 0, file, "the file does not exist", _MISSING[file])


def _check_local_name(source: Source, name: str) -> Iterator[Problem]:
    if not source.nodes or name in source.nodes or "node" in source.failed:
        return
    # With and without the domain is the usual mistake.
    akin = [node for node in source.nodes if node.partition(".")[0] == name.partition(".")[0]]
    change = f"write {name} instead of {akin[0]}" if akin else f"add: node {name}"
    first = source.of("node")[0]
    yield Problem(
        source.file,
        first.line,
        name,
        f"this machine, {name}, is not in the node lines",
        f"{change} (a node's name is what `uname -n` prints on it)",
    )
