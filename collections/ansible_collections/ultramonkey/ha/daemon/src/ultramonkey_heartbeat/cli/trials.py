"""`hbctl link test …` and `hbctl address test`: links and addresses, before the daemon needs them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from ..control import schema
from . import tables
from .options import add, directory_option, node_option, seconds


def add_commands(commands: Any) -> None:
    """Make the commands known."""
    tests = commands.add_parser("link", help="the links").add_subparsers(metavar="COMMAND", required=True)
    kinds = tests.add_parser("test", help="see whether a link works, without the daemon").add_subparsers(
        metavar="KIND", required=True
    )
    test = add(
        kinds, "serial", _link_test, tables.link_test, "test a serial line; run it on both ends at once"
    )
    test.add_argument("device", metavar="DEVICE", help="such as /dev/ttyS0")
    test.add_argument(
        "--baud", type=int, default=19200, metavar="SPEED", help="default: %(default)s, as in ha.cf"
    )
    test.add_argument(
        "--seconds", type=seconds, default=10.0, help="how long to exchange probes (default: %(default)s)"
    )
    test.add_argument(
        "--wait",
        type=seconds,
        default=30.0,
        metavar="SECONDS",
        help="for the other end (default: %(default)s)",
    )
    network = add(
        kinds,
        "network",
        _network_test,
        tables.network_test,
        "test all links over networks, on all nodes at once",
    )
    network.add_argument("--peers", metavar="NODE,NODE", help="who else tests (default: all others of ha.cf)")
    network.add_argument(
        "--listen",
        type=seconds,
        default=2.2,
        metavar="SECONDS",
        help="before it sends (default: %(default)s)",
    )
    network.add_argument(
        "--seconds", type=seconds, default=15.0, help="how long to try at most (default: %(default)s)"
    )
    addresses = commands.add_parser("address", help="virtual addresses").add_subparsers(
        metavar="COMMAND", required=True
    )
    address = add(
        addresses, "test", _address_test, tables.address_test, "ask the network whether somebody has them"
    )
    address.add_argument(
        "addresses", nargs="*", metavar="ADDRESS/BITS/INTERFACE", help="default: those of haresources"
    )
    for command in (network, address):
        directory_option(command)
        node_option(command)


def _link_test(options: argparse.Namespace) -> Mapping[str, Any]:
    from ..links.line_test import LineTestError, run_line_test  # noqa: PLC0415 - rarely needed

    try:
        result = run_line_test(options.device, options.baud, options.seconds, options.wait)
    except LineTestError as problem:
        remedy = "stop what uses it: `systemctl stop heartbeat` for the daemon, or see `fuser` for its users"
        return schema.refusal("", "line-unusable", str(problem), remedy)
    if result["verdict"] == "line-good":
        return schema.answer("", "completed", {"result": result})
    error = {"code": result["verdict"], "message": result["text"], "remedy": result["remedy"]}
    return schema.answer("", "refused", {"error": error, "result": result})


def _network_test(options: argparse.Namespace) -> Mapping[str, Any]:
    from . import network  # noqa: PLC0415 - rarely needed

    return network.test_links(
        options.directory,
        options.node,
        options.peers,
        seconds=options.seconds,
        listen_seconds=options.listen,
        socket=options.socket,
    )


def _address_test(options: argparse.Namespace) -> Mapping[str, Any]:
    from . import network  # noqa: PLC0415 - rarely needed

    return network.test_addresses(options.addresses, options.directory, options.node)
