"""Two daemons that have nothing but a serial line: a pair of pseudo terminals that carries a real baud rate.

And the same in simulated time, where a day takes half a minute.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from figures import Figure

DAEMON = Path(__file__).resolve().parents[1] / "collections/ansible_collections/ultramonkey/ha/daemon"
sys.path += [str(DAEMON / "src"), str(DAEMON / "tests/support")]

from cable import Cable  # noqa: E402 - found by the line above
from lines import pair  # noqa: E402
from ultramonkey_heartbeat.control import client  # noqa: E402

DAY_S = 86_400
# The group notes when it was started: what a client would see if it were an address.
SCRIPT = '#!/bin/sh\n[ "$1" != start ] || date +%s.%N >{note}\n'
PYTHON = "/usr/bin/python3"
PATIENCE_S = 60.0


def day() -> list[Figure]:
    """One simulated day at 9600 baud, one frame in a hundred damaged, keepalive 1 s, deadtime 10 s."""
    world = pair(corrupted=0.01, keepalive_ms=1000, deadtime_ms=10_000)
    began = time.monotonic()
    world.seconds(DAY_S)
    took_s = time.monotonic() - began
    damaged = [host.node.complaints.rejected for host in world.hosts.values()]
    what = "simulated day at 9600 baud, 1 % of frames damaged: "
    return [
        Figure(what + "false deaths", "", [len(world.deaths())]),
        Figure("  damaged frames met, each node", "", damaged),
        Figure("  it took", "s", [took_s]),
    ]


def stability(minutes: float) -> list[Figure]:
    """Real minutes at 9600 baud, keepalive 200 ms, deadtime 1 s."""
    with _Pair(9600, "keepalive 200ms\ndeadtime 1\n") as pair_:
        pair_.wait_for("a")
        before = [node.log() for node in pair_.nodes]
        time.sleep(60 * minutes)
        after = [node.log()[len(log) :] for node, log in zip(pair_.nodes, before)]
        statuses = [node.status() for node in pair_.nodes]
    what = f"{minutes:g} real minutes at 9600 baud, keepalive 200 ms, deadtime 1 s: "
    links = [status["links"][0] for status in statuses]
    return [
        Figure(what + "deaths", "", [log.count("-> dead") for log in after]),
        Figure("  late heartbeats", "", [log.count("late heartbeat") for log in after]),
        Figure("  load of the line, out", "", [link["load"]["out"] for link in links]),
        Figure("  frames sent", "", [link["frames_sent"] for link in links]),
        Figure("  frames received", "", [link["frames_received"] for link in links]),
        Figure("  frames damaged", "", [link["frames_damaged"] for link in links]),
        Figure("  frames dropped", "", [link["frames_dropped"] for link in links]),
    ]


def crash(runs: int) -> list[Figure]:
    """The holder's machine dies, at 115200 baud: from its death to the group started on the other node."""
    outages_ms = []
    for _ in range(runs):
        with _Pair(115_200, "keepalive 200ms\ndeadtime 1\n") as pair_:
            pair_.wait_for("a")
            time.sleep(2 + len(outages_ms) % 10 * 0.037)
            died = time.time()
            pair_.nodes[0].kill()
            pair_.wait_for("b")
            outages_ms.append(1000 * (float(pair_.nodes[1].note.read_text()) - died))
    what = "holder dies, serial line alone at 115200, deadtime 1000 ms: outage"
    return [Figure(what, "ms", outages_ms)]


class _Node:
    def __init__(self, root: Path, name: str, device: Path, timers: str) -> None:
        self.name = name
        self.note = root / f"{name}.started"
        self._root = root / name
        directories = {word: self._root / word for word in ("directory", "state-directory", "run-directory")}
        scripts = directories["directory"] / "resource.d"
        scripts.mkdir(parents=True)
        (scripts / "Note").write_text(SCRIPT.format(note=self.note))
        (scripts / "Note").chmod(0o755)
        files = {
            "ha.cf": f"node a b\nauto_failback off\n{timers}initdead 20\nbaud {{baud}}\nserial {device}\n",
            "haresources": "a Note\n",
            "authkeys": "auth 1\n1 sha256 0123456789abcdef\n",
        }
        for file, text in files.items():
            path = directories["directory"] / file
            path.write_text(text)
            path.chmod(0o600)
        self._options = list(
            itertools.chain(*((f"--{word}", str(path)) for word, path in directories.items()))
        )
        self._socket = str(directories["run-directory"] / "control.sock")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, baud: int) -> None:
        path = self._root / "directory/ha.cf"
        path.write_text(path.read_text().format(baud=baud))
        command = [PYTHON, "-m", "ultramonkey_heartbeat.daemon.main", *self._options, "--node", self.name]
        with (self._root / "log").open("w") as log:
            self.process = subprocess.Popen(
                command, env={**os.environ, "PYTHONPATH": str(DAEMON / "src")}, stderr=log, stdout=log
            )

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def log(self) -> str:
        return (self._root / "log").read_text()

    def status(self) -> dict:
        return list(client.ask("status", {}, path=self._socket, timeout_s=10))[-1]["result"]


class _Pair:
    """Nodes a and b and the cable between them; `with` starts and ends them."""

    def __init__(self, baud: int, timers: str) -> None:
        self._directory = tempfile.TemporaryDirectory()
        root = Path(self._directory.name)
        self._baud = baud
        self._loop = asyncio.new_event_loop()
        self._cable = Cable(root, self._loop, baud)
        self._cable.plug_in()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self.nodes = [
            _Node(root, name, device, timers) for name, device in (("a", self._cable.a), ("b", self._cable.b))
        ]

    def __enter__(self) -> _Pair:  # noqa: PYI034 - typing.Self is newer than Python 3.9
        self._thread.start()
        for node in self.nodes:
            node.start(self._baud)
        return self

    def __exit__(self, *_: object) -> None:
        for node in self.nodes:
            node.kill()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._cable.unplug()
        self._loop.close()
        self._directory.cleanup()

    def wait_for(self, holder: str) -> None:
        """Until this node has started the group."""
        note = next(node.note for node in self.nodes if node.name == holder)
        end = time.monotonic() + PATIENCE_S
        while not note.exists() or not note.read_text():
            if time.monotonic() > end:
                raise RuntimeError(f"{holder} did not start the group: {self.nodes[0].log()}")
            time.sleep(0.01)
