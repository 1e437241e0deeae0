"""Runs on the node: renders the three files and checks them together, before any of them is replaced.

Arguments: the node's name, the directory of the files, the names of scripts and units that will be installed
yet (with commas), then the words of the hbctl command. Standard input: the data for `hbctl config render`.
Prints `{"files": {name: text}, "problems": [...], "edited": {name: [...]}, "recorded": true, "right":
[name]}`. The files are empty when there is an error, `edited` has those that are there, differ, and were not
written so by us, `recorded` says that the record is that of these files, and `right` names the files that are
there as they shall be, with mode and owner.
The trial directory is only for us and is gone afterwards: it holds a key.
"""  # noqa: INP001 - a program that is sent to the node, no module

from __future__ import annotations

import difflib
import hashlib
import json
import os
import stat
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
MODES = {"ha.cf": 0o644, "haresources": 0o644, "authkeys": 0o600}
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


def is_right(path: Path, text: str) -> bool:
    """Whether the file is as the role would write it, and root's."""
    try:
        status = path.lstat()
        if (status.st_mode, status.st_uid, status.st_gid) != (stat.S_IFREG | MODES[path.name], 0, 0):
            return False
        return path.read_bytes() == text.encode()
    except OSError:
        return False


def main() -> None:
    """Render, write, check, tell."""
    node, place, later, hbctl = sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4:]
    rendered = ask(hbctl, ["render"], sys.stdin.read())
    files, problems = rendered["files"], rendered["problems"]
    if not has_errors(problems):
        os.umask(0o077)
        with tempfile.TemporaryDirectory(prefix="heartbeat-") as directory:
            for name, text in files.items():
                (Path(directory) / name).write_text(text, encoding="utf-8")
            words = [
                "check",
                "--directory",
                directory,
                "--node",
                node,
                "--scripts",
                str(place / "resource.d"),
            ]
            words += [f"--later={name}" for name in later.split(",") if name]
            problems += ask(hbctl, words)["problems"]
    failed = has_errors(problems)
    told = {
        "files": {} if failed else files,
        "problems": problems,
        "edited": {} if failed else edited(place, files),
        "right": [] if failed else [name for name, text in files.items() if is_right(place / name, text)],
        "recorded": not failed and record(place) == {name: digest(files[name]) for name in OPEN_FILES},
    }
    json.dump(told, sys.stdout)


main()
