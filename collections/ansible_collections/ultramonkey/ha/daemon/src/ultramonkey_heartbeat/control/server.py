"""The server of the control socket: lines in, events to the daemon, answers out.

Everybody on the node may read (`status`, `version`); only root and the daemon's own user may change
anything. The kernel says who is asking (SO_PEERCRED); nothing that the asker sends is believed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import stat
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable

from . import schema

_LOG = logging.getLogger(__name__)

# More connections than this are refused: each is a few kB that we did not ask for.
CONNECTIONS_MAX = 64
# A client that sends nothing is cut off after this time; one that waits for an answer is not.
IDLE_S = 30.0
_UCRED = struct.Struct("3i")

# A handler gets the request and a function to answer with; it must end by completed or refused.
Reply = Callable[[str, Mapping[str, Any]], None]
Handler = Callable[[schema.Request, Reply], None]
# How long the end waits for conversations that have been cut off.
STOP_S = 1.0


class InUseError(Exception):
    """A living process answers on the socket already."""


class ControlServer:
    """Listens on the socket, and hands each request to the handler of its command."""

    def __init__(self, path: str, readers: Mapping[str, Handler], writers: Mapping[str, Handler]) -> None:
        self._path = path
        self._readers = readers
        self._writers = writers
        self._server: asyncio.AbstractServer | None = None
        self._connections = 0
        self._tasks: dict[asyncio.Task[Any], None] = {}

    async def start(self) -> None:
        """Bind and listen. A socket that a dead daemon left is replaced. Raises InUseError, OSError."""
        remove_stale(self._path)
        self._server = await asyncio.start_unix_server(
            self._serve, path=self._path, limit=schema.REQUEST_BYTES_MAX
        )
        os.chmod(self._path, 0o666)  # noqa: PTH101, S103 - on /run; who may do what is asked of the kernel

    async def stop(self) -> None:
        """Close everything, and remove the socket."""
        if self._server is None:
            return
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            # Before Python 3.12 `wait_for` may lose a cancellation that comes with what it waits for.
            await asyncio.wait(list(self._tasks), timeout=STOP_S)
        with contextlib.suppress(OSError):
            os.unlink(self._path)  # noqa: PTH108 - on /run, which is memory

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks[task] = None
        self._connections += 1
        try:
            if self._connections <= CONNECTIONS_MAX:
                await self._converse(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._connections -= 1
            if task is not None:
                self._tasks.pop(task, None)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        uid = _peer_uid(writer.get_extra_info("socket"))
        while True:
            try:
                line = await asyncio.wait_for(reader.readline(), IDLE_S)
            except asyncio.TimeoutError:
                return
            except ValueError:
                line_max = schema.REQUEST_BYTES_MAX
                _write(
                    writer, schema.refusal("", "bad-request", f"longer than {line_max} bytes", "shorten it")
                )
                return
            if not line:
                return
            await self._answer(line, uid, writer)

    async def _answer(self, line: bytes, uid: int, writer: asyncio.StreamWriter) -> None:
        try:
            request = schema.parse_request(line)
            handler = self._handler(request, uid)
        except schema.SchemaError as error:
            _write(writer, schema.refusal(error.request_id, "bad-request", str(error), "see docs/CONTROL.md"))
            return
        except PermissionError as error:
            _write(writer, schema.refusal(request.request_id, "denied", str(error), "ask as root"))
            return
        done = asyncio.get_running_loop().create_future()

        def reply(phase: str, payload: Mapping[str, Any]) -> None:
            _write(writer, schema.answer(request.request_id, phase, payload))
            if phase in schema.LAST_PHASES and not done.done():
                done.set_result(None)

        try:
            handler(request, reply)
        except schema.SchemaError as error:
            _write(
                writer, schema.refusal(request.request_id, "bad-request", str(error), "see docs/CONTROL.md")
            )
            return
        except Exception:  # noqa: BLE001 - a mistake of ours; whoever asked must not wait for ever
            _LOG.exception("could not answer %r", request.command)
            message = f"the daemon could not answer {request.command}"
            _write(writer, schema.refusal(request.request_id, "internal-error", message, "see its journal"))
            return
        await done
        await writer.drain()

    def _handler(self, request: schema.Request, uid: int) -> Handler:
        reader, writer = self._readers.get(request.command), self._writers.get(request.command)
        if reader is not None:
            return reader
        if writer is None:
            known = ", ".join([*self._readers, *self._writers])
            raise schema.SchemaError(
                f"no command {request.command!r}; there are: {known}", request.request_id
            )
        if uid not in (0, os.getuid()):
            raise PermissionError(f"{request.command} changes the cluster, and user {uid} may only look")
        return writer


def remove_stale(path: str) -> None:
    """Remove a socket on which nobody listens. Raises InUseError when somebody does."""
    try:
        mode = Path(path).lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise InUseError(f"{path} exists and is not a socket; remove it, or name another control socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            with contextlib.suppress(FileNotFoundError):
                Path(path).unlink()
            return
        except OSError as error:
            raise InUseError(f"{path}: {error}") from None
    raise InUseError(f"another daemon answers on {path}; stop it first")


def _peer_uid(connection: socket.socket) -> int:
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    return int(_UCRED.unpack(credentials)[1])


def _write(writer: asyncio.StreamWriter, answer: schema.Json) -> None:
    if not writer.is_closing():
        writer.write(schema.encode(answer))
