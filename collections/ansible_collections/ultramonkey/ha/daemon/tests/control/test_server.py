"""The server of the control socket, over a real one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pwd
import socket
import stat
import threading
from pathlib import Path

import pytest
from ultramonkey_heartbeat.control import schema, server
from ultramonkey_heartbeat.control.server import ControlServer, InUseError

DEADLINE_S = 8.0
NOBODY = pwd.getpwnam("nobody").pw_uid


class Daemon:
    """A control server in a thread, with handlers that tests can steer."""

    def __init__(self, path):
        self.path = path
        self.loop = asyncio.new_event_loop()
        self.open_moves = {}
        self.problems = []
        self.loop.set_exception_handler(lambda _, context: self.problems.append(context))
        self.server = ControlServer(
            path,
            readers={"status": self.status, "broken": self.broken},
            writers={"move": self.move},
        )
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(DEADLINE_S)

    def status(self, request, reply):
        reply("completed", {"result": {"arguments": dict(request.arguments)}})

    def broken(self, request, reply):
        raise KeyError(request.command, reply)

    def move(self, request, reply):
        schema.parse_move(request)
        reply("accepted", {"result": {}})
        self.open_moves[request.request_id] = reply

    def finish(self, request_id):
        """End a move that is under way."""

        async def finishing():
            self.open_moves.pop(request_id)("completed", {"result": {"moved": []}})

        self.run(finishing())

    def close(self):
        self.run(self.server.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(DEADLINE_S)
        self.loop.close()
        assert self.problems == []


@pytest.fixture
def daemon(path):
    made = Daemon(path)
    made.run(made.server.start())
    yield made
    made.close()


class Connection:
    """A client that sends what it likes."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE_S)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)

    def ask(self, request_id, command, **arguments):
        self.send(schema.request_line(request_id, command, arguments))

    def answer(self):
        """The next answer, or None when the server has closed the connection."""
        line = self.lines.readline()
        return json.loads(line) if line else None


@pytest.fixture
def connect(path):
    with contextlib.ExitStack() as stack:

        def make():
            connection = Connection(path)
            stack.enter_context(connection.socket)
            stack.enter_context(connection.lines)
            return connection

        yield make


@pytest.mark.usefixtures("daemon")
def test_an_answer_repeats_the_id_of_its_request(connect):
    connection = connect()
    connection.ask("any text at all \u263a", "status", a=1)
    assert connection.answer() == {
        "schema": 1,
        "id": "any text at all \u263a",
        "phase": "completed",
        "result": {"arguments": {"a": 1}},
    }


@pytest.mark.usefixtures("daemon")
def test_one_connection_serves_many_requests_even_sent_at_once(connect):
    connection = connect()
    connection.send(b"".join(schema.request_line(str(n), "status", {"n": n}) for n in range(20)))
    answers = [connection.answer() for _ in range(20)]
    assert [(a["id"], a["result"]["arguments"]["n"]) for a in answers] == [(str(n), n) for n in range(20)]


@pytest.mark.usefixtures("daemon")
def test_a_request_may_arrive_in_pieces(connect):
    connection = connect()
    for byte in schema.request_line("1", "status", {}):
        connection.send(bytes([byte]))
    assert connection.answer()["phase"] == "completed"


def test_a_move_is_answered_twice(daemon, connect):
    connection = connect()
    connection.ask("m", "move", groups=["all"])
    assert (connection.answer()["phase"]) == "accepted"
    daemon.finish("m")
    answer = connection.answer()
    assert (answer["id"], answer["phase"], answer["result"]) == ("m", "completed", {"moved": []})


def test_nobody_waits_for_the_move_of_somebody_else(daemon, connect):
    mover, looker = connect(), connect()
    mover.ask("m", "move", groups=["all"])
    mover.answer()
    looker.ask("s", "status")
    assert looker.answer()["phase"] == "completed"
    daemon.finish("m")


def test_whoever_leaves_before_his_answer_disturbs_nobody(daemon, connect):
    connection = connect()
    connection.ask("m", "move", groups=["all"])
    connection.answer()
    connection.lines.close()
    connection.socket.close()
    daemon.finish("m")
    other = connect()
    other.ask("s", "status")
    assert other.answer()["phase"] == "completed"


def refused(connection, code):
    answer = connection.answer()
    assert answer["phase"] == "refused"
    assert answer["error"]["code"] == code
    assert answer["error"]["message"]
    assert answer["error"]["remedy"]
    assert answer["result"] == {}
    return answer


@pytest.mark.usefixtures("daemon")
def test_a_bad_line_is_refused_and_the_next_one_answered(connect):
    connection = connect()
    connection.send(b"hello\n")
    refused(connection, "bad-request")
    connection.ask("2", "move", groups=[])
    assert refused(connection, "bad-request")["id"] == "2"
    connection.ask("3", "status")
    assert connection.answer()["phase"] == "completed"


@pytest.mark.usefixtures("daemon")
def test_an_unknown_command_is_refused_with_those_that_there_are(connect):
    connection = connect()
    connection.ask("1", "reboot")
    answer = refused(connection, "bad-request")
    assert answer["id"] == "1"
    assert "status, broken, move" in answer["error"]["message"]


@pytest.mark.usefixtures("daemon")
def test_a_handler_that_fails_is_answered_and_logged(connect, caplog):
    connection = connect()
    connection.ask("1", "broken")
    assert refused(connection, "internal-error")["id"] == "1"
    assert [record.getMessage() for record in caplog.records] == ["could not answer 'broken'"]
    connection.ask("2", "status")
    assert connection.answer()["phase"] == "completed"


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize("size", [schema.REQUEST_BYTES_MAX + 1, 3 * schema.REQUEST_BYTES_MAX])
def test_a_line_that_is_too_long_is_refused_and_the_connection_closed(connect, size):
    connection = connect()
    connection.send(b"x" * size + b"\n")
    answer = refused(connection, "bad-request")
    assert str(schema.REQUEST_BYTES_MAX) in answer["error"]["message"]
    assert connection.answer() is None


@pytest.mark.usefixtures("daemon")
def test_whoever_never_ends_his_line_is_cut_off(connect):
    connection = connect()
    with pytest.raises(OSError, match=r"Broken pipe|reset"):
        connection.send(b"x" * 100_000_000)
    other = connect()
    other.ask("1", "status")
    assert other.answer()["phase"] == "completed"


@pytest.mark.usefixtures("daemon")
def test_a_line_of_the_longest_size_is_read(connect):
    connection = connect()
    line = schema.request_line("1", "status", {"x": ""})
    connection.ask("1", "status", x="y" * (schema.REQUEST_BYTES_MAX - len(line)))
    assert connection.answer()["phase"] == "completed"


@pytest.mark.usefixtures("daemon")
def test_whoever_says_nothing_is_cut_off(connect, monkeypatch):
    monkeypatch.setattr(server, "IDLE_S", 0.05)
    connection = connect()
    assert connection.answer() is None


def test_whoever_waits_for_an_answer_is_not_cut_off(daemon, connect, monkeypatch):
    monkeypatch.setattr(server, "IDLE_S", 0.05)
    waiting, idle = connect(), connect()
    waiting.ask("m", "move", groups=["all"])
    assert waiting.answer()["phase"] == "accepted"
    # By the time that an idle connection is cut off, the other has been idle, too.
    assert idle.answer() is None
    again = connect()
    assert again.answer() is None
    daemon.finish("m")
    assert waiting.answer()["phase"] == "completed"


@pytest.mark.usefixtures("daemon")
def test_half_a_line_at_the_end_is_refused(connect):
    connection = connect()
    connection.send(b'{"schema": 1')
    connection.socket.shutdown(socket.SHUT_WR)
    refused(connection, "bad-request")
    assert connection.answer() is None


@pytest.mark.usefixtures("daemon")
def test_too_many_connections_are_closed_and_later_ones_served_again(connect, monkeypatch):
    monkeypatch.setattr(server, "CONNECTIONS_MAX", 2)
    first, second = connect(), connect()
    for connection in (first, second):
        connection.ask("1", "status")
        connection.answer()
    assert connect().answer() is None
    first.lines.close()
    first.socket.close()
    second.ask("2", "status")
    assert second.answer()["id"] == "2"
    # The server learns of the end of the first one in its own time.
    for _ in range(200):
        third = connect()
        with contextlib.suppress(OSError):
            third.ask("3", "status")
            if third.answer():
                return
    pytest.fail("the place of a connection that was closed stays taken")


def answer_as_nobody(path, command, arguments):
    """Fork, become nobody, ask; the answer's phase and error code."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:  # pragma: no cover - the child
        said = b"{}"
        with contextlib.suppress(BaseException):
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            connection = Connection(path)
            connection.ask("1", command, **arguments)
            said = json.dumps(connection.answer()).encode()
        os.write(writing, said)
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        return json.loads(pipe.read())


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_an_ordinary_user_may_look_but_not_touch(daemon, path):
    assert answer_as_nobody(path, "status", {})["phase"] == "completed"
    answer = answer_as_nobody(path, "move", {"groups": ["all"]})
    assert (answer["phase"], answer["error"]["code"]) == ("refused", "denied")
    assert str(NOBODY) in answer["error"]["message"]
    assert daemon.open_moves == {}
    # Not even to learn whether the request would have been well formed.
    assert answer_as_nobody(path, "move", {})["error"]["code"] == "denied"


@pytest.mark.usefixtures("daemon")
def test_everybody_may_connect(path):
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o666


def test_the_socket_is_gone_after_the_end_and_who_waits_is_let_go(path, connect):
    daemon = Daemon(path)
    daemon.run(daemon.server.start())
    connection = connect()
    connection.ask("m", "move", groups=["all"])
    connection.answer()
    daemon.close()
    assert connection.answer() is None
    assert not Path(path).exists()


def test_a_socket_that_a_dead_daemon_left_is_replaced(path, connect):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    daemon = Daemon(path)
    daemon.run(daemon.server.start())
    connection = connect()
    connection.ask("1", "status")
    assert connection.answer()["phase"] == "completed"
    daemon.close()


@pytest.mark.usefixtures("daemon")
def test_a_socket_on_which_somebody_answers_is_left_alone(path, connect):
    second = Daemon(path)
    with pytest.raises(InUseError, match=f"another daemon answers on {path}"):
        second.run(second.server.start())
    second.close()
    connection = connect()
    connection.ask("1", "status")
    assert connection.answer()["phase"] == "completed"


@pytest.mark.parametrize("kind", ["file", "directory", "link"])
def test_a_path_that_is_no_socket_is_left_alone(path, kind):
    made = Path(path)
    if kind == "file":
        made.write_text("precious")
    elif kind == "directory":
        made.mkdir()
    else:
        made.symlink_to("/nowhere")
    daemon = Daemon(path)
    with pytest.raises(InUseError, match="is not a socket; remove it"):
        daemon.run(daemon.server.start())
    daemon.close()
    assert made.is_symlink() or made.exists()


def test_a_directory_that_is_not_there_is_an_error_of_the_system(path):
    daemon = Daemon(f"{path}/nowhere")
    with pytest.raises(OSError, match="No such file"):
        daemon.run(daemon.server.start())
    daemon.close()
