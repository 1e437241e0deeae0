"""The examples: the daemons' own checkers have nothing against them, and their parts fit together."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import re
from pathlib import Path

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager

COLLECTION = Path(__file__).resolve().parents[2]
SOURCE = COLLECTION / "daemon" / "src"
EXAMPLES = sorted(path.parent for path in COLLECTION.glob("examples/*/inventory.yml"))
DIRECTING = [path for path in EXAMPLES if path.name != "high_availability"]
CLUSTERS = [path for path in EXAMPLES if path.name != "load_balancing"]
NAMES = [
    *("firewall_mark", "ha_load_balancing", "high_availability", "high_capacity", "load_balancing"),
    *("streamline", "tunnel"),
]


def named(path):
    return path.name


class Inventory:
    """The hosts of an example, and their variables as Ansible reads them."""

    def __init__(self, directory):
        loader = DataLoader()
        self._inventory = InventoryManager(loader=loader, sources=[str(directory / "inventory.yml")])
        self._variables = VariableManager(loader=loader, inventory=self._inventory)

    def hosts(self, group):
        return [host.name for host in self._inventory.get_hosts(group)]

    def of(self, group):
        """The variables of the first host; all of a group have the same."""
        (host, *_) = self._inventory.get_hosts(group)
        return self._variables.get_vars(host=host)


@pytest.fixture
def command(monkeypatch):
    """Runs a command of the daemons in this process, with data for standard input; its answer."""
    monkeypatch.syspath_prepend(str(SOURCE))

    def run(module, words, data):
        main = importlib.import_module(module).main
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(data).encode())))
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            main(["--json", *words])
        return json.loads(out.getvalue())

    return run


def test_every_topology_is_there_and_in_the_table():
    assert [path.name for path in EXAMPLES] == NAMES
    text = (COLLECTION / "examples/README.md").read_text()
    assert re.findall(r"(?m)^\| `(\w+)` ", text) == sorted(NAMES, key=text.index)


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_its_playbook_is_one_of_the_collection(example):
    (play,) = yaml.safe_load((example / "site.yml").read_text())
    name = play["ansible.builtin.import_playbook"].removeprefix("ultramonkey.ha.")
    assert (COLLECTION / f"playbooks/{name}.yml").exists()


@pytest.mark.parametrize("example", DIRECTING, ids=named)
def test_the_checker_of_ldirectord_has_not_even_a_warning(example, command):
    variables = Inventory(example).of("directors")
    data = {"globals": variables["ldirectord_globals"], "services": variables["ldirectord_services"]}
    answer = command("ultramonkey_ldirectord.cli.ldirectord", ["render"], data)
    assert (answer["exit_code"], answer["problems"]) == (0, [])
    versions = {"[" in str(s["virtual"]) or s.get("version") == 6 for s in variables["ldirectord_services"]}
    assert versions == {False, True}, "each on IPv4 and IPv6"


@pytest.mark.parametrize("example", CLUSTERS, ids=named)
def test_the_checker_of_heartbeat_has_not_even_a_warning(example, command):
    inventory = Inventory(example)
    group = "all" if example.name == "high_availability" else "directors"
    variables = inventory.of(group)
    data = {
        "nodes": inventory.hosts(group),
        "links": variables["heartbeat_links"],
        "keepalive": variables["heartbeat_keepalive"],
        "deadtime": variables["heartbeat_deadtime"],
        "auto_failback": "off",
        "groups": variables["heartbeat_groups"],
        "authkeys": {"current": 1, "keys": [{"index": 1, "method": "sha256", "key": "k" * 43}]},
    }
    answer = command("ultramonkey_heartbeat.cli.hbctl", ["config", "render", "--node", "lb1"], data)
    assert answer["result"]["problems"] == []
    assert set(answer["result"]["files"]) == {"ha.cf", "haresources", "authkeys"}


@pytest.mark.parametrize("example", DIRECTING, ids=named)
def test_what_one_side_sends_the_other_takes(example):
    inventory = Inventory(example)
    director, real = inventory.of("directors"), inventory.of("realservers")
    services = director["ldirectord_services"]
    forward = {server["forward"] for service in services for server in service["reals"]}
    assert forward == {real["realserver_method"]}
    held = " ".join(word for group in director.get("heartbeat_groups", []) for word in group["resources"])
    marked = [address for mark in director.get("ldirectord_marks", []) for address in mark["addresses"]]
    virtual = [re.sub(r":\d+$", "", str(s["virtual"])).strip("[]") for s in services]
    addresses = {address for address in virtual if not address.isdigit()} | set(marked)
    if forward == {"masq"}:
        for gateway in (real["realserver_gateway"], real["realserver_gateway6"]):
            assert not held or f"{gateway}/" in held
    else:
        assert set(real["realserver_addresses"]) == addresses
    for address in addresses:
        assert not held or f"{address}/" in held


@pytest.mark.parametrize("example", [path for path in DIRECTING if path in CLUSTERS], ids=named)
def test_the_table_comes_first_then_the_connections_then_the_addresses(example):
    variables = Inventory(example).of("directors")
    (group,) = variables["heartbeat_groups"]
    interface, number = variables["ldirectord_sync_interface"], variables["ldirectord_sync_id"]
    wanted = [f"LVSSyncDaemonSwap::master::{interface}::{number}"]
    if variables.get("ldirectord_run_by") != "service":
        wanted.insert(0, "ldirectord::ldirectord.cf")
    count = len(wanted)
    assert group["resources"][:count] == wanted
    assert all("/" in word for word in group["resources"][count:])
