"""Runs on the node: renders the three files and checks them together, before any of them is replaced.

Arguments: the node's name, the directory of the files, then the words of the hbctl command. Standard
input: the data for `hbctl config render`. Prints `{"files": {name: text}, "problems": [...], "edited":
{name: [...]}, "recorded": true}`. The files are empty when there is an error, `edited` has those that are
there, differ, and were not written so by us, and `recorded` says that the record is that of these files.
The trial directory is only for us and is gone afterwards: it holds a key.
"""  # noqa: INP001 - a program that is sent to the node, no module

from __future__ import annotations

import difflib
import hashlib
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


# No secret in these, so they can be shown.
OPEN_FILES = ("ha.cf", "haresources")
RECORD = ".written"


def digest(text: str) -> str:
    """By which a text is known again."""
    return hashlib.sha256(text.encode()).hexdigest()


def record(directory: Path) -> dict[str, str]:
    """The digests of what was written last."""
    try:
        written: dict[str, str] = json.loads((directory / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return written


def edited(directory: Path, wanted: dict[str, str]) -> dict[str, list[str]]:
    """What would be lost: files that are neither as we wrote them last nor as they shall be."""
    written = record(directory)
    found = {}
    for name in OPEN_FILES:
        try:
            data = (directory / name).read_bytes()
        except OSError:
            continue
        if wanted[name].encode() != data and written.get(name) != hashlib.sha256(data).hexdigest():
            there = data.decode("utf-8", "replace").splitlines()
            lines = difflib.unified_diff(
                there, wanted[name].splitlines(), "there", "wanted", n=0, lineterm=""
            )
            found[name] = list(lines)[2:]
    return found


def main() -> None:
    """Render, write, check, tell."""
    node, place, hbctl = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    rendered = ask(hbctl, ["render"], sys.stdin.read())
    files, problems = rendered["files"], rendered["problems"]
    if not has_errors(problems):
        os.umask(0o077)
        with tempfile.TemporaryDirectory(prefix="heartbeat-") as directory:
            for name, text in files.items():
                (Path(directory) / name).write_text(text, encoding="utf-8")
            problems += ask(hbctl, ["check", "--directory", directory, "--node", node])["problems"]
    failed = has_errors(problems)
    told = {
        "files": {} if failed else files,
        "problems": problems,
        "edited": {} if failed else edited(place, files),
        "recorded": not failed and record(place) == {name: digest(files[name]) for name in OPEN_FILES},
    }
    json.dump(told, sys.stdout)


main()
