"""One machine of the laboratory, seen from outside."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import LabError
from .network import Network, mac
from .requirements import PATH

if TYPE_CHECKING:
    from .lab import Lab

ENVIRONMENT = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "USER": "root"}


class Host:
    """A machine with its own network, file tree, processes and name. `boot` before anything else."""

    def __init__(self, lab: Lab, name: str, number: int, networks: Sequence[tuple[int, Network]]) -> None:
        self.name = name
        self.number = number
        # (position of the network in the laboratory, network); the interfaces are eth0, eth1 ... in order.
        self.networks = tuple(networks)
        self._lab = lab
        self._process: subprocess.Popen[str] | None = None
        self._pid: int | None = None

    # -- life ---------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The host's process 1 as the machine sees it."""
        if self._pid is None:
            raise LabError(f"{self.name} is switched off; boot() it first")
        return self._pid

    @property
    def is_on(self) -> bool:
        """Whether the host runs."""
        return self._pid is not None

    @property
    def address(self) -> str:
        """The host's IPv4 address on its first network."""
        return str(self.networks[0][1].ipv4[self.number])

    def boot(self) -> None:
        """Switch the host on: the disk as it was left, everything else new."""
        if self._pid is not None:
            raise LabError(f"{self.name} is already on")
        disk = self._lab.disk(self.name)
        self._process = subprocess.Popen(
            [
                *self._lab.enter("-m", "-n"),
                *("unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child"),
                *(sys.executable, "-I", str(self._lab.directory / "host_init.py")),
                *("boot", self.name, disk, self._lab.disk("layer"), *self._boot_options()),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
            start_new_session=True,
        )
        if self._process.stdout is None or self._process.stdout.readline() != "ready\n":
            _, said = self._process.communicate()
            raise LabError(f"{self.name} does not boot: {said.strip()}")
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text(
            encoding="ascii"
        )
        self._pid = int(children.split()[0])
        self._plug_in()
        self._lab.host_changed(self)

    def _boot_options(self) -> list[str]:
        return []

    def kill(self) -> float:
        """Power loss: off the network, processes dead, addresses gone. Returns the cut's wall time."""
        self.cut()
        cut_at = time.time()
        os.kill(self.pid, signal.SIGKILL)
        self._forget()
        for interface in self._ports():
            # The kernel takes a dead host's network apart when it likes; the next boot needs the name.
            self._lab.run_ip(f"link delete {interface}", check=False)
        return cut_at

    def _forget(self) -> None:
        process = self._process
        self._process = self._pid = None
        self._lab.host_changed(self)
        if process is not None:
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
            process.wait()

    def destroy(self) -> None:
        """Switch off without ceremony; never raises for a host that is off."""
        if self._process is not None:
            if self._pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._pid, signal.SIGKILL)
            else:
                self._process.kill()
            self._forget()

    # -- network ------------------------------------------------------------------------------------------

    def _ports(self) -> list[str]:
        """The switch side of the host's cables."""
        return [f"{self.name}.{network.name}" for _, network in self.networks]

    def _plug_in(self) -> None:
        for (position, network), port, interface in zip(self.networks, self._ports(), self.interfaces):
            self._lab.run_ip(
                f"link add {port} type veth peer name {interface} "
                f"address {mac(position, self.number)} netns {self.pid}",
                f"link set {port} master {network.bridge} up",
            )
            commands = [f"link set {interface} up"]
            commands += [
                # With the broadcast address that a real machine's tools would set.
                f"address add {address} {'' if ':' in address else 'broadcast + '}dev {interface}"
                for address in network.addresses(self.number)
            ]
            self.run(["ip", "-batch", "-"], stdin="\n".join(commands) + "\n")

    @property
    def interfaces(self) -> list[str]:
        """The host's own interfaces, in the order of its networks."""
        return [f"eth{index}" for index in range(len(self.networks))]

    def cut(self, *, silently: bool = False) -> None:
        """Pull the cables. `silently`: the switch drops everything, but the host still sees a carrier."""
        for port in self._ports():
            if silently:
                self._lab.run_ip(f"link set {port} nomaster")
            else:
                self._lab.run_ip(f"link set {port} down")

    def mend(self) -> None:
        """Plug the cables in again."""
        for port, (_, network) in zip(self._ports(), self.networks):
            self._lab.run_ip(f"link set {port} master {network.bridge} up")

    def blink(self, seconds: float) -> None:
        """Cut silently for a moment, exactly, however busy the machine is; returns when it is over."""
        cut = [f"ip link set {port} nomaster" for port in self._ports()]
        mend = [
            f"ip link set {port} master {network.bridge}"
            for port, (_, network) in zip(self._ports(), self.networks)
        ]
        # By one process: starting another one for the end would make the moment longer.
        self._lab.run_there("; ".join([*cut, f"sleep {seconds:g}", *mend]))

    # -- commands -----------------------------------------------------------------------------------------

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs `argv` in the host when run on the machine."""
        return ["nsenter", "-t", str(self.inside_pid), "-m", "-n", "-u", "-i", "-p", "--", *argv]

    def run(
        self, argv: Sequence[str], *, stdin: str = "", check: bool = True, timeout_s: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end. With `check`, a failure is a `LabError` that quotes what it said."""
        try:
            done = subprocess.run(
                self.command(argv),
                input=stdin,
                capture_output=True,
                text=True,
                env=ENVIRONMENT,
                check=False,
                timeout=timeout_s,
            )
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.name}: {' '.join(argv)} did not end within {timeout_s:g} s") from None
        if check and done.returncode != 0:
            said = (done.stderr or done.stdout).strip()
            raise LabError(f"{self.name}: {' '.join(argv)} ended with {done.returncode}: {said}")
        return done

    def popen(self, argv: Sequence[str], **options: Any) -> subprocess.Popen[str]:
        """Start a command and return; it dies with the host at the latest."""
        return subprocess.Popen(
            self.command(argv), env=ENVIRONMENT, text=True, start_new_session=True, **options
        )

    @property
    def inside_pid(self) -> int:
        """The process whose namespaces commands enter."""
        return self.pid

    def read_text(self, path: str) -> str:
        """A file of the host, empty if there is none."""
        return self.run(["cat", path], check=False).stdout


def only_child(pid: int) -> int:
    """The first child of a process that has just one."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()[0])
