"""The client of the control socket, against servers that behave in every way they should not."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest
from ultramonkey_heartbeat.control import client, schema

DEADLINE_S = 8.0
ACCEPTED = schema.encode(schema.answer("1", "accepted", {"result": {}}))
COMPLETED = schema.encode(schema.answer("1", "completed", {"result": {"a": 1}}))


class Server:
    """Answers one connection with these pieces; `None` is a server that says nothing for a while."""

    def __init__(self, path, pieces):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.socket.listen()
        self.pieces = pieces
        self.request = b""
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        connection, _ = self.socket.accept()
        with connection:
            while not self.request.endswith(b"\n"):
                self.request += connection.recv(65536)
            for piece in self.pieces:
                if piece is None:
                    self.over.wait(DEADLINE_S)
                else:
                    connection.sendall(piece)

    def close(self):
        self.over.set()
        self.thread.join(DEADLINE_S)
        self.socket.close()


@pytest.fixture
def serve(path):
    servers = []

    def make(*pieces):
        servers.append(Server(path, pieces))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def ask(path, timeout_s=DEADLINE_S):
    return list(client.ask("move", {"groups": ["all"]}, path=path, timeout_s=timeout_s))


def test_answers_come_one_by_one_up_to_the_last(serve, path):
    server = serve(ACCEPTED, COMPLETED)
    assert [answer["phase"] for answer in ask(path)] == ["accepted", "completed"]
    assert json.loads(server.request) == {
        "schema": 1,
        "id": "1",
        "command": "move",
        "arguments": {"groups": ["all"]},
    }


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_answers_may_come_in_any_pieces(serve, path, size):
    data = ACCEPTED + COMPLETED
    serve(*(data[i : i + size] for i in range(0, len(data), size)))
    assert [answer["phase"] for answer in ask(path)] == ["accepted", "completed"]


def test_an_answer_may_be_long(serve, path):
    serve(schema.encode(schema.answer("1", "completed", {"result": {"text": "x" * 1_000_000}})))
    assert len(ask(path)[0]["result"]["text"]) == 1_000_000


def test_an_answer_is_there_before_the_last_one(serve, path):
    serve(ACCEPTED, None)
    answers = client.ask("move", {}, path=path, timeout_s=DEADLINE_S)
    assert next(answers)["phase"] == "accepted"
    answers.close()


def test_without_a_socket_nobody_is_reached(path):
    with pytest.raises(client.UnreachableError, match=f"{path}: No such file"):
        ask(path)


def test_behind_a_dead_socket_nobody_is_reached(path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    with pytest.raises(client.UnreachableError, match="Connection refused"):
        ask(path)


def test_a_path_that_is_too_long_is_an_error_in_words():
    with pytest.raises(client.UnreachableError, match="too long"):
        ask("/tmp/" + "x" * 200)


def test_a_daemon_that_says_nothing_is_waited_for_in_vain(serve, path):
    serve(None)
    began = time.monotonic()
    with pytest.raises(client.NoAnswerError, match="did not answer in time"):
        ask(path, timeout_s=0.1)
    assert time.monotonic() - began < DEADLINE_S / 2


def test_half_an_answer_is_none(serve, path):
    serve(COMPLETED[:-5], None)
    with pytest.raises(client.NoAnswerError):
        ask(path, timeout_s=0.1)


def test_many_answers_do_not_prolong_the_time(serve, path):
    serve(*[ACCEPTED] * 5, None)
    with pytest.raises(client.NoAnswerError):
        ask(path, timeout_s=0.1)


@pytest.mark.parametrize("said", [b"", ACCEPTED, ACCEPTED + COMPLETED[:9]])
def test_a_daemon_that_dies_midway_is_missed(serve, path, said):
    serve(said)
    with pytest.raises(client.UnreachableError, match=r"closed the connection|reset"):
        ask(path)


@pytest.mark.parametrize("said", [b"hello\n", b"[]\n", b'{"schema": 99}\n'])
def test_an_answer_that_is_none_is_said_to_be_none(serve, path, said):
    serve(said)
    with pytest.raises(schema.SchemaError):
        ask(path)
