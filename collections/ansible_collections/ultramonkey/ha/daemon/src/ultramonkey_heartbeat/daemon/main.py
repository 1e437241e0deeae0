"""`heartbeatd`: the command line of the daemon."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from .. import __version__
from ..config.model import Configuration
from ..config.problems import has_errors
from ..reading import load, node_name
from ..resources.search import missing_here
from . import service
from .lock import AlreadyRunningError, Lock
from .logs import Logs
from .paths import Paths

# Exit codes: those of heartbeat 3.0.6 where it has one.
EXIT_OK = 0
EXIT_FAILED = 1
EXIT_CONFIGURATION = 6


def main(arguments: list[str] | None = None) -> int:
    """Run the daemon, check its configuration, or clean up after it; returns the exit code."""
    options = _parser().parse_args(arguments)
    paths = Paths(options.directory, options.state_directory, options.run_directory)
    if options.check:
        return _check(paths, options.node)
    try:
        configuration = _configuration(paths, options.node)
        if configuration is None:
            return EXIT_CONFIGURATION
        if options.release:
            return _release(configuration, paths)
        return _serve(configuration, paths, debug=options.debug)
    except AlreadyRunningError as error:
        print(f"heartbeatd: {error}", file=sys.stderr)
        # As 3.0.6: it runs, which is what was wanted.
        return EXIT_OK
    except OSError as error:
        print(f"heartbeatd: {error}", file=sys.stderr)
        return EXIT_FAILED
    except ImportError as error:
        print(f"heartbeatd: {error}; install what is missing (Debian: python3-pyroute2)", file=sys.stderr)
        return EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="heartbeatd",
        description="Keeps addresses and services alive on the nodes named in ha.cf.",
        epilog="Runs in the foreground and logs to standard error. "
        "SIGTERM hands over and stops, SIGHUP reads the keys again, "
        "SIGUSR1 and SIGUSR2 log more and less.",
    )
    action = parser.add_mutually_exclusive_group()
    action.add_argument(
        "--check", action="store_true", help="check the configuration, print problems, exit 0 or 1"
    )
    action.add_argument(
        "--release",
        action="store_true",
        help="after a crash: stop what the daemon held here and say goodbye to the peers",
    )
    action.add_argument("--foreground", action="store_true", help="serve (the default; for old habits)")
    parser.add_argument("--directory", type=Path, default=Paths.configuration, help="default: %(default)s")
    parser.add_argument("--state-directory", type=Path, default=Paths.state, help="default: %(default)s")
    parser.add_argument("--run-directory", type=Path, default=Paths.run, help="default: %(default)s")
    parser.add_argument("--node", help="this node's name (default: `uname -n` in lower case)")
    parser.add_argument("--debug", action="store_true", help="log more")
    parser.add_argument("--version", action="version", version=f"heartbeatd {__version__}")
    return parser


def _check(paths: Paths, node: str | None) -> int:
    try:
        loaded = load(paths.configuration, node)
        here = node_name(paths.configuration)
        problems = [*loaded.problems, *missing_here(loaded.configuration, here, paths.configuration)]
    except OSError as error:
        print(f"heartbeatd: {error}", file=sys.stderr)
        return EXIT_FAILED
    for problem in problems:
        print(problem)
    return EXIT_FAILED if loaded.configuration is None or has_errors(problems) else EXIT_OK


def _configuration(paths: Paths, node: str | None) -> Configuration | None:
    loaded = load(paths.configuration, node)
    for problem in loaded.problems:
        print(f"heartbeatd: {problem}", file=sys.stderr)
    if loaded.configuration is None:
        print("heartbeatd: the configuration has errors; nothing was started", file=sys.stderr)
    return loaded.configuration


def _serve(configuration: Configuration, paths: Paths, *, debug: bool) -> int:
    # Imported late: --check and --help need neither the event loop nor netlink.
    from .heartbeatd import CannotBeginError, Heartbeatd  # noqa: PLC0415
    from .persistence import identity  # noqa: PLC0415

    lock = Lock(paths.lock)
    logs = _logs(configuration, debug=debug)
    log = logs.start()
    try:
        who = identity(
            paths,
            configuration.node,
            uuid_from_name=configuration.ha.uuid_from_name,
            generation_from_time=configuration.ha.generation_from_time,
        )
        log.info("heartbeatd %s begins as %s, generation %d", __version__, who.name, who.generation)
        _prefer(configuration, log)

        async def serve() -> int:
            return await Heartbeatd(configuration, who, paths, log).run()

        return asyncio.run(serve())
    except CannotBeginError as error:
        log.error("cannot begin: %s", error)  # noqa: TRY400 - the text says it all
        return EXIT_FAILED
    finally:
        logs.stop()
        lock.release()


def _logs(configuration: Configuration, *, debug: bool = False) -> Logs:
    wanted = configuration.ha.logging
    return Logs(debug or wanted.debug, wanted.logfile, wanted.facility, wanted.debugfile)


def _prefer(configuration: Configuration, log: logging.Logger) -> None:
    if configuration.ha.coredumps is not None:
        problem = service.allow_core_dumps(wanted=configuration.ha.coredumps)
        if problem is not None:
            log.warning("coredumps: %s", problem)
    if configuration.ha.realtime:
        problem = service.become_realtime(configuration.ha.rtprio)
        if problem is not None:
            log.warning("realtime: %s; a busy machine may delay heartbeats", problem)


def _release(configuration: Configuration, paths: Paths) -> int:
    from .release import release  # noqa: PLC0415 - only needed after a crash

    lock = Lock(paths.lock)
    logs = _logs(configuration)
    log = logs.start()
    try:
        return asyncio.run(release(configuration, paths, log))
    finally:
        logs.stop()
        lock.release()


if __name__ == "__main__":
    sys.exit(main())
