#!/usr/bin/env python3
"""Measures ldirectord on loopback: many real servers, some of them silent; its table is a file.

    benchmarks/director.py                     1,000 servers, 100 silent
    benchmarks/director.py --servers 200 --silent 20
    benchmarks/director.py --connects          connect checks a second on one core
    benchmarks/director.py --original FILE     the Perl ldirectord, FILE, with the same 200 servers, 20 silent

Prints a line a figure. Run it on an idle machine. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import resource
import selectors
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "collections/ansible_collections/ultramonkey/ha/daemon/src"
sys.path.insert(0, str(SOURCE))

MAIN = "from ultramonkey_ldirectord.cli.ldirectord import main; raise SystemExit(main())"
PORT = 8077
DETECTIONS = 20
WINDOW_S = 20.0
CONNECT_SERVERS = 200
CONNECT_S = 5.0


class Farm:
    """Servers on 127.x.y.z: those that accept are served by one thread, those that are silent by none."""

    def __init__(self, count: int, silent: int) -> None:
        self.addresses = [f"127.1.{number // 200}.{number % 200 + 1}" for number in range(count)]
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._listening: dict[str, socket.socket] = {}
        self._full: list[socket.socket] = []
        # Spread over the services, as those that fail are.
        self.silent = self.addresses[:: count // silent][:silent] if silent else []
        self.healthy = [address for address in self.addresses if address not in self.silent]
        for address in self.healthy:
            self.up(address)
        for address in self.silent:
            self._silence(address)
        threading.Thread(target=self._serve, daemon=True).start()

    def up(self, address: str) -> None:
        """Begin to accept."""
        server = socket.create_server((address, PORT), backlog=1024)
        server.setblocking(False)  # noqa: FBT003 - the standard library's own signature
        self._listening[address] = server
        with self._lock:
            self._selector.register(server, selectors.EVENT_READ)

    def down(self, address: str) -> None:
        """Refuse from now on."""
        server = self._listening.pop(address)
        with self._lock:
            self._selector.unregister(server)
        server.close()

    def _silence(self, address: str) -> None:
        # With a full backlog the kernel drops what comes: as a host that is gone.
        server = socket.create_server((address, PORT), backlog=0)
        filler = socket.create_connection((address, PORT))
        self._full += [server, filler]

    def _serve(self) -> None:
        while True:
            with self._lock:
                ready = self._selector.select(0)
            for key, _ in ready:
                with contextlib.suppress(OSError):
                    while True:
                        key.fileobj.accept()[0].close()  # type: ignore[union-attr]
            time.sleep(0.002)


class Elsewhere:
    """A farm in a process of its own, so that serving and measuring do not wait for each other."""

    def __init__(self, count: int, silent: int) -> None:
        ours, theirs = socket.socketpair()
        child = os.fork()
        if child == 0:
            ours.close()
            farm = Farm(count, silent)
            words = theirs.makefile("rw")
            words.write(json.dumps({"addresses": farm.addresses, "healthy": farm.healthy}) + "\n")
            words.flush()
            for line in words:
                farm.down(line.strip())
                words.write("\n")
                words.flush()
            os._exit(0)
        theirs.close()
        self._words = ours.makefile("rw")
        told = json.loads(self._words.readline())
        self.addresses, self.healthy = told["addresses"], told["healthy"]

    def down(self, address: str) -> None:
        """Let it refuse from now on."""
        self._words.write(address + "\n")
        self._words.flush()
        self._words.readline()


class Daemon:
    """One ldirectord with its table in a file."""

    def __init__(self, directory: Path, addresses: list[str]) -> None:
        self.directory = directory
        services = [addresses[start : start + 20] for start in range(0, len(addresses), 20)]
        lines = [f'checkinterval=1\nchecktimeout=5\nquiescent=no\nlogfile="{directory}/log"\n']
        for number, members in enumerate(services):
            lines.append(f"virtual=192.0.2.{number % 250 + 1}:80\n\tchecktype=connect\n")
            lines += [f"\treal={address}:{PORT} masq\n" for address in members]
            lines.append("\n")
        (directory / "ld.cf").write_text("".join(lines))

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the command line to its end."""
        options = ["--run", str(self.directory / "r"), "--table", str(self.directory / "table"), "--json"]
        return subprocess.run(
            [sys.executable, "-c", MAIN, *options, str(self.directory / "ld.cf"), *words],
            check=False, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(SOURCE)},
        )  # fmt: skip

    def as_heartbeat(self, *words: str) -> None:
        """As a resource of heartbeat: by the quick way, without the environment of this machine's Python."""
        options = ["--run", str(self.directory / "r"), str(self.directory / "ld.cf")]
        command = ["/usr/bin/python3", "-S", "-c", MAIN, *options, *words]
        subprocess.run(
            command, check=True, capture_output=True, env={"PYTHONPATH": str(SOURCE), "HA_CURHOST": "a"}
        )

    def status(self) -> dict:
        """What the daemon says of itself."""
        return json.loads(self.command("status").stdout)

    def changed(self, text: str, since: int) -> bool:
        """Whether a line with the text was added to the table's log. Cheap: who looks must not disturb."""
        with (self.directory / "table.log").open() as log:
            log.seek(since)
            return text in log.read()

    def log_size(self) -> int:
        """Where the table's log ends now."""
        return (self.directory / "table.log").stat().st_size

    def cpu_s(self, pid: int) -> float:
        """Processor time of the daemon so far."""
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def figure(name: str, values: list[float], unit: str) -> None:
    text = f"{statistics.median(values):.2f}"
    if len(values) > 1:
        text += f" [{min(values):.2f} .. {max(values):.2f}] of {len(values)}"
    print(f"{name}: {text} {unit}", flush=True)


def farm(count: int, silent: int) -> None:
    """Verdicts, detection, processor and memory."""
    servers = Elsewhere(count, silent)
    what = f"{count} servers, {silent} silent"
    with tempfile.TemporaryDirectory(prefix="um-") as temporary:
        daemon = Daemon(Path(temporary), servers.addresses)
        begun = time.time()
        done = daemon.command("start")
        figure(f"{what}: start returned after", [time.time() - begun], "s")
        if done.returncode:
            sys.exit(done.stdout + done.stderr)
        status = daemon.status()
        seen = [
            s["since_ms"] / 1000 - status["began_at"]
            for v in status["services"]
            for s in v["servers"]
            if s["health"] == "up"
        ]
        figure(f"{what}: {len(seen)} healthy ones known after the begin of the daemon", [max(seen)], "s")
        pid = status["pid"]
        figure(f"{what}: processor time of the daemon until then", [daemon.cpu_s(pid)], "s")
        time.sleep(6)
        before, started = daemon.cpu_s(pid), time.monotonic()
        checks = daemon.status()["checks_performed"]
        time.sleep(WINDOW_S)
        elapsed = time.monotonic() - started
        performed = daemon.status()["checks_performed"] - checks
        figure(f"{what}: processor", [(daemon.cpu_s(pid) - before) / elapsed * 100], "% of one core")
        figure(f"{what}: checks", [performed / elapsed], "a second")
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                figure(f"{what}: resident memory", [int(line.split()[1]) / 1024], "MiB")
        found = []
        for number in range(DETECTIONS):
            # The phases of the checks are random; so are the moments of the failures.
            time.sleep(random.random())
            address = servers.healthy[7 * number]
            since = daemon.log_size()
            servers.down(address)
            closed = time.monotonic()
            while not daemon.changed(f"Deleted real server: {address}:", since):
                time.sleep(0.005)
            found.append(time.monotonic() - closed)
        figure(f"{what}: a refusal is in the table after", found, "s")
        begun = time.time()
        daemon.command("stop")
        figure(f"{what}: stop returned after", [time.time() - begun], "s")
        daemon.command("standby")
        while daemon.status()["servers"]["unknown"]:
            time.sleep(0.5)
        begun = time.time()
        daemon.as_heartbeat("start")
        figure(f"{what}: takeover from standby, whole command", [time.time() - begun], "s")
        taken_ms = daemon.status()["programmed_in_ms"]
        figure(f"{what}: of that, to program the table", [taken_ms / 1000], "s")
        daemon.command("quit")


def original(program: Path, count: int, silent: int) -> None:
    """The Perl daemon with the same servers, over a stand-in for ipvsadm: its table, and one detection."""
    servers = Elsewhere(count, silent)
    what = f"original: {count} servers, {silent} silent"
    with tempfile.TemporaryDirectory(prefix="um-") as temporary:
        place = Path(temporary)
        Daemon(place, servers.addresses)
        stand_in = SOURCE.parent / "tests/ldirectord/original/ipvsadm"
        shutil.copy(stand_in, place / "ipvsadm")

        def listed() -> set[str]:
            with contextlib.suppress(OSError, ValueError):
                table = json.loads((place / "table").read_text())
                return {server.partition(":")[0] for entry in table.values() for server in entry["servers"]}
            return set()

        begun = time.monotonic()
        command = [str(program), "-d", str(place / "ld.cf"), "start"]
        daemon = subprocess.Popen(command, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not listed() >= set(servers.healthy):
                if time.monotonic() - begun > 180:
                    sys.exit(f"{what}: only {len(listed())} in the table after 180 s")
                time.sleep(0.05)
            figure(f"{what}: all healthy ones in the table after", [time.monotonic() - begun], "s")
            address = servers.healthy[7]
            servers.down(address)
            closed = time.monotonic()
            while address in listed():
                time.sleep(0.05)
            figure(f"{what}: a refusal is in the table after", [time.monotonic() - closed], "s")
        finally:
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
            Path("/var/run/ldirectord.ld.cf.pid").unlink(missing_ok=True)


def connects() -> None:
    """As many connect checks as one core makes."""
    from ultramonkey_ldirectord.checks.connect import connect  # noqa: PLC0415 - found by the path above

    reading_end, writing_end = os.pipe()
    child = os.fork()
    if child == 0:
        # The servers are a process of their own, on the other core.
        Farm(CONNECT_SERVERS, 0)
        os.write(writing_end, b".")
        time.sleep(CONNECT_S * 4)
        os._exit(0)
    os.read(reading_end, 1)
    addresses = [f"127.1.{number // 200}.{number % 200 + 1}" for number in range(CONNECT_SERVERS)]
    done = 0

    async def again(address: str, end: float) -> None:
        nonlocal done
        while time.monotonic() < end:
            await connect(address, PORT, 5.0)
            done += 1
            # As between two checks of a server.
            await asyncio.sleep(0)

    async def everything() -> None:
        end = time.monotonic() + CONNECT_S
        await asyncio.gather(*(again(address, end) for address in addresses))

    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.monotonic()
    asyncio.run(everything())
    elapsed = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    figure("connect checks, the servers in another process", [done / elapsed], "a second")
    figure("the same for each second of processor time", [done / cpu_s], "")


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--servers", type=int, default=1000)
    parser.add_argument("--silent", type=int, default=100)
    parser.add_argument("--connects", action="store_true")
    parser.add_argument("--original", type=Path, metavar="FILE")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if options.connects:
        connects()
    elif options.original:
        original(options.original, 200, 20)
    else:
        farm(options.servers, options.silent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
