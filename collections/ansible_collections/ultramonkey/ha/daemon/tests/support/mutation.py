"""Deliberate bugs in the core, one a patch, and whether transcripts and simulator catch them.

    mutation.py [--first] [NAME...]

tries all patches of daemon/tests/sim/mutants, or those named, and prints a table; with --first each only
until something catches it. Before all it tries the sources as they are, which nothing may catch.

Each patch is applied to a copy of the sources. A mutant is caught when a transcript, or a test of what a peer
says that is a 3.0.6, comes out differently, or the simulator finds a broken promise within SEEDS seeds. Those
whose names begin with `old-` or `legacy-` run against an imitated heartbeat 3.0.6.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

DAEMON = Path(__file__).parents[2]
SOURCES = DAEMON / "src"
MUTANTS = DAEMON / "tests" / "sim" / "mutants"
# What an imitated 3.0.6 would never say by itself is told in the other two.
STORIES = ("test_transcripts.py", "test_old_peer.py", "test_ipfail.py")
TRANSCRIPTS = tuple(str(DAEMON / "tests" / "core" / name) for name in STORIES)
SEEDS = 120
# The sources as they are: what "catches" these is wrong itself, and whatever else it catches may be nothing.
UNCHANGED = ("unchanged", "old-unchanged")
_SEED = re.compile(r"^seed (\d+): [0-9.]+ s: (\w+)", re.MULTILINE)
_STORY = re.compile(r"^FAILED \S+(?:::test_|\[)([\w-]+)\]?(?: |$)", re.MULTILINE)


@dataclass
class Caught:
    """By what a mutant was caught; empty where it was not."""

    name: str
    stories: list[str]
    # The first seed that found it, and the checker.
    seed: int | None
    checker: str

    @property
    def at_all(self) -> bool:
        return bool(self.stories) or self.seed is not None


def names():
    return sorted(path.stem for path in MUTANTS.glob("*.patch"))


def apply(patch, root):
    """Apply a patch of one hunk, wherever its lines are now. Raises AssertionError when they are nowhere."""
    lines = patch.read_text().splitlines()
    path = root / lines[1].partition("/")[2]
    hunk = lines[3:]
    before = "\n".join(line[1:] for line in hunk if line[:1] != "+")
    after = "\n".join(line[1:] for line in hunk if line[:1] != "-")
    text = path.read_text()
    assert text.count(before) == 1, f"{patch.name} no longer fits {path.name}: write it anew"
    path.write_text(text.replace(before, after))


def attempt(name, seeds=SEEDS, *, transcripts=True, first=False):
    """Try one mutant, or one of UNCHANGED; with `first` only until something catches it."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "src"
        shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns("__pycache__"))
        if name not in UNCHANGED:
            apply(MUTANTS / f"{name}.patch", copy / "ultramonkey_heartbeat")
        stories = _play(copy, first=first) if transcripts else []
        seed, checker = (None, "") if first and stories else _simulate(copy, name, seeds)
    return Caught(name, stories, seed, checker)


def _simulate(copy, name, seeds):
    old = "--old" if name.startswith(("old-", "legacy-")) else "--no-old"
    command = [sys.executable, "-m", "ultramonkey_heartbeat.sim.main", "run", "--quiet", old]
    command += ["--seeds", f"0-{seeds - 1}", "--failures", "1"]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    found = _SEED.search(done.stdout)
    assert done.returncode in (0, 1), done.stderr
    return (int(found[1]), found[2]) if found else (None, "")


def _play(copy, *, first=False):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TRANSCRIPTS]
    command += ["-o", f"pythonpath={copy} {Path(__file__).parent}", "--rootdir", str(DAEMON), "-rf"]
    command += ["-c", os.devnull, "--import-mode=importlib", "--tb=no", *(("-x",) if first else ())]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": ""}
    environment.pop("REWRITE", None)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=DAEMON)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return _STORY.findall(done.stdout)


def main(arguments):
    """Print the table; the exit code is how many got away."""
    first, wanted = "--first" in arguments, [word for word in arguments if word != "--first"]
    away = 0
    for name in wanted or (*UNCHANGED, *names()):
        caught = attempt(name, first=first)
        seed = f"seed {caught.seed} ({caught.checker})" if caught.seed is not None else "-"
        stories = f"{len(caught.stories)} stories, {caught.stories[0]}" if caught.stories else "-"
        print(f"{name:32} {seed:36} {stories}", flush=True)
        if name not in UNCHANGED:
            away += not caught.at_all
        elif caught.at_all:
            print("nothing was changed here, and yet something is caught: the table would prove nothing")
            return 1
    print(f"{away} got away")
    return away


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
