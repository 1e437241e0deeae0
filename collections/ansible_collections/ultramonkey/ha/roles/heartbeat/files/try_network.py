"""Runs on the node: tests its links and asks who has its virtual addresses, while the other nodes do so, too.

Arguments: the node's name, the other nodes that test (with commas), for how many seconds to listen first,
and the words of the hbctl command. Standard input: the data for `hbctl config render`; the key in it is
used for nothing. Prints `{"links": answer, "addresses": answer}`, the answers of `hbctl link test network`
and of `hbctl address test`.
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
    """The answer of `hbctl`; ends the program with what it said when it gave none."""
    done = subprocess.run(  # noqa: S603 - ours
        [*hbctl, "--json", *words], input=data, capture_output=True, text=True, check=False
    )
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        sys.exit(f"hbctl {' '.join(words)} ended with {done.returncode}: {done.stderr.strip()}")
    return answer


def main() -> None:
    """Render, test, ask, tell."""
    node, peers, listen_s, hbctl = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    files = ask(hbctl, ["config", "render", "--node", node], sys.stdin.read())["result"].get("files", {})
    os.umask(0o077)
    with tempfile.TemporaryDirectory(prefix="heartbeat-") as directory:
        for name, text in files.items():
            (Path(directory) / name).write_text(text, encoding="utf-8")
        where = ["--directory", directory, "--node", node]
        addresses = ask(hbctl, ["address", "test", *where])
        links = ask(hbctl, ["link", "test", "network", *where, "--peers", peers, "--listen", listen_s])
    json.dump({"links": links, "addresses": addresses}, sys.stdout)


main()
