"""The twins of the kernel's table."""

from __future__ import annotations

import asyncio
import json

import pytest
from ultramonkey_ldirectord.config.model import Forward, ServiceKey
from ultramonkey_ldirectord.core.changes import Change, Verb
from ultramonkey_ldirectord.core.table import Connections, Entry, Server, ServerKey, Service
from ultramonkey_ldirectord.ipvs.base import IpvsError
from ultramonkey_ldirectord.ipvs.recording import FileTable, RecordingTable, as_data, from_data

WEB, PLACE = ServiceKey(4, "tcp", "192.0.2.100", 80), ServerKey("192.0.2.1", 80)
ADD = Change(Verb.ADD_SERVICE, WEB, Service("rr"))
ADD_SERVER = Change(Verb.ADD_SERVER, WEB, None, PLACE, Server(Forward.GATE, 5))


def test_it_refuses_what_the_kernel_would_and_goes_on():
    table = RecordingTable()
    failures = asyncio.run(table.apply([ADD, ADD, ADD_SERVER, ADD_SERVER]))
    assert [failure.change for failure in failures] == [ADD, ADD_SERVER]
    assert table.table == {WEB: Entry(Service("rr"), {PLACE: Server(Forward.GATE, 5)})}
    assert table.log[1] == "Added real server: 192.0.2.1:80 (192.0.2.100:80) (Weight set to 5)"


def test_a_file_keeps_the_table_and_what_was_done(tmp_path):
    path = tmp_path / "table.json"
    asyncio.run(FileTable(path).apply([ADD, ADD_SERVER]))
    assert asyncio.run(FileTable(path).read()) == {
        WEB: Entry(Service("rr"), {PLACE: Server(Forward.GATE, 5)})
    }
    assert (tmp_path / "table.json.log").read_text().splitlines()[0] == "Added virtual server: 192.0.2.100:80"
    path.write_text("{")
    with pytest.raises(IpvsError):
        asyncio.run(FileTable(path).read())


def test_a_table_survives_being_data():
    entry = Entry(Service("wlc", 1, 60), {PLACE: Server(None, 5, 1, 2)}, {PLACE: Connections(3, 4)})
    table = {WEB: entry, ServiceKey(6, mark=3): Entry(Service("rr", netmask="128"), {})}
    again = from_data(json.loads(json.dumps(as_data(table))))
    assert again == table
    assert again[WEB].connections == {PLACE: Connections(3, 4)}
