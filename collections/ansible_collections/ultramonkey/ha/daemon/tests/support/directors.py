"""A real ldirectord process whose table is a file, and real servers on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ultramonkey_ldirectord

SOURCE = Path(ultramonkey_ldirectord.__file__).parent.parent
PYTHON = os.environ.get("HEARTBEATD_PYTHON", sys.executable)
# Longer than anything here takes on a busy machine; reached only when a test fails.
DEADLINE_S = 20.0
MAIN = "from ultramonkey_ldirectord.cli.ldirectord import main; raise SystemExit(main())"
NEVER_LOGGED = ("Traceback", "ldirectord ends", "the check broke")


def wait_until(condition, what="the condition", seconds=DEADLINE_S):
    """Wait until the condition holds; return its value."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"{what} did not come true within {seconds} s"
        time.sleep(0.01)
    return value


class RealServer:
    """A port of loopback that accepts connections, or does not."""

    def __init__(self, address):
        self._socket = None
        self.address = address
        self.port = 0
        self.up()

    def up(self):
        self._socket = socket.create_server((self.address, self.port), backlog=4096)
        self.port = self._socket.getsockname()[1]

    def down(self):
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __str__(self):
        return f"{self.address}:{self.port}"


class Director:
    """One configuration file, and whatever daemon it has."""

    VIP = "192.0.2.100:80"
    GLOBALS = "checkinterval=1\nchecktimeout=2\nquiescent=no\n"

    def __init__(self, directory):
        self.directory = directory
        self.file = directory / "ld.cf"
        self.table_file = directory / "table"
        self.log = directory / "log"
        self.servers = []
        # The address of a socket must be short.
        self.run = Path(tempfile.mkdtemp(prefix="um-ld-"))

    def server(self, number):
        """A real server on 127.0.1.NUMBER."""
        server = RealServer(f"127.0.1.{number}")
        self.servers.append(server)
        return server

    def write(self, reals, more="", common="", vip=VIP):
        """A configuration with one service of these real servers, by connect checks."""
        lines = [f"\treal={server} masq" for server in reals]
        lines += [f"\t{line}" for line in ("checktype=connect", *more.splitlines())]
        text = f'{self.GLOBALS}logfile="{self.log}"\n{common}virtual={vip}\n' + "\n".join(lines) + "\n"
        self.file.write_text(text)

    def command(self, *words, before=(), kernel=False):
        """Run the command line to its end."""
        table = () if kernel else ("--table", str(self.table_file))
        options = ("--run", str(self.run), *table, *before)
        return subprocess.run(
            [PYTHON, "-c", MAIN, *options, str(self.file), *words],
            check=False, capture_output=True, text=True, timeout=60,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
        )  # fmt: skip

    def imported(self, *words):
        """The modules that a command line imports."""
        words = ["--run", str(self.run), str(self.file), *words]
        program = f"import sys\nfrom ultramonkey_ldirectord.cli.ldirectord import main\nmain({words!r})\n"
        done = subprocess.run(
            [PYTHON, "-S", "-c", program + "print(*sys.modules)"],
            check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(SOURCE)},
        )  # fmt: skip
        return set(done.stdout.splitlines()[-1].split())

    def must(self, *words, **options):
        done = self.command(*words, **options)
        assert done.returncode == 0, done
        return done

    def json(self, *words):
        return json.loads(self.command(*words, before=("--json",)).stdout)

    def table(self):
        """{service: {server: weight}} as the table has it now."""
        try:
            rows = json.loads(self.table_file.read_text())
        except FileNotFoundError:
            return {}
        return {
            r["service"]: {f"{s['address']}:{s['port']}": s["weight"] for s in r["servers"]} for r in rows
        }

    def weights(self):
        """The servers of the only service; None when there is no service."""
        return next(iter(self.table().values()), None)

    def changes(self):
        """What was done to the table."""
        with contextlib.suppress(FileNotFoundError):
            return Path(f"{self.table_file}.log").read_text().splitlines()
        return []

    def pid(self):
        text = next(self.run.glob("*.pid")).read_text().strip()
        return int(text) if text else None

    def kill(self, number=signal.SIGKILL):
        pid = self.pid()
        os.kill(pid, number)
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), "the end of the daemon")

    def logged(self):
        return self.log.read_text() if self.log.exists() else ""

    def close(self):
        for server in self.servers:
            server.down()
        with contextlib.suppress(StopIteration, ProcessLookupError):
            if self.pid():
                self.command("quit")
        shutil.rmtree(self.run)
        for words in NEVER_LOGGED:
            assert words not in self.logged(), self.logged()
