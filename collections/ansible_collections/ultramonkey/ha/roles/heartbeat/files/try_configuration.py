"""Runs on the node: renders the three files and checks them together, before any of them is replaced.

Arguments: the node's name, then the words of the hbctl command. Standard input: the data for
`hbctl config render`. Prints `{"files": {name: text}, "problems": [...]}`; the files are empty when there is
an error. The trial directory is only for us and is gone afterwards, whatever happens: it holds a key.
"""  # noqa: INP001 - a program that is sent to the node, no module

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


def ask(hbctl: list[str], words: list[str], data: str = "") -> dict[str, Any]:
    """What `hbctl` answers; ends the program with what it said when it gave no answer."""
    argv = [*hbctl, "config", *words, "--json"]
    done = subprocess.run(argv, input=data, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    try:
        result: dict[str, Any] = json.loads(done.stdout)["result"]
    except (ValueError, KeyError):
        sys.exit(f"hbctl config {words[0]} ended with {done.returncode}: {done.stderr.strip()}")
    return result


def has_errors(problems: list[dict[str, Any]]) -> bool:
    """Whether a problem is more than a warning."""
    return any(problem["severity"] == "error" for problem in problems)


def main() -> None:
    """Render, write, check, tell."""
    node, hbctl = sys.argv[1], sys.argv[2:]
    rendered = ask(hbctl, ["render"], sys.stdin.read())
    files, problems = rendered["files"], rendered["problems"]
    if not has_errors(problems):
        os.umask(0o077)
        with tempfile.TemporaryDirectory(prefix="heartbeat-") as directory:
            for name, text in files.items():
                (Path(directory) / name).write_text(text, encoding="utf-8")
            problems += ask(hbctl, ["check", "--directory", directory, "--node", node])["problems"]
    json.dump({"files": {} if has_errors(problems) else files, "problems": problems}, sys.stdout)


main()
