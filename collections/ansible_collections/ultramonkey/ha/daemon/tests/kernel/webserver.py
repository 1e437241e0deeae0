"""A real server: its name, that it is alive, and a page that takes long, on ports 80, 8080, and 443 by TLS.

webserver.py NAME [CERTIFICATE]
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import threading

BIG_LINES = 100_000


def main(name: str, certificate: str = "") -> None:
    """Serve until killed."""
    big = f"{name}\n" + "".join(f"{name} {number:08}\n" for number in range(BIG_LINES))
    pages = {"/name": name, "/alive.html": "OK\n", "/big": big}
    ports = [(80, None), (8080, None)]
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        ports.append((443, context))
    for port, tls in ports:
        listening = socket.create_server(
            ("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64
        )
        threading.Thread(target=accept, args=(listening, tls, pages)).start()


def accept(listening: socket.socket, tls: ssl.SSLContext | None, pages: dict[str, str]) -> None:
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=answer, args=(connection, tls, pages), daemon=True).start()


def answer(connection: socket.socket, tls: ssl.SSLContext | None, pages: dict[str, str]) -> None:
    with contextlib.suppress(OSError, IndexError), connection:
        connection.settimeout(200)
        channel = tls.wrap_socket(connection, server_side=True) if tls else connection
        path = channel.recv(4096).decode("latin-1").split()[1]
        page = pages.get("/" + path.lstrip("/"))
        status = "200 OK" if page is not None else "404 Not found"
        head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(page or '')}\r\n\r\n"
        channel.sendall((head + (page or "")).encode())
        channel.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
