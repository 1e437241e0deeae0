"""What the subcommands of `hbctl` have in common on the command line."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from ..control import schema


def add(commands: Any, name: str, run: Any, show: Any, text: str) -> argparse.ArgumentParser:
    """One more subcommand, carried out by `run` and told by `show`."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run, show=show, wait=True)
    json_option(parser, default=argparse.SUPPRESS)
    return parser


def json_option(parser: argparse.ArgumentParser, *, default: Any) -> None:
    """Let the command answer in JSON."""
    # Accepted before and after the command; the second must not undo the first.
    parser.add_argument(
        "--json", action="store_true", default=default, help="print the answer as one line of JSON"
    )


def directory_option(parser: argparse.ArgumentParser) -> None:
    """Where the files are."""
    parser.add_argument("--directory", type=Path, default=Path("/etc/ha.d"), help="default: %(default)s")


def node_option(parser: argparse.ArgumentParser) -> None:
    """For which node the files are read."""
    parser.add_argument("--node", help="as if on this node (default: `uname -n` in lower case)")


def seconds(text: str) -> float:
    """A duration that somebody typed."""
    number = float(text)
    if not math.isfinite(number) or not 0 < number * 1000 <= schema.TIMEOUT_MS_MAX:
        raise argparse.ArgumentTypeError(f"not between 0 and {schema.TIMEOUT_MS_MAX // 1000}: {text}")
    return number
