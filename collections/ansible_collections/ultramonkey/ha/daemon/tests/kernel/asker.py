"""The client: one process that lives through everything, told by lines what to ask, answering in lines.

    get COUNT HOST...      so many connections to each; who answered, by host
    both HOST              who answers on port 80, and who on port 443 by TLS
    download WANTED HOST   a long download that WANTED serves, read slowly until told otherwise
    progress               how many bytes have come
    finish                 read the rest at full speed; whether all of it is right

Python takes seconds to start in emulation, so it is started once.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import threading
import time
from collections import Counter

PORT, TLS_PORT = 80, 443
TIMEOUT_S = 20.0
# Each connection is a draw; the wanted server is soon among them.
TRIES = 12
SLOW_BYTES, SLOW_S = 2000, 0.2


def fetch(host: str, path: str, *, tls: bool = False) -> str:
    """The last word of a page, or why there is none."""
    try:
        with socket.create_connection((host, TLS_PORT if tls else PORT), TIMEOUT_S) as connection:
            channel = unverified().wrap_socket(connection) if tls else connection
            channel.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            data = b""
            while more := channel.recv(4096):
                data += more
    except OSError as error:
        return f"nobody ({error})"
    words = data.decode(errors="replace").split()
    return words[-1] if words else "nothing"


def unverified() -> ssl.SSLContext:
    """TLS with whatever certificate there is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Download(threading.Thread):
    """A page that is read slowly, so that its connection lives as long as the test wants."""

    def __init__(self, wanted: str, host: str) -> None:
        super().__init__(daemon=True)
        self.bytes = 0
        self.outcome = ""
        self._hurry = threading.Event()
        for _ in range(TRIES):
            self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            # What waits in buffers has come already: keep that small.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            self._socket.settimeout(90)
            self._socket.connect((host, PORT))
            self._socket.sendall(b"GET /big HTTP/1.0\r\n\r\n")
            self._file = self._socket.makefile("rb", buffering=0)
            while self._file.readline().strip():
                pass
            self.server = self._file.readline().decode().strip()
            if self.server == wanted:
                self.start()
                return
            self._socket.close()
        self.outcome = f"{wanted} did not answer in {TRIES} tries"

    def run(self) -> None:
        number = 0
        rest = b""
        try:
            while more := self._file.read(SLOW_BYTES):
                self.bytes += len(more)
                *lines, rest = (rest + more).split(b"\n")
                for line in lines:
                    if line != b"%s %08d" % (self.server.encode(), number):
                        self.outcome = f"line {number} is {line!r}"
                        return
                    number += 1
                if not self._hurry.is_set():
                    time.sleep(SLOW_S)
        except OSError as error:
            self.outcome = f"broken after {self.bytes} bytes: {error}"
            return
        self.outcome = f"whole: {number} lines"

    def finish(self) -> str:
        """Wait for the rest."""
        self._hurry.set()
        self.join(120)
        return self.outcome or "not finished"


def main() -> None:
    """Answer until the end of the input."""
    downloads: list[Download] = []
    for line in sys.stdin:
        command, *words = line.split()
        answer: object
        if command == "get":
            answer = {host: Counter(fetch(host, "/name") for _ in range(int(words[0]))) for host in words[1:]}
        elif command == "both":
            answer = [fetch(words[0], "/name", tls=tls) for tls in (False, True)]
        elif command == "download":
            downloads.append(Download(*words))
            answer = downloads[-1].outcome or f"from {downloads[-1].server}"
        elif command == "progress":
            answer = [download.bytes for download in downloads]
        else:
            answer = [download.finish() for download in downloads]
            downloads.clear()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
