"""The laboratory: a private corner of the machine with bridges and the hosts on them."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from . import requirements
from .errors import LabError
from .host import ENVIRONMENT, Host
from .network import KNOWN
from .systemd_host import SystemdHost

# Where the hosts' disks are mounted, visible in the laboratory's own mount namespace only. Any directory
# that every system has and no host needs would do.
_DISKS = "/mnt"
_FIRST_NODE = 11
_FIRST_CLIENT = 100
# Packages of which the hosts do not see the machine's own copy (`host_init.FRESH`).
_NEVER_THE_MACHINES = ("heartbeat",)
_ANCHOR = f"mount -t tmpfs -o mode=755 lab {_DISKS} && ip link set lo up && echo ready && exec cat >/dev/null"


class Lab:
    """Hosts on bridges in namespaces of their own. Use as a context manager.

    nodes and clients get the numbers 11, 12 ... and 100 of each network; the networks are names of
    `network.KNOWN`, the first of which (eth0) the client is on, too. On leaving, also by an exception,
    SIGINT or SIGTERM, everything is gone; if this process is killed, its end closes the pipes that the
    hosts live by.

    The hosts have what the machine has, except a heartbeat of its own, and the Debian `packages`: those that
    the machine lacks are installed into a layer that only the hosts see. The hosts themselves reach no
    network but their own.

    With `systemd`, the nodes (not the client) run one; otherwise process 1 is a mere reaper.
    """

    def __init__(
        self,
        nodes: Iterable[str] = ("lb1", "lb2"),
        *,
        client: bool = True,
        networks: Sequence[str] = ("lan",),
        packages: Sequence[str] = (),
        systemd: bool = False,
    ) -> None:
        self.networks = [KNOWN[name] for name in networks]
        numbered = list(enumerate(self.networks))
        kind = SystemdHost if systemd else Host
        self.nodes = [kind(self, name, _FIRST_NODE + i, numbered) for i, name in enumerate(nodes)]
        self.clients = [Host(self, "client", _FIRST_CLIENT, numbered[:1])] if client else []
        self.packages = tuple(packages)
        self.directory = Path()
        self._anchor: subprocess.Popen[str] | None = None
        self._old_sigterm: Any = None
        self._has_cgroups = False

    # -- coming and going ---------------------------------------------------------------------------------

    def __enter__(self) -> Lab:  # noqa: PYI034 - typing.Self came with Python 3.11
        requirements.check()
        self.directory = Path(tempfile.mkdtemp(prefix="lab-"))
        # A copy, because the laboratory sees all of the machine but what lies under its disks.
        shutil.copy(Path(__file__).with_name("host_init.py"), self.directory)
        atexit.register(self.close)
        if threading.current_thread() is threading.main_thread():
            self._old_sigterm = signal.signal(signal.SIGTERM, _leave)
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _build(self) -> None:
        self._anchor = subprocess.Popen(
            ["unshare", "--mount", "--net", "--propagation", "private", "--", "sh", "-c", _ANCHOR],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
            start_new_session=True,
        )
        if self._anchor.stdout is None or self._anchor.stdout.readline() != "ready\n":
            _, said = self._anchor.communicate()
            raise LabError(f"The laboratory cannot be built: {said.strip()}")
        for network in self.networks:
            # No snooping: without a querier it would forget multicast members.
            self.run_ip(f"link add {network.bridge} type bridge forward_delay 0 mcast_snooping 0")
            self.run_ip(f"link set {network.bridge} up")
        missing = missing_packages(self.packages)
        if missing:
            self._install(missing)
        for host in self.hosts:
            host.boot()
            self._introduce(host)

    def _install(self, packages: Sequence[str]) -> None:
        """Put packages into the layer that all hosts share."""
        init = str(self.directory / "host_init.py")
        done = subprocess.run(
            [
                *self.enter("-m"),
                *("unshare", "--mount", "--propagation", "private", "--"),
                *(sys.executable, "-I", init, "install", self.disk("layer"), *packages),
            ],
            capture_output=True,
            text=True,
            # Whatever leads to the packages (a proxy) may be in the environment.
            env={**os.environ, **ENVIRONMENT, "DEBIAN_FRONTEND": "noninteractive"},
            check=False,
        )
        if done.returncode != 0:
            raise LabError(f"The laboratory's hosts need {', '.join(packages)}: {done.stderr.strip()}")

    def _introduce(self, host: Host) -> None:
        lines = ["127.0.0.1 localhost", "::1 localhost"]
        lines += [f"{other.address} {other.name}" for other in self.hosts]
        host.run(["tee", "/etc/hosts"], stdin="\n".join(lines) + "\n")

    def close(self) -> None:
        """Take everything down. Idempotent."""
        atexit.unregister(self.close)
        for host in self.hosts:
            host.destroy()
        if self._has_cgroups:
            self._remove_cgroups()
        if self._anchor is not None:
            self._anchor.kill()
            self._anchor.communicate()
            self._anchor = None
        if self.directory != Path():
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = Path()
        if self._old_sigterm is not None:
            signal.signal(signal.SIGTERM, self._old_sigterm)
            self._old_sigterm = None

    # -- the inhabitants ----------------------------------------------------------------------------------

    @property
    def hosts(self) -> list[Host]:
        """All hosts, nodes first."""
        return [*self.nodes, *self.clients]

    def host(self, name: str) -> Host:
        """The host of that name."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise LabError(f"there is no host {name} in the laboratory")

    @property
    def client(self) -> Host:
        """The client."""
        return self.host("client")

    # -- for Host -----------------------------------------------------------------------------------------

    def enter(self, *namespaces: str) -> list[str]:
        """The words before a command that run it in the laboratory's own namespaces."""
        if self._anchor is None:
            raise LabError("the laboratory is closed; use `with Lab() as lab:`")
        return ["nsenter", "-t", str(self._anchor.pid), *namespaces, "--"]

    def run_ip(self, *commands: str, check: bool = True) -> None:
        """Run ip(8) commands where the bridges are."""
        done = subprocess.run(
            [*self.enter("-n"), "ip", "-batch", "-"],
            input="\n".join(commands) + "\n",
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
            check=False,
        )
        if check and done.returncode != 0:
            raise LabError(f"ip {'; '.join(commands)}: {done.stderr.strip()}")

    def run_there(self, script: str) -> None:
        """Run a shell script where the bridges are."""
        done = subprocess.run(
            [*self.enter("-n"), "sh", "-ec", script],
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
            check=False,
        )
        if done.returncode != 0:
            raise LabError(f"{script}: {done.stderr.strip()}")

    def disk(self, name: str) -> str:
        """The directory, as the laboratory's mount namespace sees it, that holds what the host wrote."""
        return f"{_DISKS}/{name}"

    def cgroup(self, name: str) -> str:
        """A control group for one host, as the laboratory's mount namespace sees it; the hosts make it."""
        mount = f"{_DISKS}/cgroup"
        if not self._has_cgroups:
            # A mount of our own, because the machine may have cgroup2 anywhere, or beside cgroup1.
            script = (
                f"mkdir {mount} && mount -t cgroup2 cgroup2 {mount} && mkdir {mount}/{self.directory.name}"
            )
            done = subprocess.run(
                [*self.enter("-m"), "sh", "-c", script], capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                raise LabError(f"hosts with systemd need cgroup2: {done.stderr.strip()}")
            self._has_cgroups = True
        return f"{mount}/{self.directory.name}/{name}"

    def _remove_cgroups(self) -> None:
        """Remove the control groups; they are the one thing that does not go with its namespace."""
        find = f"find {_DISKS}/cgroup/{self.directory.name} -depth -type d -exec rmdir {{}} +"
        # The last processes may take a moment to be gone.
        script = f"for try in 1 2 3 4 5 6 7 8 9 10; do {find} 2>/dev/null && break; sleep 0.1; done"
        subprocess.run([*self.enter("-m"), "sh", "-c", script], capture_output=True, check=False)
        self._has_cgroups = False

    def pid_file(self, name: str) -> Path:
        """Where Ansible's connection finds the host's process 1; absent while the host is off."""
        return self.directory / f"{name}.pid"

    def host_changed(self, host: Host) -> None:
        """The host was switched on or off."""
        if host.is_on:
            self.pid_file(host.name).write_text(f"{host.inside_pid}\n", encoding="ascii")
        else:
            self.pid_file(host.name).unlink(missing_ok=True)


def missing_packages(packages: Iterable[str]) -> list[str]:
    """Which of the Debian packages the machine does not lend its hosts; none on a machine without dpkg."""
    if shutil.which("dpkg-query") is None:
        return []
    query = ["dpkg-query", "-W", "-f", "${db:Status-Status}"]
    return [
        package
        for package in packages
        if package in _NEVER_THE_MACHINES
        or subprocess.run([*query, package], capture_output=True, text=True, check=False).stdout
        != "installed"
    ]


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Turn SIGTERM into an ordinary way out, so that every `with` and `finally` runs."""
    raise SystemExit(128 + signal.SIGTERM)
