"""Servers that are right, and servers that are wrong in every way that servers are.

A peer is a coroutine `(reader, writer)` for one connection. `serve` runs one on a port of loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess

from ultramonkey_ldirectord.checks import ber
from ultramonkey_ldirectord.config.model import Kind
from ultramonkey_ldirectord.core.probe import Probe

SILENT_MS = 150
PATIENT_MS = 20_000


def probe(service="none", port=0, **values):
    """A probe of a service on loopback."""
    given = {
        "kind": Kind.NEGOTIATE, "protocol": "tcp", "address": "127.0.0.1", "interval_ms": 1000,
        "deadline_ms": PATIENT_MS, "connect_ms": PATIENT_MS,
    }  # fmt: skip
    return Probe(service=service, port=port, **{**given, **values})


@contextlib.asynccontextmanager
async def serve(peer, **options):
    """Run a peer; gives its port. Connections end with it."""
    tasks = set()

    async def connection(reader, writer):
        tasks.add(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await peer(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(connection, "127.0.0.1", 0, **options)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


# --- peers that are wrong -----------------------------------------------------------------------------------


async def silent(reader, writer):
    """Accepts and never says anything."""
    await asyncio.sleep(3600)


async def closing(reader, writer):
    """Accepts and closes."""


async def endless(reader, writer):
    """Never stops talking, and never ends a line."""
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def endless_lines(reader, writer):
    """Never stops saying the same."""
    while True:
        writer.write(b"220-still talking\r\n" * 1000)
        await writer.drain()


async def garbage(reader, writer):
    """Bytes that mean nothing."""
    writer.write(bytes(range(256)) * 8 + b"\n" + b"\xff\xfe\x00\n" * 20)
    await writer.drain()
    await reader.read(100)


async def cut(reader, writer):
    """Begins an answer and closes in the middle of it."""
    writer.write(b"2")
    await writer.drain()


def trickling(peer, delay_s):
    """The same peer, whose bytes come one by one."""

    class Trickle:
        def __init__(self, writer):
            self._writer, self.transport = writer, writer.transport
            self._queue = asyncio.Queue()
            self._task = asyncio.ensure_future(self._run())

        def write(self, data):
            self._queue.put_nowait(data)

        async def drain(self):
            await self._queue.join()

        async def _run(self):
            while True:
                for byte in await self._queue.get():
                    self._writer.write(bytes([byte]))
                    await asyncio.sleep(delay_s)
                self._queue.task_done()

    async def slow(reader, writer):
        trickle = Trickle(writer)
        try:
            await peer(reader, trickle)
            await trickle.drain()
        finally:
            trickle._task.cancel()

    return slow


# --- peers that are right -----------------------------------------------------------------------------------


def lines(greeting, *answers):
    """Says the greeting, then to each line that begins so its answer."""

    async def peer(reader, writer):
        writer.write(greeting)
        while line := await reader.readline():
            for beginning, answer in answers:
                if line.upper().startswith(beginning):
                    writer.write(answer)
                    break
        await writer.drain()

    return peer


def http(status=b"200 OK", body=b"hello world", extra=b"", *, framing="length", pages=()):
    """A web server; `pages` has other answers for some targets. `asked` collects the requests' heads."""
    asked = []

    async def peer(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.decode())
        target = head.split(b" ")[1]
        answer, content, more = dict(pages).get(target, (status, body, extra))
        if framing == "chunked":
            more += b"Transfer-Encoding: chunked\r\n"
            content = (
                b"".join(b"%x;x=y\r\n%s\r\n" % (len(p), p) for p in (content[:3], content[3:])) + b"0\r\n\r\n"
            )
        elif framing == "length":
            more += b"Content-Length: %d\r\n" % len(content)
        writer.write(
            b"HTTP/1.1 %s\r\n%s\r\n%s" % (answer, more, b"" if head.startswith(b"HEAD") else content)
        )
        await writer.drain()
        if framing != "close":
            # Keeps the connection: whoever waits for its end waits too long.
            await asyncio.sleep(3600)

    peer.asked = asked
    return peer


SMTP = lines(b"220-mx\r\n220 ESMTP\r\n", (b"EHLO", b"250-mx\r\n250 SIZE 10\r\n"), (b"HELO", b"250 mx\r\n"))
OLD_SMTP = lines(b"220 mx\r\n", (b"EHLO", b"502 what\r\n"), (b"HELO", b"250 mx\r\n"))
# A client may ask for more than ours does, such as CAPA; no server is silent then.
POP = lines(
    b"+OK hello\r\n",
    (b"USER JOE", b"+OK\r\n"),
    (b"PASS SECRET", b"+OK\r\n"),
    (b"PASS", b"-ERR no\r\n"),
    (b"STAT", b"+OK 0 0\r\n"),
    (b"QUIT", b"+OK\r\n"),
    (b"", b"-ERR what\r\n"),
)
IMAP = lines(
    b"* OK hello\r\n", (b'A1 LOGIN "JOE" "SECRET"', b"* CAPABILITY\r\na1 OK\r\n"), (b"A1", b"a1 NO bad\r\n")
)
NNTP = lines(b"201 news\r\n")


def ftp(content=b"welcome, all", *, epsv=True, plain=False):
    """An FTP server with one file, in both modes. Unless plain, its greeting and its PASV mislead."""

    async def peer(reader, writer):
        sent = asyncio.Event()
        active = 0

        async def data(_, data_writer):
            data_writer.write(content)
            await data_writer.drain()
            data_writer.close()
            sent.set()

        own = writer.transport.get_extra_info("sockname")[0]
        server = await asyncio.start_server(data, own, 0)
        port = server.sockets[0].getsockname()[1]
        told = own.replace(".", ",").encode() if plain else b"10,0,0,1"
        passive = b"227 ok (%s,%d,%d)\r\n" % (told, *divmod(port, 256))
        answers = {
            b"USER": b"331 password\r\n", b"CWD": b"250 ok\r\n", b"TYPE": b"200 ok\r\n", b"PASV": passive,
            b"EPSV": b"229 ok (|||%d|)\r\n" % port if epsv else b"500 what\r\n", b"RETR": b"150 here\r\n",
            b"PORT": b"200 ok\r\n",
        }  # fmt: skip
        try:
            writer.write(b"" if plain else b"220-ftp\r\nWe are\r\n500 years old\r\n")
            writer.write(b"220 ready\r\n")
            while line := await reader.readline():
                if line.startswith(b"PASS"):
                    writer.write(b"230 in\r\n" if line == b"PASS secret\r\n" else b"530 no\r\n")
                    continue
                writer.write(answers.get(line.split()[0], b"221 bye\r\n"))
                if line.startswith(b"PORT"):
                    *_, high, low = map(int, line[5:].split(b","))
                    active = 256 * high + low
                if line.startswith(b"RETR"):
                    if active:
                        await data(*await asyncio.open_connection("127.0.0.1", active))
                    await sent.wait()
                    writer.write(b"226 done\r\n")
        finally:
            server.close()

    return peer


def ldap(*names, code=0):
    """A directory that finds these names."""

    async def peer(reader, writer):
        def say(number, tag, content):
            writer.write(ber.element(ber.SEQUENCE, ber.number(number) + ber.element(tag, content)))

        result = (
            ber.number(code, ber.ENUMERATED) + ber.element(ber.OCTETS, b"") + ber.element(ber.OCTETS, b"why")
        )
        await reader.read(1000)
        say(1, ber.BIND_RESPONSE, result)
        await reader.read(1000)
        for name in names:
            say(2, ber.SEARCH_ENTRY, ber.element(ber.OCTETS, name) + ber.element(ber.SEQUENCE, b""))
        say(2, ber.SEARCH_DONE, result)
        await writer.drain()
        await reader.read(1000)

    return peer


async def echo(reader, writer):
    """Says everything back, once it is complete."""
    writer.write(b"you said:\n" + await reader.read(-1))
    await writer.drain()


def dns_answer(question, *records, code=0, flags=0x8180):
    """An answer with records of (type, data)."""
    body = question[12:]
    rest = b"".join(
        b"\xc0\x0c" + kind.to_bytes(2, "big") + b"\0\1\0\0\0\5" + len(data).to_bytes(2, "big") + data
        for kind, data in records
    )
    head = (
        question[:2]
        + (flags | code).to_bytes(2, "big")
        + b"\0\1"
        + len(records).to_bytes(2, "big")
        + b"\0" * 4
    )
    return head + body + rest


def dns(*records, code=0):
    """A name server by TCP."""

    async def peer(reader, writer):
        question = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        answer = dns_answer(question, *records, code=code)
        writer.write(len(answer).to_bytes(2, "big") + answer)
        await writer.drain()
        await reader.read(1)

    return peer


def sip(status=b"200 OK"):
    """A SIP server by TCP."""

    async def peer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SIP/2.0 100 Trying\r\nContent-Length: 0\r\n\r\nSIP/2.0 %s\r\n\r\n" % status)
        await writer.drain()
        await reader.read(1)

    return peer


def certificate(directory, name="good.example"):
    """A certificate signed by itself, and its key, in one file."""
    path = directory / "certificate.pem"
    words = f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name}"
    words += f" -addext subjectAltName=DNS:{name} -keyout {directory}/key.pem -out {directory}/cert.pem"
    subprocess.run(["openssl", *words.split()], check=True, capture_output=True)
    path.write_text((directory / "cert.pem").read_text() + (directory / "key.pem").read_text())
    return path


@contextlib.asynccontextmanager
async def serve_datagrams(answer):
    """A UDP server: `answer(data)` gives the datagrams to send back. Gives its port."""

    class Server(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, addr):
            for reply in answer(data):
                self.transport.sendto(reply, addr)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()
