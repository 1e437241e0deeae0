"""The command `ldirectord`: the quick way where there is one, else the whole program."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from . import quick


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; returns the exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    code = quick.answer(words)
    if code is not None:
        return code
    from . import command  # noqa: PLC0415 - takes ten times as long as the quick way

    return command.main(words)


if __name__ == "__main__":
    sys.exit(main())
