"""A blocking generic-netlink socket for one family of the kernel. Used in a thread of its own."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import socket
import subprocess
from typing import Callable

from . import generic
from .types import NetError

_NETLINK_GENERIC = 16
_SOL_NETLINK, _CAP_ACK = 270, 10
_RECEIVE_BYTES = 1 << 16
# The kernel answers at once; longer than this means that it never will.
_TIMEOUT_S = 10.0
_MODPROBE_S = 20.0
_SEQUENCE_MAX = 0x7FFFFFFF


class GenericSocket:
    """One netlink socket. All methods may raise NetError."""

    def __init__(self, family: str, module: str, describe: Callable[[int], str] = os.strerror) -> None:
        """`module` is loaded once when the kernel lacks the family; `describe` words an errno."""
        self.family = 0
        self._name = family
        self._module = module
        self._describe = describe
        self._socket: socket.socket | None = None
        self._sequence = 0

    @property
    def is_open(self) -> bool:
        """Whether the family was found, and nothing went wrong since."""
        return self._socket is not None

    def open(self) -> None:
        """Open the socket and find the family, loading its module if need be."""
        if self._socket is not None:
            return
        opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_GENERIC)
        with contextlib.suppress(OSError):
            # A refusal then comes without the whole request.
            opened.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
        opened.settimeout(_TIMEOUT_S)
        opened.bind((0, 0))
        opened.connect((0, 0))
        self._socket = opened
        try:
            self.family = self._find_family()
        except NetError:
            self.close()
            raise

    def use(self, opened: socket.socket, family: int) -> None:
        """Speak over this socket instead, whoever is at its other end."""
        self._socket, self.family = opened, family

    def close(self) -> None:
        """Close the socket; it can be opened again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def next(self) -> int:
        """The sequence number of the next request."""
        self._sequence = self._sequence % _SEQUENCE_MAX + 1
        return self._sequence

    def ask(self, request: bytes, gone: int = 0) -> list[generic.Message]:
        """Send a request that was made with the newest number, and collect its answers up to the last.

        An error `gone` is an empty answer.
        """
        sequence = self._sequence
        self.send(request)
        answers: list[generic.Message] = []
        while True:
            for message in self.receive():
                if message.sequence != sequence:
                    continue
                if message.kind in (generic.ERROR, generic.DONE):
                    if message.error not in (0, gone):
                        raise NetError(f"{self._name}: {self._describe(message.error)}", "")
                    return answers
                answers.append(message)

    def send(self, data: bytes) -> None:
        """Send one or more requests."""
        try:
            self._opened().send(data)
        except OSError as error:
            self._broken(error)

    def receive(self) -> list[generic.Message]:
        """The messages that come next."""
        try:
            return list(generic.messages(self._opened().recv(_RECEIVE_BYTES)))
        except OSError as error:
            return self._broken(error)

    def _opened(self) -> socket.socket:
        if self._socket is None:
            raise NetError("the netlink socket is closed", "")
        return self._socket

    def _find_family(self) -> int:
        for attempt in (1, 2):
            for message in self.ask(generic.family_request(self.next(), self._name), gone=errno.ENOENT):
                number = generic.family_number(message)
                if number is not None:
                    return number
            if attempt == 1:
                _load_module(self._module)
        raise NetError(
            f"the kernel has no {self._name}",
            f"load the module {self._module}, or use a kernel that has it",
        )

    def _broken(self, error: OSError) -> list[generic.Message]:
        # What was under way is unknown now: a new socket has no old answers in it.
        self.close()
        raise NetError(f"netlink: {error.strerror or error}", "") from error


def _load_module(name: str) -> None:
    modprobe = shutil.which("modprobe") or shutil.which("modprobe", path="/sbin:/usr/sbin")
    if modprobe is not None:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(  # noqa: S603 - a fixed command
                [modprobe, "-q", name], check=False, capture_output=True, timeout=_MODPROBE_S
            )
