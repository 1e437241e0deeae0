"""The two kinds of nodes, with the same handles on both."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
import time
from io import BytesIO
from pathlib import Path
from typing import Any

from lab import Host, LabError
from ultramonkey_heartbeat.control import client

from .cell import GROUPS, TRACE_SCRIPT, Place
from .null_modem import NullModem

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1] / "src"
_INSTALLED = "/usr/lib/ultramonkey-heartbeat"

HEARTBEAT = "/usr/libexec/heartbeat/heartbeat"
_LOCAL_ADDRESS = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL")


class Member:
    """One node of the cluster: a host, and the daemon on it."""

    # What the log of this kind of daemon is called.
    log = "/var/log/ha-log"
    kind = ""

    def __init__(self, host: Host, place: Place, modem: NullModem | None = None) -> None:
        self.host = host
        # The serial cable, where that is the link.
        self.modem = modem
        self.place = place
        # When the host lost its power: everything that ran there had ended.
        self.dark_at: list[float] = []
        self.last_words: dict[str, str] = {}

    @property
    def name(self) -> str:
        return self.host.name

    # -- the machine ------------------------------------------------------------------------------

    def prepare(self, files: dict[str, str]) -> None:
        """Configure the host, which has just been booted; nothing of an earlier cell is to be left."""
        self.host.run(["sh", "-c", "rm -rf /var/log/ha-* /var/log/trace /var/lib/heartbeat/hb_*"])
        for name, text in files.items():
            self.write(f"/etc/ha.d/{name}", text, 0o600)
        self.write("/etc/ha.d/resource.d/trace", TRACE_SCRIPT, 0o755)

    def write(self, path: str, text: str, mode: int) -> None:
        self.host.run(["sh", "-c", f"cat >{path} && chmod {mode:o} {path}"], stdin=text)

    def _inside(self, path: str) -> Path:
        """A file of the host as seen from here."""
        return Path(f"/proc/{self.host.pid}/root{path}")

    def read(self, path: str) -> str:
        """A file of the host; what it last was while the host is off."""
        if self.host.is_on:
            try:
                text = self._inside(path).read_text("utf-8", "replace")
            except FileNotFoundError:
                text = ""
            self.last_words[path] = text
        return self.last_words.get(path, "")

    def wake_up(self) -> None:
        """What the machine does at every boot."""
        code = (HERE / "recorder.py").read_text("utf-8")
        self.write("/run/recorder", code, 0o644)
        self.background(f"/usr/bin/python3 -I /run/recorder {self.place.port} >>/var/log/frames 2>&1")

    def background(self, command: str) -> int:
        """Run a command in the host without waiting; returns its process id there."""
        done = self.host.run(["sh", "-c", f"setsid {command} </dev/null & echo $!"])
        return int(done.stdout)

    def power_off(self) -> None:
        """Power loss."""
        for path in (self.log, "/var/log/trace", "/var/log/frames"):
            self.read(path)
        self.dark_at.append(self.host.kill())

    def power_on(self) -> None:
        """The machine boots; its daemon is not started yet."""
        self.host.boot()
        self.wake_up()
        if self.modem is not None:
            self.modem.plug_in(self.host)

    # -- what is seen from outside ------------------------------------------------------------------

    def holds(self) -> frozenset[str]:
        """The groups whose address is on this host."""
        if not self.host.is_on:
            return frozenset()
        text = Path(f"/proc/{self.host.pid}/net/fib_trie").read_text("ascii")
        local = set(_LOCAL_ADDRESS.findall(text))
        return frozenset(group for group in GROUPS if self.place.address(group) in local)

    def addresses(self) -> list[str]:
        """The virtual addresses that `ip address` shows, one for each time it is there."""
        if not self.host.is_on:
            return []
        shown = self.host.run(["ip", "-o", "-4", "address"]).stdout
        return [
            a for a in re.findall(r"inet ([0-9.]+)/", shown) for g in GROUPS if a == self.place.address(g)
        ]

    def runs(self) -> list[tuple[str, float, float]]:
        """(group, from, to) for everything that ever ran here by the trace resource; `to` may be infinite."""
        begun: dict[str, float] = {}
        ended: list[tuple[str, float, float]] = []
        entries = [line.split() for line in self.read("/var/log/trace").splitlines()]
        events = [(float(at), group, what) for at, group, what in entries]
        events += [(at, group, "stop") for at in self.dark_at for group in GROUPS]
        for at, group, what in sorted(events):
            if what == "start":
                begun[group] = at
            elif what == "stop" and group in begun:
                ended.append((group, begun.pop(group), at))
        return ended + [(group, at, float("inf")) for group, at in begun.items()]

    def started_twice(self, since: float) -> list[str]:
        """The groups that were started although they ran here."""
        lines = [line.split() for line in self.read("/var/log/trace").splitlines()]
        return [group for at, group, what in lines if what == "again" and float(at) >= since]

    def frames(self, since: float) -> list[dict[str, str]]:
        """The messages that the daemon here has sent since then."""
        found = []
        if self.modem is not None:
            return [fields for at, fields in self.modem.frames(self.host) if at >= since]
        for line in self.read("/var/log/frames").splitlines():
            at, *words = line.split(" ")
            if float(at) >= since:
                found.append(dict(word.split("=", 1) for word in words if "=" in word))
        return found

    def get_ready(self, *arguments: str) -> None:
        """It is about to be restarted at once."""

    def complaints(self, text: str) -> list[str]:
        """The lines of a piece of log in which the daemon complains."""
        raise NotImplementedError


class RealMember(Member):
    """A node with Debian's heartbeat 3.0.6."""

    kind = "real"
    _COMPLAINT = re.compile(r"\b(WARN|WARNING|ERROR|CRIT|EMERG|ALERT|[Cc]rit|[Ee]merg)\b *:")
    # Its shell scripts write a message into its pipe piece by piece (`ha_clustermsg`). On a busy machine, or
    # when two do so at once, the process that reads the pipe takes pieces for messages; the message is lost.
    _PIPE_COMPLAINT = re.compile(
        r"heartbeat: \[(\d+)\]: \w+: (msg2string: Message with zero fields"
        r"|ha_msg_add_nv_depth: line doesn't contain '='|NV failure \(msgfromsteam\))"
    )

    def __init__(self, host: Host, place: Place, modem: NullModem | None = None) -> None:
        super().__init__(host, place, modem)
        self._pipe_readers: set[str] = set()

    def wake_up(self) -> None:
        super().wake_up()
        # tmpfiles.d of the package and of resource-agents, which a machine's service manager carries out.
        directories = "mkdir -p /run/heartbeat/rsctmp /run/resource-agents"
        self.host.run(["sh", "-c", f"{directories} && chown -R hacluster:haclient /run/heartbeat"])

    def start(self) -> None:
        done = self.host.run([HEARTBEAT], check=False)
        if done.returncode != 0:
            raise LabError(f"heartbeat on {self.name}: {done.returncode} {done.stdout}{done.stderr}")

    def stop(self) -> None:
        """A clean stop; returns when it is down."""
        self._note_pipe_reader()
        self.host.run([HEARTBEAT, "-k"], timeout_s=60)

    def kill(self) -> None:
        """SIGKILL to the master; its children end by themselves, the addresses stay."""
        self._note_pipe_reader()
        self.host.run(["sh", "-c", "kill -9 $(cat /run/heartbeat.pid)"])
        self.host.run(
            ["sh", "-c", 'until [ -z "$(ps -o pid= -C heartbeat)" ]; do sleep 0.1; done'], timeout_s=20
        )

    def reload(self) -> None:
        """`heartbeat -r` with a newer ha.cf: it executes itself again and keeps its resources."""
        self._note_pipe_reader()
        time.sleep(1.1)  # it compares whole seconds
        self.host.run(["touch", "/etc/ha.d/ha.cf"])
        self.host.run([HEARTBEAT, "-r"])

    def standby(self, word: str) -> None:
        self._command("hb_standby", word)

    def takeover(self, word: str) -> None:
        self._command("hb_takeover", word)

    def _command(self, name: str, word: str) -> None:
        """Give the command; again if it was lost in the pipe, as one would who reads the log."""
        for _ in range(3):
            before = len(self.read(self.log))
            self.host.run([f"/usr/share/heartbeat/{name}", word])
            time.sleep(0.3)
            if not self.lost_in_pipe(self.read(self.log)[before:]):
                return

    def lost_in_pipe(self, text: str) -> list[str]:
        """The lines in which its pipe's reader says that it got something else than a message."""
        lines = [(line, self._PIPE_COMPLAINT.search(line)) for line in text.splitlines()]
        if any(match for _, match in lines):
            self._note_pipe_reader()
        return [line for line, match in lines if match and match[1] in self._pipe_readers]

    def _note_pipe_reader(self) -> None:
        """Which process that is: what others say of a message is said of one of ours."""
        shown = self.host.run(["ps", "-C", "heartbeat", "-o", "pid=,args="], check=False).stdout
        self._pipe_readers.update(re.findall(r"(?m)^ *(\d+) heartbeat: FIFO reader", shown))

    def rscstatus(self) -> str:
        return self.host.run(["cl_status", "rscstatus"], check=False).stdout.strip()

    def settled(self, failback: str) -> bool:
        """It is up, and in no transition."""
        if failback == "legacy":
            return self.host.run(["cl_status", "hbstatus"], check=False).returncode == 0
        return self.rscstatus() in ("none", "local", "foreign", "all")

    def state(self) -> str:
        return f"rscstatus {self.rscstatus()!r}"

    def complaints(self, text: str) -> list[str]:
        lost = self.lost_in_pipe(text) if self.host.is_on else []
        return [line for line in text.splitlines() if self._COMPLAINT.search(line) and line not in lost]


class OurMember(Member):
    """A node with our daemon."""

    kind = "ours"
    log = "/var/log/heartbeatd"
    _COMPLAINT = re.compile(r"^\d{4}-\S+ \S+ (WARNING|ERROR|CRITICAL) ")
    _LINE = re.compile(r"^\d{4}-\d\d-\d\d ")

    _pid = 0
    # The run that waits for its beginning, or 0.
    _next_pid = 0

    def prepare(self, files: dict[str, str]) -> None:
        self.host.run(["sh", "-c", f"rm -rf {self.log}; mkdir -p {_INSTALLED}"])
        subprocess.run(self.host.command(["tar", "-C", _INSTALLED, "-xf", "-"]), input=_program(), check=True)
        super().prepare(files)

    def _python(self, module: str, *arguments: str) -> str:
        words = " ".join(arguments)
        return f"env PYTHONPATH={_INSTALLED} /usr/bin/python3 -m ultramonkey_heartbeat.{module} {words}"

    def start(self) -> None:
        if self._next_pid:
            self._go_on()
        else:
            self._pid = self.background(f"{self._python('daemon.main')} >>{self.log} 2>&1")

    def get_ready(self, *arguments: str) -> None:
        """Load the next run of the program beside this one, up to where it begins.

        It begins when `start` or `release` says so. A restart is then nearly as quick as on an idle machine,
        however many cells share this one: Python alone takes a second or more to load the program there, and
        the peer's dead time is two.
        """
        self.host.run(["sh", "-c", "rm -f /run/loaded /run/begin && mkfifo /run/begin"])
        self.write("/run/next.py", _NEXT_RUN, 0o644)
        python = f"env PYTHONPATH={_INSTALLED} /usr/bin/python3 /run/next.py"
        self._next_pid = self.background(f"{python} {' '.join(arguments)} >>{self.log} 2>&1")
        self.host.run(["sh", "-c", "until [ -e /run/loaded ]; do sleep 0.05; done"], timeout_s=60)

    def _go_on(self) -> None:
        self._pid, self._next_pid = self._next_pid, 0
        self._inside("/run/begin").write_text("now", "ascii")

    def _wait_gone(self) -> None:
        deadline = time.monotonic() + 60
        while self._inside(f"/proc/{self._pid}").exists():
            if time.monotonic() > deadline:
                raise LabError(f"heartbeatd on {self.name} does not end")
            time.sleep(0.02)

    def stop(self) -> None:
        """A clean stop; returns when it is down."""
        self.host.run(["kill", "-TERM", str(self._pid)])
        self._wait_gone()

    def kill(self) -> None:
        """SIGKILL; the addresses stay."""
        self.host.run(["kill", "-KILL", str(self._pid)])
        self._wait_gone()

    def release(self) -> None:
        """What the service manager does after the daemon's end (ExecStopPost); it has got ready before."""
        self._go_on()
        self._wait_gone()

    def reload(self) -> None:
        self.host.run(["kill", "-HUP", str(self._pid)])

    def ask(self, command: str, arguments: dict[str, Any], timeout_s: float = 30) -> dict[str, Any]:
        """The daemon's last answer to a request."""
        path = str(self._inside("/run/heartbeat/control.sock"))
        answers: list[dict[str, Any]] = list(client.ask(command, arguments, path=path, timeout_s=timeout_s))
        return answers[-1]

    def _move(self, word: str, target: str | None) -> None:
        answer = self.ask("move", {"groups": [word], "target": target, "timeout_ms": 20_000})
        if answer.get("phase") != "completed":
            raise LabError(f"hbctl on {self.name}: {json.dumps(answer.get('error'))}")

    def standby(self, word: str) -> None:
        self._move(word, None)

    def takeover(self, word: str) -> None:
        self._move(word, self.name)

    def status(self) -> dict[str, Any] | None:
        """`hbctl status`, or None while no daemon answers."""
        try:
            result: dict[str, Any] = self.ask("status", {}, 5)["result"]
        except (client.UnreachableError, client.NoAnswerError, OSError):
            return None
        return result

    def settled(self, failback: str) -> bool:
        """It is active, sees every group held once, and has nothing under way."""
        del failback
        status = self.status()
        if status is None or status.get("state") != "active":
            return False
        codes = {problem["code"] for problem in status["problems"]}
        moving = [s for g in status["groups"] for s in g["states"].values() if s in ("starting", "stopping")]
        return not moving and codes <= {"old-peer", "node-dead", "node-left", "ping-lost"}

    def state(self) -> str:
        status = self.status()
        if not status:
            return "no answer"
        problems = [problem["code"] for problem in status["problems"]]
        states = {group["key"]: group["states"] for group in status["groups"]}
        return f"{status['state']}, {states}, problems {problems}"

    def complaints(self, text: str) -> list[str]:
        return [
            line for line in text.splitlines() if self._COMPLAINT.search(line) or not self._LINE.match(line)
        ]


_NEXT_RUN = """\
import sys
from pathlib import Path

from ultramonkey_heartbeat.daemon.main import main

Path("/run/loaded").touch()
Path("/run/begin").read_bytes()
sys.exit(main(sys.argv[1:]))
"""


def _program() -> bytes:
    """The daemon's modules as a tar archive."""
    raw = BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for path in sorted((SOURCE / "ultramonkey_heartbeat").rglob("*.py")):
            tar.add(path, path.relative_to(SOURCE).as_posix())
    return raw.getvalue()
