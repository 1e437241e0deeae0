"""`hbctl config …`: the configuration files, without a daemon."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..config.as_data import as_data
from ..config.configuration import AUTHKEYS, HA_CF, HARESOURCES, assemble
from ..config.explain import explain, second_thoughts
from ..config.problems import Problem, has_errors
from ..config.render import from_data
from ..control import schema
from ..reading import load, node_name
from ..resources.search import missing_here

_ID = "config"


def check(
    directory: Path,
    node: str | None,
    *,
    scripts: Path | None = None,
    later: Collection[str] = (),
    explained: bool = False,
) -> dict[str, Any]:
    """The answer of `config check`; with what the cluster would do, if it is to be explained.

    `scripts` is the directory that is searched first for what the groups need (default: resource.d in the
    directory), `later` names what need not be there yet.
    """
    try:
        loaded = load(directory, node)
        here = node_name(directory)
        absent = missing_here(loaded.configuration, here, directory, scripts, later=later)
    except OSError as error:
        return schema.refusal(_ID, "unreadable", str(error), "ask as a user who may read it")
    problems = [*loaded.problems, *absent]
    answer = _answer({}, problems, ok=loaded.configuration is not None and not has_errors(problems))
    if explained and loaded.configuration is not None:
        doubts = [*problems, *second_thoughts(loaded.configuration)]
        answer["result"]["explanation"] = explain(loaded.configuration, doubts)
        answer["result"]["doubts"] = [doubt.as_data() for doubt in doubts]
    return answer


def show(directory: Path, node: str | None) -> dict[str, Any]:
    """The answer of `config show`: what the files say, as the data that `config render` reads."""
    try:
        loaded = load(directory, node)
        text = (directory / HA_CF).read_text("utf-8", "surrogateescape") if loaded.configuration else ""
    except OSError as error:
        return schema.refusal(_ID, "unreadable", str(error), "ask as a user who may read it")
    wanted = loaded.configuration
    answer = _answer({}, loaded.problems, ok=wanted is not None)
    answer["result"]["data"] = as_data(text, wanted.groups, wanted.authkeys) if wanted is not None else None
    answer["result"]["digest"] = wanted.digest if wanted is not None else None
    return answer


def render(text: str, node: str | None) -> dict[str, Any]:
    """The answer of `config render`: the files for JSON data, checked as if this node had them."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        return schema.refusal(
            _ID, "bad-request", f"standard input is not JSON: {error}", "see docs/CONTROL.md"
        )
    if not isinstance(data, dict):
        return schema.refusal(
            _ID, "bad-request", "standard input is not a JSON object", "see docs/CONTROL.md"
        )
    texts, problems = from_data(data)
    if not texts:
        return _answer({}, problems, ok=False)
    files = {name: texts[name] for name in (HA_CF, HARESOURCES, AUTHKEYS) if name in texts}
    loaded = assemble(
        files.get(HA_CF), files.get(HARESOURCES), files.get(AUTHKEYS), 0o600, node or node_name()
    )
    found = [*problems, *(problem for problem in loaded.problems if problem not in problems)]
    return _answer(files, found, ok=loaded.configuration is not None)


def _answer(files: Mapping[str, str], problems: Sequence[Problem], *, ok: bool) -> dict[str, Any]:
    result = {"files": dict(files), "problems": [problem.as_data() for problem in problems]}
    if ok:
        return schema.answer(_ID, "completed", {"result": result})
    error = {
        "code": "bad-configuration",
        "message": "the configuration has errors",
        "remedy": "mend what is listed under problems",
    }
    return schema.answer(_ID, "refused", {"error": error, "result": result})


def lines(result: Mapping[str, Any]) -> list[str]:
    """The explanation of a result, or else its problems, for a terminal."""
    if "explanation" in result:
        return list(result["explanation"])
    return [problem["text"] for problem in result.get("problems", ())]


def read_standard_input() -> str:
    """All of it; what is not UTF-8 is no JSON anyway."""
    return sys.stdin.buffer.read().decode("utf-8", "replace")
