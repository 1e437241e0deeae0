# ruff: noqa: E501 - a case of a table is a line
"""Our ldirectord and the Perl original side by side: one configuration, the same failures, their tables compared.

Each has a table that is only written down. The original's known faults are differences that are expected: what
each of the two has then is part of the case.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from directors import Director, wait_until

# tools/original-ldirectord makes one; else that of the machine.
ORIGINAL = Path(os.environ.get("LDIRECTORD_ORIGINAL", "/usr/sbin/ldirectord"))
STAND_IN = Path(__file__).resolve().parents[1] / "ldirectord/original/ipvsadm"


def is_there():
    """Whether there is an original to compare with."""
    with contextlib.suppress(OSError):
        return b"perl" in ORIGINAL.read_bytes()[:200]
    return False


class Original:
    """The Perl daemon in the foreground, over the table of a stand-in for ipvsadm."""

    def __init__(self, directory, text):
        directory.mkdir()
        shutil.copy(STAND_IN, directory / "ipvsadm")
        self._file = directory / "original.cf"
        self._file.write_text(text)
        self._table = directory / "table"
        self._output = (directory / "output").open("w")
        self._process = subprocess.Popen(
            [str(ORIGINAL), "-d", str(self._file), "start"],
            cwd=directory, stdout=self._output, stderr=self._output, start_new_session=True,
        )  # fmt: skip

    def table(self):
        """{service: {server: weight}}."""
        try:
            table = json.loads(self._table.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return {
            key.replace(" ", ":"): {server: columns[1] for server, columns in service["servers"].items()}
            for key, service in table.items()
        }

    def names(self, servers):
        """The only service, with the numbers of the servers instead of their addresses."""
        numbers = {str(server): number for number, server in servers.items()}
        table = next(iter(self.table().values()), {})
        return {numbers.get(server, server): weight for server, weight in table.items()}

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._output.close()
        Path("/var/run/ldirectord.original.cf.pid").unlink(missing_ok=True)


@dataclass(frozen=True)
class Case:
    """One configuration and what happens. `steps` are lists of the servers that are up.

    `ours` and `theirs` say what is in the table at the end where that differs.
    """

    name: str
    lines: str = "checktype=connect"
    common: str = ""
    steps: tuple[tuple[int, ...], ...] = ((1, 2), (2,), (), (1,), (1, 2))
    method: str = "masq"
    head: str = "virtual=192.0.2.100:80"
    ours: dict | None = None
    theirs: dict | None = None
    # How long the tables must stay the same: longer than either takes to notice what happened.
    hold_s: float = 1.3


FALLBACK = "\nfallback=127.0.0.9:80 masq"
CASES = (
    Case("servers leave and return"),
    Case("with a fallback", f"checktype=connect{FALLBACK}"),
    Case("with a fallback of all", common="fallback=127.0.0.9 masq\n"),
    Case("quiescent", f"checktype=connect\nquiescent=yes{FALLBACK}"),
    Case("weights and thresholds", method="masq 5 l:1 u:9"),
    Case("failurecount", "checktype=connect\nfailurecount=2", hold_s=4.0),
    Case("a firewall mark", "checktype=connect", head="virtual=7", steps=((1, 2), (2,), (1, 2))),
    Case("persistent", "checktype=connect\nscheduler=wlc\npersistent=60\nnetmask=255.255.255.0", steps=((1, 2), (1,))),
    Case("combined", "checktype=2\nservice=nntp", steps=((), ())),
    Case("an external check", "checktype=external\ncheckcommand=/bin/true", steps=((), (1,))),
    Case("an external check that fails", f"checktype=external\ncheckcommand=/bin/false{FALLBACK}", steps=((1, 2),)),
    Case("not checked", "checktype=on", steps=((), (1,))),
    # The manual says that nothing is activated, and that is what is done here.
    Case("off", f"checktype=off{FALLBACK}", steps=((1, 2),), ours={}, theirs={"127.0.0.9:80": 1}),
    # Nobody listens, and it says that both are well: there is no service at such a port that it could ask.
    Case("nothing to negotiate with", "checktype=negotiate", head="virtual=192.0.2.100:6666", steps=((),), ours={},
         theirs={1: 1, 2: 1}),
)  # fmt: skip


def compare(director, directory, case):
    """Live through a case with both; raises AssertionError where they are not as they should be.

    Returns the tables that they came to, in the order of the steps.
    """
    servers = {1: director.server(1), 2: director.server(2)}
    common = f'{Director.GLOBALS}logfile="{director.log}"\n{case.common}'
    reals = "".join(f"\treal={server} {case.method}\n" for server in servers.values())
    lines = "".join(f"\t{line}\n" for line in case.lines.splitlines())
    text = f"{common}{case.head}\n{reals}{lines}"
    director.file.write_text(text)
    set_up(servers, case.steps[0])
    original = Original(directory / "original", text)
    seen = []
    try:
        assert director.command("start").returncode == 0
        for step in case.steps:
            set_up(servers, step)
            if case.ours is None:
                stay_the_same(director, original, case.hold_s)
            else:
                wait_until(lambda: numbered(director.weights(), servers) == case.ours, "ours", 25)
                wait_until(lambda: original.names(servers) == case.theirs, "theirs", 25)
            seen.append((numbered(director.weights(), servers), original.names(servers)))
    finally:
        original.close()
    return seen


def numbered(weights, servers):
    """Weights with the numbers of the servers instead of their addresses."""
    numbers = {str(server): number for number, server in servers.items()}
    return {numbers.get(server, server): weight for server, weight in (weights or {}).items()}


def stay_the_same(director, original, hold_s):
    """Wait until the two tables are the same, and stay so for some time."""
    since = [time.monotonic()]

    def held():
        ours = director.table()
        if not ours or ours != original.table():
            since[0] = time.monotonic()
        return time.monotonic() - since[0] > hold_s

    wait_until(held, "that both tables stay the same", 30)


def set_up(servers, up):
    for number, server in servers.items():
        server.down()
        if number in up:
            server.up()
