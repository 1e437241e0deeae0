#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ldirectord_real
short_description: Drain a real server, take it out, put it in again, or change its weight
version_added: 0.1.0
description:
  - Tells the ldirectord of the node, and waits until it has come about.
  - What is told survives a reload and not a restart of the daemon. Run it on all directors, so that a
    takeover changes nothing; one that stands by remembers it, too.
options:
  server:
    description: The real server, V(ADDRESS) or V(ADDRESS:PORT), with IPv6 in brackets where there is a port.
    type: str
    required: true
  service:
    description:
      - Only in the virtual service of this name, as M(ultramonkey.ha.ldirectord_info) gives it, such as
        V(tcp:192.0.2.100:80) or V(fwm:1).
      - By default in all services that the server belongs to.
    type: str
  state:
    description:
      - V(drain) no new connections; those that are there go on. V(maintenance) out, as if it were down.
        V(normal) as the checks say.
      - By default it stays as it is.
    type: str
    choices: [normal, drain, maintenance]
  weight:
    description: Another weight than the configured one; V(-1) is the configured one.
    type: int
  wait:
    description:
      - Whether to wait, for V(drain) and V(maintenance) until the server has no connection any more, for
        V(normal) until it serves.
      - On a director that stands by there is nothing to wait for but the verdict of the checks.
    type: bool
    default: true
  timeout:
    description: How long that may take, in seconds.
    type: int
    default: 60
extends_documentation_fragment:
  - ultramonkey.ha._ldirectord
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    support: full
seealso:
  - module: ultramonkey.ha.ldirectord_info
"""

EXAMPLES = r"""
# In a play over the real servers, with serial: 1.
- name: Have its clients finish
  ultramonkey.ha.ldirectord_real:
    server: "{{ ansible_host }}"
    state: drain
    timeout: 300
  delegate_to: "{{ item }}"
  loop: "{{ groups.directors }}"

- name: Restart it, which no client notices
  ansible.builtin.reboot:

- name: Have it serve again
  ultramonkey.ha.ldirectord_real:
    server: "{{ ansible_host }}"
    state: normal
  delegate_to: "{{ item }}"
  loop: "{{ groups.directors }}"

- name: Give a new server little to do at first
  ultramonkey.ha.ldirectord_real:
    server: 192.0.2.23:80
    weight: 1
"""

RETURN = r"""
before:
  description: >-
    Virtual service to server to its C(state), and C(weight), which is null while it is the configured one.
  returned: success
  type: dict
  sample: {"tcp:192.0.2.100:80": {"192.0.2.21:80": {"state": "normal", "weight": null}}}
after:
  description: The same, afterwards.
  returned: success
  type: dict
  sample: {"tcp:192.0.2.100:80": {"192.0.2.21:80": {"state": "drain", "weight": null}}}
connections:
  description: How many active connections the server has now.
  returned: success
  type: int
  sample: 0
"""

import ipaddress
import re

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ultramonkey.ha.plugins.module_utils import _ldirectord
from ansible_collections.ultramonkey.ha.plugins.module_utils._answers import CommandError
from ansible_collections.ultramonkey.ha.plugins.module_utils._patience import Patience

CONFIGURED = -1

ARGUMENT_SPEC = dict(
    _ldirectord.ARGUMENT_SPEC,
    server={"type": "str", "required": True},
    service={"type": "str"},
    state={"type": "str", "choices": ["normal", "drain", "maintenance"]},
    weight={"type": "int"},
    wait={"type": "bool", "default": True},
    timeout={"type": "int", "default": 60},
)

_WITH_PORT = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<v4>[^:\[\]]+)):(?P<port>[0-9]+)\Z")


def place(text):
    """Address and port of a server, None for any port. Raises CommandError."""
    match = _WITH_PORT.match(text)
    host = (match["v6"] or match["v4"]) if match else text.strip("[]")
    try:
        return str(ipaddress.ip_address(host)), int(match["port"]) if match else None
    except ValueError:
        raise CommandError(
            f"{text} is not a server: write its address, or address and port, such as 192.0.2.21:80",
            code="bad-request",
        ) from None


def targets(status, params):
    """(service, server) for all that are meant. Raises CommandError when there are none."""
    address, port = place(params["server"])
    found = [
        (service["service"], server)
        for service in status["services"]
        if params["service"] in (None, service["service"])
        for server in service["servers"]
        if server["address"] == address and port in (None, server["port"])
    ]
    if found:
        return found
    services = [service for service in status["services"] if params["service"] in (None, service["service"])]
    if not services:
        known = ", ".join(service["service"] for service in status["services"]) or "none"
        raise CommandError(
            f"there is no service {params['service']}: the services are {known}", code="unknown-service"
        )
    known = ", ".join(sorted({server["server"] for service in services for server in service["servers"]}))
    raise CommandError(
        f"there is no real server {params['server']}: the servers are {known or 'none'}",
        code="unknown-server",
    )


def running(ldirectord):
    """The status of a daemon that runs. Raises CommandError."""
    status = ldirectord.status()
    if status.get("state") not in ("active", "standby"):
        said = status.get("error") or status.get("text") or "ldirectord does not run"
        raise CommandError(f"{said}: start it first, or ask another director", code="not-running")
    return status


def told(found):
    """What is wished of the servers."""
    shown = {}
    for service, server in found:
        shown.setdefault(service, {})[server["server"]] = {
            "state": server["wish"],
            "weight": server["weight_set"],
        }
    return shown


def wanted(before, params):
    """What is to be wished of them."""
    change = {}
    if params["state"]:
        change["state"] = params["state"]
    if params["weight"] is not None:
        change["weight"] = None if params["weight"] == CONFIGURED else params["weight"]
    return {
        service: {server: {**wish, **change} for server, wish in servers.items()}
        for service, servers in before.items()
    }


def refuse_files(found, params):
    """A server that a file keeps out cannot be put in from here."""
    filed = [
        server["server"]
        for _service, server in found
        if server["in_maintenance"] and server["wish"] != "maintenance"
    ]
    if filed and params["state"] == "normal":
        raise CommandError(
            f"a file in the maintenance directory keeps {filed[0]} out: remove the file", code="maintenance"
        )


def ensure(ldirectord, params, check_mode=False, patience=None):
    """Bring the wanted state about; the module's answer."""
    patience = patience or Patience(params["timeout"])
    status = running(ldirectord)
    found = targets(status, params)
    refuse_files(found, params)
    before = told(found)
    after = wanted(before, params)
    if before != after and not check_mode:
        _tell(ldirectord, params, before, after)
    if params["wait"] and params["state"] and not check_mode:
        found = _wait(ldirectord, params, patience)
    return {
        "changed": before != after,
        "before": before,
        "after": after,
        "connections": sum(server["active"] for _service, server in found),
        "diff": {"before": before, "after": after},
    }


def _tell(ldirectord, params, before, after):
    for key, command in (("state", params["state"]), ("weight", "weight")):
        differs = any(
            after[service][server][key] != wish[key]
            for service, servers in before.items()
            for server, wish in servers.items()
        )
        if differs:
            weight = params["weight"] if key == "weight" else None
            ldirectord.server(command, params["server"], params["service"], weight)


def _wait(ldirectord, params, patience):
    while True:
        status = running(ldirectord)
        found = targets(status, params)
        left = [
            text for text in (_left(status, server, params["state"]) for _service, server in found) if text
        ]
        if not left:
            return found
        if patience.is_over:
            raise CommandError(
                f"after {patience.timeout_s} s {', '.join(left)}; it stays in state {params['state']}",
                code="timeout",
            )
        patience.pause()


def _left(status, server, state):
    """What is not as it is to be; empty when nothing is left."""
    if state != "normal":
        return f"{server['server']} has {server['active']} connections" if server["active"] else ""
    if server["health"] != "up":
        return f"{server['server']} is {server['health']} ({server['reason']})"
    serves = status["state"] == "standby" or server["weight"] == server["weight_wanted"]
    return "" if serves else f"{server['server']} is not in the table as it should be"


def main():
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC, supports_check_mode=True, required_one_of=[["state", "weight"]]
    )
    _ldirectord.answer(
        module, lambda ldirectord: ensure(ldirectord, module.params, check_mode=module.check_mode)
    )


if __name__ == "__main__":
    main()
