"""Keeps our own broadcasts out of our receiving sockets, in the kernel.

A broadcast is looped back to every socket of its sender. To wake up for each of them, only to see that it
is our own, was a third of the daemon's work at short keepalives. A classic BPF program on the receiving
socket drops them first (socket(7), SO_ATTACH_FILTER; linux/filter.h). It is only a saving: what passes
is still looked at.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Iterable

# linux/asm/socket.h; Python's socket module does not name them.
_SO_ATTACH_FILTER = 26

# Load a word, load a half word, jump if equal, return: linux/bpf_common.h.
_LOAD_WORD, _LOAD_HALF, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x28, 0x15, 0x06
# Offsets from here on count from the network header; the packet itself begins with the UDP header.
_NETWORK_HEADER = 0xFFF0_0000
_IPV4_SOURCE = _NETWORK_HEADER + 12
_UDP_SOURCE_PORT = 0
_KEEP = 0xFFFF_FFFF
_INSTRUCTION = struct.Struct("=HBBI")
# More own sources than this are not filtered, only looked at: the kernel's limit is far above.
SOURCES_MAX = 32


def program(sources: Iterable[tuple[str, int]]) -> bytes:
    """The instructions that drop IPv4 datagrams from these addresses and ports, and keep all others."""
    code = b""
    for address, port in sources:
        number = int.from_bytes(socket.inet_aton(address), "big")
        code += _INSTRUCTION.pack(_LOAD_WORD, 0, 0, _IPV4_SOURCE)
        code += _INSTRUCTION.pack(_JUMP_IF_EQUAL, 0, 3, number)
        code += _INSTRUCTION.pack(_LOAD_HALF, 0, 0, _UDP_SOURCE_PORT)
        code += _INSTRUCTION.pack(_JUMP_IF_EQUAL, 0, 1, port)
        code += _INSTRUCTION.pack(_RETURN, 0, 0, 0)
    return code + _INSTRUCTION.pack(_RETURN, 0, 0, _KEEP)


def drop_own(sock: socket.socket, sources: Iterable[tuple[str, int]]) -> None:
    """Let the kernel drop what comes from these sources. Raises OSError where it cannot."""
    ipv4 = [source for source in sources if ":" not in source[0]][:SOURCES_MAX]
    code = program(ipv4)
    kept = ctypes.create_string_buffer(code, len(code))
    # struct sock_fprog: number of instructions, pointer to them.
    fprog = struct.pack("@HP", len(code) // _INSTRUCTION.size, ctypes.addressof(kept))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, fprog)
