"""Who keeps the table, over a table that only writes down."""

from __future__ import annotations

import asyncio
import logging

import pytest
from names import Names
from ultramonkey_ldirectord.config.configuration import parse
from ultramonkey_ldirectord.config.model import Forward, ServiceKey
from ultramonkey_ldirectord.core.director import Director
from ultramonkey_ldirectord.core.table import Entry, Server, ServerKey, Service
from ultramonkey_ldirectord.daemon.keeper import Keeper
from ultramonkey_ldirectord.ipvs.base import Failure, IpvsError
from ultramonkey_ldirectord.ipvs.recording import RecordingTable

TEXT = "quiescent=no\nvirtual=192.0.2.100:80\n\treal=192.0.2.1:80 gate\n\treal=192.0.2.2:80 gate\n"
WEB, ONE, TWO = (
    ServiceKey(4, "tcp", "192.0.2.100", 80),
    ServerKey("192.0.2.1", 80),
    ServerKey("192.0.2.2", 80),
)
OTHER = {ServiceKey(4, mark=9): Entry(Service("rr"), {})}


class Log:
    """What would be logged."""

    def __init__(self):
        self.logger = logging.getLogger("test-of-the-keeper")
        self.lines = []

    def change(self, text):
        self.lines.append(text)


class Scene:
    """A keeper, its table, and what it remembers for its successor."""

    def __init__(self, text=TEXT, table=None):
        self.director = Director(parse(text, "ld.cf", Names()).configuration)
        self.table = table or RecordingTable()
        self.log = Log()
        self.remembered = None
        self.keeper = Keeper(self.table, self.director, self.log, self._remember)

    def _remember(self, keys):
        self.remembered = set(keys)

    def verdict(self, address, *, ok):
        for probe in self.director.probes:
            if probe.address == address:
                self.director.verdict(probe, 0, "", ok=ok)

    def weights(self):
        return {str(place): server.weight for place, server in self.table.table[WEB].servers.items()}


def test_timeouts_of_connections_are_kept_where_they_are_given():
    async def go():
        scene = Scene(f"ipvstimeouts=60, 0, 30\n{TEXT}")
        await scene.keeper.begin()
        assert scene.table.timeouts_s == (60, 0, 30)
        scene.table.timeouts_s = (900, 120, 300)
        await scene.keeper.turn(anew=True)
        await scene.keeper.turn(anew=True)
        assert scene.table.timeouts_s == (60, 0, 30)
        assert scene.log.lines.count("Set timeouts of connections (tcp tcpfin udp): 60 0 30") == 2
        other = Scene()
        await other.keeper.begin()
        assert other.table.timeouts_s == (900, 120, 300)

    asyncio.run(go())


def test_it_takes_the_table_over_and_gives_it_back_clean():
    async def go():
        scene = Scene()
        scene.table.table = dict(OTHER)
        await scene.keeper.begin()
        assert (scene.remembered, scene.weights()) == ({WEB}, {})
        scene.verdict("192.0.2.1", ok=True)
        await scene.keeper.turn(anew=False)
        assert scene.weights() == {"192.0.2.1:80": 1}
        await scene.keeper.clean()
        assert (scene.remembered, scene.table.table) == (set(), OTHER)

    asyncio.run(go())


def test_a_change_from_outside_is_repaired_and_counted():
    async def go():
        scene = Scene()
        await scene.keeper.begin()
        scene.verdict("192.0.2.1", ok=True)
        await scene.keeper.turn(anew=False)
        scene.table.table = dict(OTHER)
        await scene.keeper.turn(anew=True)
        assert (scene.weights(), scene.keeper.repairs) == ({"192.0.2.1:80": 1}, 1)
        assert scene.log.lines[-1].endswith("(the table was changed by somebody else)")
        await scene.keeper.turn(anew=True)
        assert scene.keeper.repairs == 1

    asyncio.run(go())


def test_services_of_a_dead_daemon_go_unless_they_are_wanted_again():
    async def go():
        scene = Scene()
        old = ServiceKey(4, "tcp", "192.0.2.99", 80)
        scene.table.table = {old: Entry(Service("rr"), {}), **OTHER}
        await scene.keeper.begin([old, WEB])
        assert set(scene.table.table) == {WEB, *OTHER}
        assert scene.remembered == {WEB}

    asyncio.run(go())


class Refusing(RecordingTable):
    """Refuses what `refuses` says."""

    def __init__(self, refuses):
        super().__init__()
        self.refuses = refuses

    async def apply(self, changes):
        bad = [change for change in changes if self.refuses(change)]
        good = [change for change in changes if not self.refuses(change)]
        return [Failure(change, "no") for change in bad] + await super().apply(good)


def test_a_service_that_is_refused_is_no_start_and_leaves_nothing():
    async def go():
        text = TEXT + "\nvirtual=192.0.2.101:80\n\treal=192.0.2.1:80 gate\n"
        scene = Scene(text, Refusing(lambda change: change.service is not None and "101" in str(change.key)))
        with pytest.raises(IpvsError, match=r"Added virtual server: 192\.0\.2\.101:80: refused: no"):
            await scene.keeper.begin()
        assert (scene.table.table, scene.keeper.active, scene.remembered) == ({}, False, set())

    asyncio.run(go())


def test_a_server_that_is_refused_is_a_problem_until_it_is_taken():
    async def go():
        table = Refusing(lambda change: change.server_key == ONE)
        scene = Scene(table=table)
        await scene.keeper.begin()
        for address in ("192.0.2.1", "192.0.2.2"):
            scene.verdict(address, ok=True)
        await scene.keeper.turn(anew=False)
        assert scene.weights() == {"192.0.2.2:80": 1}
        assert scene.keeper.problems == [
            "Added real server: 192.0.2.1:80 (192.0.2.100:80) (Weight set to 1): refused: no"
        ]
        table.refuses = lambda change: False
        await scene.keeper.turn(anew=True)
        assert (scene.weights(), scene.keeper.problems) == ({"192.0.2.2:80": 1, "192.0.2.1:80": 1}, [])

    asyncio.run(go())


def test_a_table_that_cannot_be_read_is_a_problem_and_not_an_end():
    async def go():
        scene = Scene()
        await scene.keeper.begin()
        scene.table.broken = "netlink: timed out"
        await scene.keeper.turn(anew=True)
        assert scene.keeper.problems == ["netlink: timed out"]
        scene.table.broken = ""
        await scene.keeper.turn(anew=True)
        assert scene.keeper.problems == []

    asyncio.run(go())


def test_verdicts_before_the_begin_are_one_batch_at_it():
    """What a warm standby does at a takeover."""

    async def go():
        scene = Scene()
        scene.verdict("192.0.2.1", ok=True)
        scene.verdict("192.0.2.2", ok=False)
        await scene.keeper.begin()
        assert scene.table.table[WEB].servers == {ONE: Server(Forward.GATE, 1)}
        assert TWO not in scene.table.table[WEB].servers

    asyncio.run(go())


def test_it_ends_also_when_it_is_woken_at_that_moment():
    async def go():
        for pauses in range(4):
            scene = Scene()
            await scene.keeper.begin()
            task = asyncio.create_task(scene.keeper.run(lambda: 10.0))
            await asyncio.sleep(0)
            scene.keeper.wake()
            for _ in range(pauses):
                await asyncio.sleep(0)
            task.cancel()
            done, _ = await asyncio.wait([task], timeout=5)
            assert done, pauses

    asyncio.run(go())
