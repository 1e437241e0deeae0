"""The client of the control socket: blocking, standard library only, quick to start."""

from __future__ import annotations

import socket
import time
from collections.abc import Generator, Mapping
from typing import Any

from . import schema

SOCKET_PATH = "/run/heartbeat/control.sock"


class UnreachableError(Exception):
    """No daemon answers on the socket."""


class NoAnswerError(Exception):
    """The daemon took the request, and did not answer it in time."""


def ask(
    command: str, arguments: Mapping[str, Any], *, path: str = SOCKET_PATH, timeout_s: float = 10.0
) -> Generator[schema.Json, None, None]:
    """Send one request; yield its answers, the last of which is completed or refused.

    Raises UnreachableError, NoAnswerError or schema.SchemaError.
    """
    deadline = time.monotonic() + timeout_s
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(path)
            connection.sendall(schema.request_line("1", command, arguments))
        except OSError as error:
            raise UnreachableError(f"{path}: {error.strerror or error}") from None
        buffer = b""
        while True:
            line, found, buffer = buffer.partition(b"\n")
            if found:
                answer = schema.parse_answer(line)
                yield answer
                if answer.get("phase") in schema.LAST_PHASES:
                    return
                continue
            buffer = line + _receive(connection, deadline)


def _receive(connection: socket.socket, deadline: float) -> bytes:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise NoAnswerError("the daemon did not answer in time")
    connection.settimeout(remaining)
    try:
        data = connection.recv(65536)
    except socket.timeout:
        raise NoAnswerError("the daemon did not answer in time") from None
    except OSError as error:
        raise UnreachableError(str(error)) from None
    if not data:
        raise UnreachableError("the daemon closed the connection")
    return data
