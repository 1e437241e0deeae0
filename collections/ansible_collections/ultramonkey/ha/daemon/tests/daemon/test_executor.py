"""From effect to deed: a table, and that one deed that fails keeps no other from being done."""

from __future__ import annotations

import dataclasses
import logging
import typing

import pytest
from ultramonkey_heartbeat.config.model import AuthKey, AuthKeys, Group, Resource
from ultramonkey_heartbeat.core import effects as fx
from ultramonkey_heartbeat.core.notices import BecameActive, Notice
from ultramonkey_heartbeat.daemon.executor import Executor
from ultramonkey_heartbeat.daemon.keys import make_codec
from ultramonkey_heartbeat.daemon.paths import Paths
from ultramonkey_heartbeat.daemon.persistence import HeldGroups
from ultramonkey_heartbeat.wire.message import Message, string

CODEC = make_codec(AuthKeys(1, (AuthKey(1, "sha1", b"a secret"),)))
MESSAGE = Message((string("t", "status"), string("src", "lb1")))
WEB, DATABASE = (Group(key, "lb1", (Resource(key, (), key),)) for key in ("web", "database"))


class FakeLink:
    def __init__(self, name, form="netstring"):
        self.name = name
        self.form = form
        self.sent = []

    def send(self, frame):
        self.sent.append(frame)


class FakeRunner:
    def __init__(self, done):
        self.done = done

    def start(self, group):
        self.done.append(("start", group.key))

    def stop(self, group):
        self.done.append(("stop", group.key))

    def announce(self, group):
        self.done.append(("announce", group.key))


class Stage:
    def __init__(self, directory):
        self.done = []
        self.noted = []
        self.links = [FakeLink("bcast eth0"), FakeLink("ucast eth1 192.0.2.1"), FakeLink("serial", "text")]
        self.held = HeldGroups(directory / "held.json")
        self.paths = Paths(directory, directory, directory)
        self.executor = Executor(
            codec=CODEC,
            links=self.links,
            runner=FakeRunner(self.done),
            groups=(WEB, DATABASE),
            held=self.held,
            paths=self.paths,
            log=logging.getLogger("executor under test"),
            note=self.noted.append,
            on_exit=lambda clean: self.done.append(("exit", clean)),
        )

    def carry_out(self, *effects):
        self.executor.carry_out(effects)


@pytest.fixture
def stage(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    return Stage(tmp_path)


def test_every_effect_of_the_core_has_a_deed(stage):
    kinds = [kind for kind in typing.get_args(fx.Effect) if kind is not Notice]
    assert sorted(stage.executor._deeds, key=str) == sorted(kinds, key=str)
    assert all(dataclasses.is_dataclass(kind) for kind in kinds)


def test_what_is_asked_is_done_in_that_order(stage):
    stage.carry_out(fx.StartGroup("web"), fx.Announce("web"), fx.StopGroup("database"), fx.Exit(clean=False))
    assert stage.done == [("start", "web"), ("announce", "web"), ("stop", "database"), ("exit", False)]


def test_a_group_is_noted_before_it_is_started(stage):
    noted = []
    stage.executor._runner.start = lambda _: noted.append([g.key for g in stage.held.left_behind(())])
    stage.carry_out(fx.StartGroup("web"), fx.StartGroup("database"))
    assert noted == [["web"], ["web", "database"]]


def test_a_message_goes_over_all_links_each_in_its_form(stage):
    stage.carry_out(fx.SendMessage(MESSAGE))
    frames = [link.sent for link in stage.links]
    assert [len(sent) for sent in frames] == [1, 1, 1]
    assert frames[0] == frames[1]
    assert frames[0][0].startswith(b"###\n")
    assert frames[2][0].startswith(b">>>\n")
    assert CODEC.decode(frames[0][0]).text("src") == "lb1"


def test_a_message_goes_over_the_links_that_are_named(stage):
    stage.carry_out(fx.SendMessage(MESSAGE, links=("ucast eth1 192.0.2.1", "gone")))
    assert [len(link.sent) for link in stage.links] == [0, 1, 0]


def test_a_new_key_counts_from_the_next_message_on(stage):
    stage.carry_out(fx.SendMessage(MESSAGE))
    stage.executor.codec = make_codec(AuthKeys(2, (AuthKey(2, "sha1", b"a new secret"),)))
    stage.carry_out(fx.SendMessage(MESSAGE))
    old, new = stage.links[0].sent
    assert old != new


def test_an_answer_goes_to_who_asked_and_the_last_one_ends_it(stage):
    answers = []
    stage.executor.await_reply("1", lambda phase, result: answers.append((phase, result)))
    stage.carry_out(
        fx.AdminReply("1", "accepted", {"a": 1}),
        fx.AdminReply("2", "completed", {}),
        fx.AdminReply("1", "completed", {"b": 2}),
        fx.AdminReply("1", "completed", {"c": 3}),
    )
    assert answers == [("accepted", {"a": 1}), ("completed", {"b": 2})]
    assert stage.executor._waiting == {}


def test_the_generation_is_kept(stage):
    stage.carry_out(fx.PersistGeneration(77))
    assert stage.paths.generation.read_text() == "             77\n"


def test_a_generation_that_cannot_be_kept_is_one_line_in_the_log(stage, caplog):
    stage.paths.generation.mkdir()
    stage.carry_out(fx.PersistGeneration(77), fx.StartGroup("web"))
    [record] = caplog.records
    assert record.getMessage().startswith("cannot keep generation 77: ")
    assert record.exc_info is None
    assert stage.done == [("start", "web")]


def test_a_notice_is_a_line_in_the_log(stage, caplog):
    stage.carry_out(BecameActive("lb2 is dead"))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "active: lb2 is dead")
    ]


def test_one_deed_that_fails_keeps_no_other_from_being_done(stage, caplog):
    stage.carry_out(fx.StartGroup("never heard of"), "no effect at all", fx.SendMessage(MESSAGE))
    assert len(stage.links[0].sent) == 1
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert "could not carry out StartGroup(group='never heard of')" in caplog.text
