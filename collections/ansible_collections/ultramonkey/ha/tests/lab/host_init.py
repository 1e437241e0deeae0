"""Process 1 of a laboratory host: makes the host's own view of the machine, then reaps.

Runs as a program in fresh namespaces (mount, network, UTS, IPC, PID):

    host_init.py boot NAME DISK LAYER [CGROUP]

DISK is a directory on the laboratory's tmpfs that outlives the host: what the host wrote, as on a disk.
LAYER is another, that all hosts share and none writes to: packages that the machine lacks, put there by
`host_init.py install LAYER PACKAGE...` in a fresh mount namespace and the machine's network. What the machine
has of a heartbeat of its own is taken away before that, so what the packages bring of one is there.

With CGROUP, a directory in a mounted cgroup2 hierarchy, the host gets a real systemd, as process 1 of one
more PID namespace inside, so that this process still watches over all.

Standard input is a pipe held by the laboratory: when that closes, for whatever reason, process 1 ends and
the kernel takes everything with it.

Every import happens before the root changes: the interpreter may live where the host does not look.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

# What this machine may have of a heartbeat and an ldirectord of its own, and a new host must not.
FRESH = (
    "etc/ha.d",
    "etc/init.d/heartbeat",
    "etc/default/heartbeat",
    "etc/systemd/system/heartbeat.service",
    "etc/init.d/ldirectord",
    "etc/default/ldirectord",
    "usr/lib/systemd/system/ldirectord.service",
    "usr/lib/ultramonkey-heartbeat",
    "usr/sbin/heartbeatd",
    "usr/sbin/hbctl",
    "usr/sbin/ldirectord",
    "var/lib/heartbeat",
    "var/log/heartbeat.log",
)
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
# Parts of / that may be filesystems of their own; an overlay does not descend into mounts by itself.
SYSTEM_DIRECTORIES = ("/usr", "/var", "/etc", "/opt", "/srv")
PR_SET_NAME = 15
# A host may set what is its own, net.*; all else in /proc/sys is the machine's, and so is the sysrq trigger:
# a daemon that reboots its machine in an emergency must not reboot ours.
PROTECT_PROC = (
    "mount --bind {0}/sys {0}/sys && mount --bind {0}/sys/net {0}/sys/net && "
    "mount -o remount,bind,ro {0}/sys && "
    "if [ -e {0}/sysrq-trigger ]; then mount --bind /dev/null {0}/sysrq-trigger; fi"
)
SYSTEMD = (
    f"mount -t proc proc /proc && {PROTECT_PROC.format('/proc')} && "
    "mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin "
    "/lib/systemd/systemd --system --unit=basic.target"
)


def mount(*arguments: str) -> None:
    """Call the system's command; a failure ends the boot with its message."""
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"mount {' '.join(arguments)}: {done.stderr.strip()}")


def mount_overlay(lower: str, disk: Path, name: str, target: Path, layer: Path | None) -> None:
    """Mount a writable view of `lower` (under `layer`) on `target`; what is written stays in `disk`."""
    upper, work = disk / f"{name}.upper", disk / f"{name}.work"
    if layer is not None and (layer / f"{name}.upper").exists():
        lower = f"{layer / name}.upper:{lower}"
    upper.mkdir(parents=True, exist_ok=True)
    work.mkdir(exist_ok=True)
    target.mkdir(parents=True, exist_ok=True)
    mount("-t", "overlay", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", str(target))


def separate_filesystems() -> list[str]:
    """Mount points on real disks below the directories that a host needs."""
    found = []
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        device, point = line.split()[:2]
        if device.startswith("/dev/") and any(f"{point}/".startswith(f"{d}/") for d in SYSTEM_DIRECTORIES):
            found.append(point)
    return sorted(p for p in set(found) if Path(p).is_dir())


def build_root(disk: Path, layer: Path | None) -> Path:
    """Mount the host's file tree and return where."""
    root = disk / "root"
    first_boot = not root.exists()
    mount_overlay("/", disk, "system", root, layer)
    for number, point in enumerate(separate_filesystems()):
        mount_overlay(point, disk, f"part{number}", root / point.lstrip("/"), layer)
    # Once in the layer, if there is one, for whatever is installed there; else in each host.
    if first_boot and (layer is None or not (layer / "root").exists()):
        freshen(root)
    return root


def freshen(root: Path) -> None:
    """Take away what the machine has of a heartbeat."""
    for name in FRESH:
        path = root / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def mount_kernel_filesystems(root: Path) -> None:
    """/proc, /sys, /dev, /run and /tmp of the host's own; the machine's emergency buttons out of reach."""
    for kind, name, options in (
        ("proc", "proc", "nosuid,nodev,noexec"),
        ("sysfs", "sys", "nosuid,nodev,noexec,ro"),
        ("tmpfs", "dev", "mode=755,nosuid"),
        ("tmpfs", "run", "mode=755,nosuid,nodev"),
        ("tmpfs", "tmp", "mode=1777,nosuid,nodev"),
        # What the machine's people keep in their homes is not for the host to see.
        ("tmpfs", "root", "mode=700"),
        ("tmpfs", "home", "mode=755"),
    ):
        (root / name).mkdir(exist_ok=True)
        mount("-t", kind, "-o", options, kind, str(root / name))
    for device in DEVICES:
        (root / "dev" / device).touch()
        mount("--bind", f"/dev/{device}", str(root / "dev" / device))
    for directory in ("pts", "shm"):
        (root / "dev" / directory).mkdir()
    mount("-t", "devpts", "-o", "newinstance,ptmxmode=0666,mode=620", "devpts", str(root / "dev/pts"))
    mount("-t", "tmpfs", "-o", "mode=1777,nosuid,nodev", "tmpfs", str(root / "dev/shm"))
    (root / "dev/ptmx").symlink_to("pts/ptmx")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        (root / "dev" / name).symlink_to(f"/proc/self/fd/{number}")
    (root / "dev/fd").symlink_to("/proc/self/fd")
    (root / "run/lock").mkdir(mode=0o1777)
    done = subprocess.run(
        ["sh", "-c", PROTECT_PROC.format(root / "proc")], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"protecting /proc/sys: {done.stderr.strip()}")


def enter_root(root: Path) -> None:
    """Make `root` the root of this mount namespace and drop the machine's."""
    (root / "mnt").mkdir(exist_ok=True)
    os.chdir(root)
    for command in (["pivot_root", ".", "mnt"], ["umount", "-l", "/mnt"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")
    os.chdir("/")


def configure(name: str) -> None:
    """Name the host and switch off what would only make tests slow."""
    socket.sethostname(name)
    Path("/etc/hostname").write_text(f"{name}\n", encoding="utf-8")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for setting in ("all/accept_dad", "default/accept_dad", "all/accept_ra", "default/accept_ra"):
        path = Path("/proc/sys/net/ipv6/conf") / setting
        if path.exists():
            path.write_text("0", encoding="utf-8")
    # Facts about the service manager go by the name of process 1. For "init", they look at /sbin/init, which
    # on many machines is a systemd that does not run here.
    ctypes.CDLL(None).prctl(PR_SET_NAME, b"lab-init", 0, 0, 0)


def start_systemd() -> None:
    """Start systemd in namespaces of its own, up to basic.target."""
    namespaces = ["--cgroup", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
    nothing = subprocess.DEVNULL
    subprocess.Popen(
        ["unshare", *namespaces, "sh", "-c", SYSTEMD], stdin=nothing, stdout=nothing, stderr=nothing
    )


def reap_until_orphaned() -> None:
    """Wait for every child that ends; return when the laboratory has let go of standard input."""
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        if 0 in ready and not os.read(0, 4096):
            return
        if woken in ready:
            os.read(woken, 4096)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass


def install(layer: Path, packages: list[str]) -> None:
    """Install Debian packages into a layer; ends the program with apt's message when that fails."""
    root = build_root(layer, None)
    for name in ("dev", "proc", "sys"):
        mount("--rbind", f"/{name}", str(root / name))
    # The name server's address may be behind a link into a filesystem of its own.
    resolver = Path("/etc/resolv.conf")
    if resolver.exists():
        text = resolver.read_bytes()
        (root / "etc/resolv.conf").unlink(missing_ok=True)
        (root / "etc/resolv.conf").write_bytes(text)
    apt = ["chroot", str(root), "apt-get", "-q", "-y", "-o", "Dpkg::Use-Pty=0"]
    # Also a package that the machine has may be wanted here, with the files that were taken away.
    again = ["--reinstall", "-o", "Dpkg::Options::=--force-confmiss"]
    add = [*apt, "install", "--no-install-recommends", *again, *packages]
    # Only when the lists are missing or old; to fetch them takes longer than the packages.
    for command in (add, [*apt, "update"], add):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0 and command is add:
            return
    sys.exit(f"apt-get cannot install {' '.join(packages)}: {done.stderr.strip()}")


def main() -> None:
    """Install and end, or boot, say so, and live."""
    if sys.argv[1] == "install":
        install(Path(sys.argv[2]), sys.argv[3:])
    else:
        boot(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), *map(Path, sys.argv[5:]))


def boot(name: str, disk: Path, layer: Path, cgroup: Path | None = None) -> None:
    """Become the host."""
    if cgroup is not None:
        cgroup.mkdir(exist_ok=True)
        (cgroup / "cgroup.procs").write_text("0", encoding="utf-8")
    root = build_root(disk, layer)
    mount_kernel_filesystems(root)
    enter_root(root)
    configure(name)
    if cgroup is not None:
        start_systemd()
    print("ready", flush=True)
    reap_until_orphaned()


if __name__ == "__main__":
    main()
