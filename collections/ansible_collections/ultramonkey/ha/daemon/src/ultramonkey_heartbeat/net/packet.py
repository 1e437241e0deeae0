"""Raw Ethernet frames out of an interface.

One unbound packet socket serves all interfaces: the interface is looked up by its name for every
frame, so one that was deleted and created again needs no care. Protocol 0 means that the kernel queues
nothing for us to read.
"""

from __future__ import annotations

import fcntl
import socket
import struct

_SIOCGIFHWADDR = 0x8927
_ARPHRD_ETHER = 1
_NAME_SIZE = 16


class PacketSender:
    """Sends frames, best effort: what cannot be sent now is counted and dropped. Needs CAP_NET_RAW."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self.sent = 0
        self.errors = 0

    def send(self, interface: str, frame: bytes) -> bool:
        """Send one whole frame. False when it could not be sent (interface gone or down, queue full)."""
        try:
            self._open().sendto(frame, (interface, 0))
        except OSError:
            self.errors += 1
            return False
        self.sent += 1
        return True

    def mac(self, interface: str) -> bytes | None:
        """The interface's Ethernet address, or None when it is gone or is no Ethernet interface."""
        request = struct.pack("16sH14x", interface.encode()[: _NAME_SIZE - 1], 0)
        try:
            reply = fcntl.ioctl(self._open(), _SIOCGIFHWADDR, request)
        except OSError:
            return None
        hardware, mac = struct.unpack_from("H6s", reply, _NAME_SIZE)
        return bytes(mac) if hardware == _ARPHRD_ETHER else None

    def close(self) -> None:
        """Release the socket. Idempotent; a later send opens it again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _open(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        return self._socket
