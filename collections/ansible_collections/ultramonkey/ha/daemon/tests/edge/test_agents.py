"""Resources as administrators write them: scripts, units, addresses."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from ultramonkey_heartbeat.config.model import Address, Resource
from ultramonkey_heartbeat.net.announce import Announcer
from ultramonkey_heartbeat.net.netlink import Network
from ultramonkey_heartbeat.net.packet import PacketSender
from ultramonkey_heartbeat.resources.address import AddressAgent
from ultramonkey_heartbeat.resources.agent import MissingResourceError, ResourceError, Timeouts
from ultramonkey_heartbeat.resources.factory import Surroundings, make_agent
from ultramonkey_heartbeat.resources.script import ScriptAgent, says_running
from ultramonkey_heartbeat.resources.systemd import SystemdAgent

QUICK = Timeouts(start_ms=200, stop_ms=200, status_ms=200, grace_ms=50)
PATIENT = Timeouts(start_ms=5_000, stop_ms=5_000, status_ms=5_000, grace_ms=50)


def write(path, body):
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def script(tmp_path):
    """A function that writes a resource script and returns an agent for it."""
    directories = (tmp_path / "resource.d", tmp_path / "init.d")
    for directory in directories:
        directory.mkdir()

    def make(body, arguments=(), timeouts=PATIENT, directory=0):
        write(directories[directory] / "thing", f'echo "$@" >>{tmp_path}/calls\n{body}')
        text = "::".join(("thing", *arguments))
        surroundings = Surroundings("lb1", None, None, timeouts, directories)
        return make_agent(Resource("thing", tuple(arguments), text), None, surroundings)

    return make


@pytest.fixture
def calls(tmp_path):
    return lambda: (tmp_path / "calls").read_text().splitlines()


@pytest.mark.parametrize(
    ("output", "running"),
    [
        ("running", True),
        ("thing is Running", True),
        ("OK", True),
        ("INFO:  Running OK", True),
        ("is NOT running", False),
        ("not Running", False),
        ("not\nrunning", True),  # no blank behind "not"
        ("Not really, it is not\n running", False),
        ("running, but not well running", False),
        ("stopped", False),
        ("INFO:  Resource is stopped", False),
        ("active", False),
        ("ok", False),
        ("RUNNING", False),
        ("", False),
    ],
)
def test_status_is_read_as_heartbeat_reads_it(output, running):
    assert says_running(output) is running


def test_a_script_is_called_with_its_arguments_and_the_operation_last(loop, script, calls):
    agent = script("echo stopped", ["a", "b"])
    loop.run_until_complete(agent.start())
    loop.run_until_complete(agent.stop())
    assert calls() == ["a b status", "a b start", "a b stop"]


def test_what_runs_already_is_not_started(loop, script, calls):
    loop.run_until_complete(script("echo running; exit 7").start())
    assert calls() == ["status"]


def test_only_standard_output_counts_for_status(loop, script):
    assert loop.run_until_complete(script("echo running >&2").status()) is False


def test_init_d_is_second(loop, script, calls):
    agent = script("exit 0", directory=1)
    loop.run_until_complete(agent.stop())
    assert calls() == ["stop"]
    script("exit 6", directory=0)
    with pytest.raises(ResourceError, match="exit code 6"):
        loop.run_until_complete(agent.stop())


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("echo one; echo 'no disk' >&2; exit 5", "thing::x: start failed with exit code 5: no disk"),
        ("[ $2 = status ] || exit 1", "thing::x: start failed with exit code 1"),
        ("[ $2 = status ] || kill -9 $$", "thing::x: start was ended by signal 9"),
        ("[ $2 = status ] || sleep 60", "thing::x: start did not finish within 0.2 s"),
        ("trap '' TERM; while :; do sleep 1; done", "thing::x: status did not finish within 0.2 s"),
    ],
)
def test_a_start_that_fails_says_why_in_one_line(loop, script, body, message):
    with pytest.raises(ResourceError) as caught:
        loop.run_until_complete(script(body, ["x"], QUICK).start())
    assert str(caught.value) == message


def test_a_missing_script_is_named_with_the_places(loop, script, tmp_path):
    agent = script("exit 0")
    (tmp_path / "resource.d" / "thing").unlink()
    with pytest.raises(MissingResourceError) as caught:
        loop.run_until_complete(agent.start())
    assert str(caught.value) == f"thing: no script 'thing' in {tmp_path}/resource.d or {tmp_path}/init.d"


def test_a_script_that_is_not_executable_is_named(loop, script, tmp_path):
    agent = script("exit 0")
    path = tmp_path / "resource.d" / "thing"
    path.chmod(0o644)
    with pytest.raises(MissingResourceError) as caught:
        loop.run_until_complete(agent.stop())
    assert str(caught.value) == f"thing: {path} is no executable file"


SYSTEMCTL = """
state=$(cat {0}/state)
case $1 in
is-active) echo $state; [ $state = active ];;
start) [ "$3" = web.service ] || {{ echo "Unit $3 not found." >&2; exit 5; }}; echo active >{0}/state;;
stop) [ "$3" = web.service ] || exit 5; [ $state != stuck ] || exit 1; echo inactive >{0}/state;;
esac
"""


@pytest.fixture
def unit(tmp_path):
    """A function that returns an agent for a unit of a systemd that only knows web.service."""
    write(tmp_path / "systemctl", SYSTEMCTL.format(tmp_path))
    (tmp_path / "state").write_text("inactive")

    def make(word):
        script, *arguments = word.split("::")
        surroundings = Surroundings("lb1", None, None, PATIENT, systemctl=str(tmp_path / "systemctl"))
        return make_agent(Resource(script, tuple(arguments), word), None, surroundings)

    return make


@pytest.mark.parametrize("word", ["web.service", "systemd::web.service"])
def test_a_unit_is_started_and_stopped(loop, unit, word):
    agent = unit(word)
    assert isinstance(agent, SystemdAgent)
    assert loop.run_until_complete(agent.status()) is False
    loop.run_until_complete(agent.start())
    assert loop.run_until_complete(agent.status()) is True
    loop.run_until_complete(agent.stop())
    assert loop.run_until_complete(agent.status()) is False


@pytest.mark.parametrize(
    ("state", "running"),
    [("failed", False), ("activating", True), ("deactivating", True), ("reloading", True)],
)
def test_a_unit_between_two_states_may_run(loop, unit, tmp_path, state, running):
    (tmp_path / "state").write_text(state)
    assert loop.run_until_complete(unit("web.service").status()) is running


def test_a_unit_that_does_not_exist_cannot_start_and_need_not_stop(loop, unit):
    agent = unit("db.service")
    with pytest.raises(MissingResourceError, match=r"db\.service: systemd has no unit 'db\.service'"):
        loop.run_until_complete(agent.start())
    loop.run_until_complete(agent.stop())


def test_without_systemd_the_error_names_the_program(loop):
    surroundings = Surroundings("lb1", None, None, PATIENT, systemctl="/no/systemctl")
    agent = make_agent(Resource("web.service", (), "web.service"), None, surroundings)
    with pytest.raises(ResourceError, match="/no/systemctl: cannot be run: No such file"):
        loop.run_until_complete(agent.start())


@pytest.mark.parametrize(
    ("resource", "address", "kind"),
    [
        (Resource("IPaddr", ("10.77.0.10",), "10.77.0.10"), Address("10.77.0.10"), AddressAgent),
        (Resource("IPaddr2", ("10.77.0.10",), "IPaddr2::10.77.0.10"), Address("10.77.0.10"), AddressAgent),
        (Resource("IPv6addr", ("fd77::1",), "IPv6addr::fd77::1"), Address("fd77::1"), AddressAgent),
        (Resource("IPaddr2", ("what",), "IPaddr2::what"), None, ScriptAgent),
        (Resource("systemd", ("web",), "systemd::web"), None, SystemdAgent),
        (Resource("data.mount", (), "data.mount"), None, SystemdAgent),
        (Resource("apache", (), "apache"), None, ScriptAgent),
    ],
)
def test_each_word_gets_its_kind_of_agent(resource, address, kind):
    agent = make_agent(resource, address, Surroundings("lb1", None, None))
    assert isinstance(agent, kind)
    assert agent.name == resource.text


class AddressKit:
    """What address agents on host a need."""

    def __init__(self, host):
        self.host = host
        self.network = host.call(Network)
        self.sender = PacketSender()
        self.announcer = Announcer(host.loop, self.sender)

    def agent(self, address):
        return AddressAgent(
            address.address, address, network=self.network, announcer=self.announcer, timeouts=PATIENT
        )

    def close(self):
        self.host.call(self.announcer.close)
        self.host.run(self.network.close())
        self.sender.close()


@pytest.fixture
def kit(lan):
    made = AddressKit(lan.a)
    yield made
    made.close()


@pytest.mark.parametrize("address", [Address("10.77.0.10"), Address("fd77::10")], ids=["IPv4", "IPv6"])
def test_an_address_is_announced_while_it_is_held(lan, kit, address):
    agent = kit.agent(address)
    assert agent.addresses == ()
    lan.a.run(agent.start())
    assert lan.a.run(agent.status()) is True
    assert agent.addresses == (address.address,)
    assert kit.sender.sent >= 1
    assert kit.announcer._timers
    lan.a.run(agent.stop())
    assert lan.a.run(agent.status()) is False
    assert agent.addresses == ()
    assert not kit.announcer._timers
    lan.a.run(agent.stop())


def test_an_address_that_is_there_already_is_announced_and_later_removed(lan, kit):
    lan.a.ip("addr", "add", "10.77.0.10/24", "dev", "eth1")
    agent = kit.agent(Address("10.77.0.10"))
    lan.a.run(agent.start())
    assert kit.sender.sent >= 2
    lan.a.run(agent.stop())
    assert "10.77.0.10" not in lan.a.ip("addr", "show")


@pytest.mark.parametrize("interface", [None, "eth1"])
def test_an_address_left_by_somebody_before_us_is_removed(lan, kit, interface):
    lan.a.ip("addr", "add", "10.77.0.10/32", "dev", "eth1")
    lan.a.ip("addr", "add", "10.77.0.10/32", "dev", "lo")
    lan.a.run(kit.agent(Address("10.77.0.10", 24, interface)).stop())
    assert "10.77.0.10" not in lan.a.ip("addr", "show", "dev", "eth1")
    assert "10.77.0.10" in lan.a.ip("addr", "show", "dev", "lo")


def test_stopping_succeeds_when_the_interface_has_vanished(lan, kit):
    agent = kit.agent(Address("10.77.0.10", 24, "eth1"))
    lan.a.run(agent.start())
    lan.unplug(lan.a)
    lan.a.run(agent.stop())
    assert not kit.announcer._timers


def test_an_address_without_interface_cannot_start_and_says_so(lan, kit):
    with pytest.raises(ResourceError) as caught:
        lan.a.run(kit.agent(Address("10.77.0.10", 24, "eth9")).start())
    assert str(caught.value) == (
        "10.77.0.10: eth9: no such interface; check the interface's name with `ip link`"
    )


def test_a_kernel_that_does_not_answer_is_not_waited_for(loop):
    class Silent:
        async def resolve(self, _address):
            await asyncio.sleep(60)

    agent = AddressAgent("vip", Address("10.77.0.10"), network=Silent(), announcer=None, timeouts=QUICK)
    with pytest.raises(ResourceError, match=r"vip: start did not finish within 0\.2 s"):
        loop.run_until_complete(agent.start())


def test_the_usual_directories_are_heartbeats():
    assert Surroundings("lb1", None, None).directories == (Path("/etc/ha.d/resource.d"), Path("/etc/init.d"))
