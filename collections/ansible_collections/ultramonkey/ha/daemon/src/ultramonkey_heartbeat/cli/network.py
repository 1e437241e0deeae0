"""`hbctl link test network` and `hbctl address test`: what the network does, before a daemon needs it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..config.address import address_of, parse_address
from ..config.model import Address, Configuration
from ..config.values import BadValueError
from ..control import client, schema
from ..links.network_test import run_network_test
from ..net.duplicate import interface_for, local_addresses, users_of
from ..reading import load

Json = Mapping[str, Any]
_ID = "network"
# The worst comes first; what is not here is good enough.
_FAULTS = ("link-one-way", "link-silent", "link-down", "link-not-tested")


def test_links(
    directory: Path,
    node: str | None,
    peers: str | None,
    *,
    seconds: float,
    listen_seconds: float,
    socket: str,
) -> Json:
    """The answer of `link test network`."""
    configuration, refusal = _configuration(directory, node)
    if configuration is None:
        return refusal
    with contextlib.suppress(client.UnreachableError, client.NoAnswerError):
        for _ in client.ask("version", {}, path=socket, timeout_s=2):
            pass
        return schema.refusal(
            _ID,
            "daemon-runs",
            "the daemon runs here and has the links; what it hears is in `hbctl status`",
            "see `hbctl status`, or stop the daemon for the test",
        )
    others = [name for name in configuration.ha.nodes if name != configuration.node]
    wanted = others if peers is None else [name.lower() for name in peers.split(",") if name]
    result = run_network_test(
        configuration.ha.links,
        configuration.node,
        wanted,
        others,
        listen_seconds=listen_seconds,
        seconds=seconds,
    )
    faults = [link for code in _FAULTS for link in result["links"] if link["verdict"] == code]
    if result["strangers"]:
        message = "; ".join(one["text"] for one in result["strangers"])
        error = {
            "code": "foreign-heartbeat",
            "message": message,
            "remedy": "give the links of this cluster another port (udpport), or stop the other one",
        }
    elif faults:
        error = {
            "code": faults[0]["verdict"],
            "message": "; ".join(link["text"] for link in faults),
            "remedy": faults[0]["remedy"],
        }
    else:
        return schema.answer(_ID, "completed", {"result": result})
    return schema.answer(_ID, "refused", {"error": error, "result": result})


def test_addresses(words: Sequence[str], directory: Path, node: str | None) -> Json:
    """The answer of `address test`: who on the network has the addresses, of haresources if none is named."""
    try:
        addresses = [parse_address(word) for word in words]
    except BadValueError as error:
        return schema.refusal(_ID, "bad-request", str(error), "write 192.0.2.10/24/eth0")
    if not words:
        configuration, refusal = _configuration(directory, node)
        if configuration is None:
            return refusal
        resources = [resource for group in configuration.groups for resource in group.resources]
        addresses = [one for one in map(address_of, resources) if one is not None]
    here = local_addresses()
    found = [_asked(address, here) for address in addresses]
    used = [one for one in found if one["users"]]
    if not used:
        return schema.answer(_ID, "completed", {"result": {"addresses": found}})
    refused = {
        "code": "address-in-use",
        "message": "; ".join(one["text"] for one in used),
        "remedy": "choose another address, or take it off that machine",
    }
    return schema.answer(_ID, "refused", {"error": refused, "result": {"addresses": found}})


def _asked(address: Address, here: set[str]) -> Json:
    interface, users, text = interface_for(address), [], ""
    if interface is None:
        text = f"no interface of this machine is in the network of {address.address}"
    else:
        try:
            users = users_of(address.address, interface)
        except OSError as error:
            text = f"{interface} cannot be asked: {error.strerror}"
    if users:
        text = f"{address.address} is at {' and '.join(users)} on {interface}"
    elif not text:
        text = f"{address.address} is used by nobody else on {interface}"
    return {
        "address": address.address,
        "interface": interface,
        "here": address.address in here,
        "users": users,
        "text": text,
    }


def _configuration(directory: Path, node: str | None) -> tuple[Configuration | None, Json]:
    """What the files say, or the refusal."""
    try:
        loaded = load(directory, node)
    except OSError as error:
        return None, schema.refusal(_ID, "unreadable", str(error), "ask as a user who may read it")
    if loaded.configuration is not None:
        return loaded.configuration, {}
    problems = [problem.as_data() for problem in loaded.problems]
    error_data = {
        "code": "bad-configuration",
        "message": "the configuration has errors",
        "remedy": "see `hbctl config check`",
    }
    return None, schema.answer(_ID, "refused", {"error": error_data, "result": {"problems": problems}})
