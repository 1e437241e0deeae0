# ruff: noqa: E501 - a case of a table is a line
"""Our ldirectord and the Perl original side by side: one configuration, the same failures, their tables compared.

Each has a table that is only written down. The original's known faults are differences that are expected: what
each of the two has then is part of the case.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import peers
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
        self.file = directory / "original.cf"
        self.file.write_text(text)
        self._table = directory / "table"
        self._output = (directory / "output").open("w")
        self._process = subprocess.Popen(
            [str(ORIGINAL), "-d", str(self.file), "start"],
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

    def wipe(self):
        """Somebody empties the table."""
        self._table.write_text("{}")

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


class Speaker:
    """A real server that accepts always, and says what is right (up) or what is wrong (down)."""

    def __init__(self, address, right, wrong):
        self.address = address
        self._peers = {True: right, False: wrong}
        self._right = True
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _listen(self):
        return await asyncio.start_server(self._connection, self.address, 0)

    async def _connection(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._peers[self._right](reader, writer)
        writer.transport.abort()

    def up(self):
        self._right = True

    def down(self):
        self._right = False

    async def _end(self):
        self._server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def close(self):
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def __str__(self):
        return f"{self.address}:{self.port}"


@dataclass(frozen=True)
class Case:
    """One configuration and what happens. `steps` are lists of the servers that are up.

    `ours` and `theirs` say what is in the table at the end where that differs. With `speech`, what a server says
    that is right, and what one says that is not, a server that is not up still accepts. At the end, `wiped`
    empties both tables, and `mistake` lets both read a file with an error before the last step. `always` are the
    servers that are in the table whatever the steps say.
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
    speech: tuple = ()
    wiped: bool = False
    mistake: bool = False
    always: tuple[int, ...] | None = None


SOME = ((1, 2), (2,), (1, 2))
LOGIN = 'login="joe"\npasswd="secret"'
HTTP = 'checktype=negotiate\nservice=http\nrequest="x"\nreceive="hello"'
# Longer than either takes to look at its file or its table.
LOOK_S = 4.0
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
    Case("an external check", "checktype=external\ncheckcommand=/bin/true", steps=((), (1,)), always=(1, 2)),
    Case("an external check that fails", f"checktype=external\ncheckcommand=/bin/false{FALLBACK}", steps=((1, 2),),
         always=()),
    Case("not checked", "checktype=on", steps=((), (1,)), always=(1, 2)),
    # The manual says that nothing is activated, and that is what is done here.
    Case("off", f"checktype=off{FALLBACK}", steps=((1, 2),), ours={}, theirs={"127.0.0.9:80": 1}),
    # Nobody listens, and it says that both are well: there is no service at such a port that it could ask.
    Case("nothing to negotiate with", "checktype=negotiate", head="virtual=192.0.2.100:6666", steps=((),), ours={},
         theirs={1: 1, 2: 1}),
    Case("http", HTTP, speech=(peers.http(), peers.http(b"500 Oh"))),
    Case("http, another page", HTTP, speech=(peers.http(), peers.http(body=b"goodbye"))),
    Case("http, no answer", f"{HTTP}\nnegotiatetimeout=1", steps=((1, 2), (2,), (1, 2)), hold_s=4.0,
         speech=(peers.http(), peers.silent)),
    Case("http, closed", HTTP, steps=((1, 2), (2,), (1, 2)), speech=(peers.http(), peers.closing)),
    Case("smtp", "checktype=negotiate\nservice=smtp", steps=SOME, speech=(peers.SMTP, peers.lines(b"554 no\r\n"))),
    Case("nntp", "checktype=negotiate\nservice=nntp", steps=SOME, speech=(peers.NNTP, peers.lines(b"400 no\r\n"))),
    Case("simpletcp", 'checktype=negotiate\nservice=simpletcp\nrequest="one"\nreceive="one"', steps=SOME,
         speech=(peers.echo, peers.lines(b"no\r\n"))),
    Case("pop with login", f"checktype=negotiate\nservice=pop\n{LOGIN}", steps=SOME,
         speech=(peers.POP, peers.lines(b"-ERR busy\r\n"))),
    Case("ftp", f'checktype=negotiate\nservice=ftp\n{LOGIN}\nrequest="x"\nreceive="welcome"', steps=SOME,
         speech=(peers.ftp(plain=True), peers.lines(b"421 full\r\n"))),
    Case("pop without login", "checktype=negotiate\nservice=pop", steps=((1,),), ours={1: 1}, theirs={1: 1, 2: 1},
         speech=(peers.POP, peers.lines(b"-ERR busy\r\n"))),
    # What follows are known faults of the original: it says up unasked, asks another port, and never looks again.
    Case("ftp without receive", f"checktype=negotiate\nservice=ftp\n{LOGIN}", steps=((1,),), ours={1: 1}, theirs={1: 1, 2: 1},
         speech=(peers.ftp(), peers.closing)),
    Case("imap on another port", f"checktype=negotiate\nservice=imap\n{LOGIN}", steps=((1, 2),), ours={1: 1, 2: 1}, theirs={},
         speech=(peers.IMAP, peers.closing)),
    # It takes a line of a greeting that begins with digits for an answer.
    Case("ftp, a long greeting", f'checktype=negotiate\nservice=ftp\n{LOGIN}\nrequest="x"\nreceive="welcome"', steps=((1,),),
         ours={1: 1}, theirs={}, speech=(peers.ftp(), peers.lines(b"421 full\r\n"))),
    # It asks for CAPA before it logs in, and waits without limit: the second server is never looked at.
    Case("pop, no answer", f"checktype=negotiate\nservice=pop\nnegotiatetimeout=1\n{LOGIN}", steps=((2,),), ours={2: 1},
         theirs={}, speech=(peers.POP, peers.silent)),
    Case("a table that is wiped", steps=((1, 2),), ours={1: 1, 2: 1}, theirs={}, wiped=True),
    # It forgets its real servers: none is ever looked at again, while it says that it runs.
    Case("a mistake in the file", common="autoreload=yes\n", steps=((1, 2), (1,)), ours={1: 1}, theirs={1: 1, 2: 1},
         mistake=True),
)  # fmt: skip


def compare(director, directory, case):
    """Live through a case with both; raises AssertionError where they are not as they should be.

    Returns the tables that they came to, in the order of the steps.
    """
    if case.speech:
        servers = {number: Speaker(f"127.0.1.{number}", *case.speech) for number in (1, 2)}
    else:
        servers = {number: director.server(number) for number in (1, 2)}
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
        for number, step in enumerate(case.steps):
            if case.mistake and number == len(case.steps) - 1:
                # The original knows what was in the file only after its first look, at the end of a round.
                both_have(director, original, {1: 1, 2: 1}, {1: 1, 2: 1}, servers)
                for file in (director.file, original.file):
                    file.write_text(f"nonsense=1\n{text}")
                time.sleep(LOOK_S)
            set_up(servers, step)
            if case.wiped:
                both_have(director, original, {1: 1, 2: 1}, {1: 1, 2: 1}, servers)
                director.table_file.write_text("[]")
                original.wipe()
                time.sleep(LOOK_S)
            if case.ours is None:
                stay_the_same(director, original, case.hold_s)
                both = numbered(director.weights(), servers)
                wanted = set(step if case.always is None else case.always)
                assert {n for n in both if both[n] and n in servers} == wanted, f"both have {both}"
            elif number == len(case.steps) - 1:
                both_have(director, original, case.ours, case.theirs, servers)
            seen.append((numbered(director.weights(), servers), original.names(servers)))
    finally:
        original.close()
        for server in servers.values() if case.speech else ():
            server.close()
    return seen


def both_have(director, original, ours, theirs, servers):
    """Wait until each has what it is expected to have, and keeps it for two rounds."""
    since = [time.monotonic()]

    def held():
        if (numbered(director.weights(), servers), original.names(servers)) != (ours, theirs):
            since[0] = time.monotonic()
        return time.monotonic() - since[0] > LOOK_S

    wait_until(held, f"ours {ours} and theirs {theirs}", 30)


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
