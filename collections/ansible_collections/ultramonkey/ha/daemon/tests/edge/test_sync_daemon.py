"""The built-in resource LVSSyncDaemonSwap, over a kernel that only writes down."""

from __future__ import annotations

import asyncio

import pytest
from sync_kernel import Kernel
from ultramonkey_heartbeat.config.haresources import parse_haresources, parse_resource
from ultramonkey_heartbeat.config.sync_daemon import SyncDaemon, parse_sync_daemon
from ultramonkey_heartbeat.net.sync_daemon import SyncDaemons
from ultramonkey_heartbeat.resources.agent import ResourceError, Timeouts
from ultramonkey_heartbeat.resources.factory import Surroundings, make_agent
from ultramonkey_heartbeat.resources.sync_daemon import SyncDaemonAgent


@pytest.fixture
def kernel():
    return Kernel()


@pytest.fixture
def agent(kernel, tmp_path):
    def make(*arguments, settings=""):
        path = tmp_path / "settings"
        if settings:
            path.write_text(settings)
        daemons = SyncDaemons(lambda: kernel)
        return SyncDaemonAgent(
            "swap", parse_sync_daemon(arguments), daemons=daemons, timeouts=Timeouts(), settings=path
        )

    return make


def test_it_swaps_the_daemons_and_stop_is_the_other_way(kernel, agent):
    swap = agent("master", "eth1", "5")
    asyncio.run(swap.idle())
    assert (kernel.done, asyncio.run(swap.status())) == (["start backup eth1 5"], False)
    asyncio.run(swap.start())
    # In this order: a node that runs both does not direct.
    assert kernel.done[1:] == ["stop backup eth1 5", "start master eth1 5"]
    assert asyncio.run(swap.status()) is True
    asyncio.run(swap.start())
    asyncio.run(swap.stop())
    assert kernel.done[3:] == ["stop master eth1 5", "start backup eth1 5"]


@pytest.mark.parametrize(
    ("arguments", "settings", "wanted"),
    [
        (("master",), "", SyncDaemon("master", "eth0", 0)),
        (("backup",), "INTERFACE=eth2\nSYNC_ID=7\n", SyncDaemon("backup", "eth2", 7)),
        (("master", "eth1"), "INTERFACE=eth2\nSYNC_ID=7\n", SyncDaemon("master", "eth1", 7)),
        (("master", "5"), "INTERFACE=eth2\n", SyncDaemon("master", "eth2", 5)),
    ],
)
def test_what_the_word_leaves_open_comes_from_the_settings(kernel, agent, arguments, settings, wanted):
    asyncio.run(agent(*arguments, settings=settings).start())
    assert kernel.running == [wanted]


def test_who_runs_both_is_no_master(kernel, agent):
    kernel.running = [SyncDaemon("master", "eth0", 0), SyncDaemon("backup", "eth0", 0)]
    swap = agent("master")
    assert asyncio.run(swap.status()) is False
    asyncio.run(swap.start())
    assert kernel.running == [SyncDaemon("master", "eth0", 0)]


def test_a_refusal_and_bad_settings_are_one_clear_line(kernel, agent):
    kernel.refuses = "IPVS: no such interface"
    with pytest.raises(
        ResourceError, match="swap: master on eth0: IPVS: no such interface; name the interface"
    ):
        asyncio.run(agent("master").start())
    with pytest.raises(ResourceError, match="settings: SYNC_ID 256 is not a number from 0 to 255"):
        asyncio.run(agent("master", settings="SYNC_ID=256\n").start())


def test_haresources_names_it_and_mistakes_are_found_when_it_is_read():
    surroundings = Surroundings("a", None, None)
    assert isinstance(
        make_agent(parse_resource("LVSSyncDaemonSwap::master::eth1"), None, surroundings), SyncDaemonAgent
    )
    text = "a LVSSyncDaemonSwap::slave\na LVSSyncDaemonSwap::master::eth1::300\na LVSSyncDaemonSwap\n"
    _, problems = parse_haresources(text, ["a"])
    assert [(problem.line, problem.word) for problem in problems] == [
        (1, "slave"),
        (2, "300"),
        (3, "LVSSyncDaemonSwap"),
    ]
    assert problems[0].message == "LVSSyncDaemonSwap::slave: slave is neither master nor backup"
    assert "SYNC_ID 300 is not a number from 0 to 255" in problems[1].message
    assert "takes one to three arguments" in problems[2].message
