"""Notes down every heartbeat message that a host sends. Runs as a program in the host: `recorder PORT`."""

from __future__ import annotations

import re
import socket
import struct
import sys
import time

_EVERYTHING, _IPV4 = 0x0003, 0x0800
_OUTGOING = 4
_FIELD = re.compile(rb"\(\d\)(\w+)=([^,\n]*),")
_WANTED = (
    b"t src dest st seq hg rsc_hold rtype isstable info firstseq ackseq ipaddr weown um_phase um_grp".split()
)


def main() -> None:
    port = int(sys.argv[1])
    # Only a socket for every protocol is given what leaves.
    sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_EVERYTHING))
    sniffer.bind(("eth0", _EVERYTHING))
    while True:
        packet, (_, protocol, kind, _, _) = sniffer.recvfrom(65536)
        if protocol != _IPV4:
            continue
        start = (packet[0] & 0x0F) * 4
        to_itself = packet[12:16] == packet[16:20]
        if kind != _OUTGOING or to_itself or packet[9] != socket.IPPROTO_UDP:
            continue
        if struct.unpack_from("!H", packet, start + 2)[0] != port:
            continue
        fields = dict(reversed(_FIELD.findall(packet[start + 8 :])))
        words = [f"{n.decode()}={fields[n].decode('ascii', 'replace')}" for n in _WANTED if n in fields]
        print(f"{time.time():.3f} {' '.join(words)}", flush=True)


if __name__ == "__main__":
    main()
