#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: failover
short_description: Have a node of the cluster hold resource groups
version_added: 0.1.0
description:
  - States which node shall hold which resource groups, or which node shall hold none of them, and has the
    heartbeat daemon move what is elsewhere. Does nothing when it is so already.
  - May run on any node of the cluster, or on all of them at once.
  - Refuses with a reason, and moves nothing, when the target is dead, on standby or has failed to start a
    group before, and when a group is under maintenance.
  - A group with O(ignore:auto_failback=on) returns to its preferred node when that node comes back, not
    because of this module.
options:
  to:
    description:
      - The node that shall hold the groups.
      - Exactly one of O(to) and O(away_from) is required.
    type: str
  away_from:
    description:
      - The node that shall hold none of the groups; another active node takes them.
    type: str
  groups:
    description:
      - The groups, each named by its key (the first resource of its line in C(haresources)).
      - V(all) means every group.
    type: list
    elements: str
    default: [all]
  wait:
    description:
      - Whether to wait until the groups are held where they shall be.
      - When V(false), the module returns as soon as the daemon has begun.
    type: bool
    default: true
  timeout:
    description:
      - How long the whole change may take, in seconds. Scripts of the groups run within this time.
    type: int
    default: 60
extends_documentation_fragment:
  - ultramonkey.ha._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    support: full
seealso:
  - module: ultramonkey.ha.cluster_info
"""

EXAMPLES = r"""
- name: Move everything to lb2, and tell how long each address was without holder
  ultramonkey.ha.failover:
    to: lb2
  register: switchover

- name: Empty lb1 before its kernel is upgraded
  ultramonkey.ha.failover:
    away_from: lb1
    timeout: 120

- name: Move one group only
  ultramonkey.ha.failover:
    to: lb1
    groups:
      - 192.0.2.10/24/eth0
"""

RETURN = r"""
before:
  description: Group to the node that held it before, or null. Only the groups that were asked for.
  returned: success
  type: dict
  sample: {"192.0.2.10/24/eth0": "lb1"}
after:
  description:
    - Group to the node that holds it now. In check mode, or with O(wait=false), the node that would hold
      it; null where the daemon would choose.
  returned: success
  type: dict
  sample: {"192.0.2.10/24/eth0": "lb2"}
moved:
  description: What this run moved.
  returned: success
  type: list
  elements: dict
  contains:
    group:
      description: The group's key.
      type: str
    from:
      description: The node that held it.
      type: str
    to:
      description: The node that holds it now.
      type: str
    without_holder_ms:
      description: How long no node held the group, in milliseconds; null when nobody measured it.
      type: int
    phases_ms:
      description:
        - How long the parts of the move took in milliseconds, as the node that was asked saw it, until the
          old holder had granted it (C(grant)), until it had stopped the group (C(stop)), until the new one
          held it (C(start)). Null when it did not see all of it.
      type: dict
  sample:
    - group: 192.0.2.10/24/eth0
      from: lb1
      to: lb2
      without_holder_ms: 4
      phases_ms: {grant: 1, stop: 2, start: 2}
reason:
  description: Why something or nothing was done, as a sentence.
  returned: success
  type: str
  sample: moved 1 group to lb2
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ultramonkey.ha.plugins.module_utils import _hbctl, _patience

ARGUMENT_SPEC = dict(
    {**_hbctl.ARGUMENT_SPEC, **_patience.ARGUMENT_SPEC},
    to={"type": "str"},
    away_from={"type": "str"},
    groups={"type": "list", "elements": "str", "default": ["all"]},
    wait={"type": "bool", "default": True},
)

# Refusals that mean "not now": worth another look at whether the wanted state has come about.
_TRANSIENT = ("timeout", "group-failed", "start-failed", "target-not-ready", "not-active")


def selected(status, names):
    """The groups that were asked for. Raises HbctlError for a name the cluster does not have."""
    if names == ["all"]:
        return status["groups"]
    _hbctl.check_groups(status, names)
    return [group for group in status["groups"] if group["key"] in names]


def misplaced(groups, params):
    """The groups that are not where they shall be."""
    if params["to"]:
        return [group for group in groups if group["holder"] != params["to"]]
    return [group for group in groups if params["away_from"] in _involved(group)]


def _involved(group):
    """The nodes on which something of the group runs."""
    return [node for node, state in group["states"].items() if state not in ("idle", "failed")]


def in_transit(groups):
    """Whether a start or stop of one of the groups is under way somewhere."""
    return any(state in ("starting", "stopping") for group in groups for state in group["states"].values())


def holders(groups):
    """Group to holder."""
    return {group["key"]: group["holder"] for group in groups}


def target_for(status, group, params):
    """The node that is to hold the group; None to leave the choice to the daemon of this node."""
    if params["to"]:
        return params["to"]
    active = [
        node["name"]
        for node in status["nodes"]
        if node["state"] == "active" and not node.get("standby") and node["name"] != params["away_from"]
    ]
    if not active:
        raise _hbctl.HbctlError(
            f"no other node than {params['away_from']} is active: start heartbeat on another one first",
            code="no-other-node",
        )
    if params["away_from"] == status["node"]:
        return None
    # A node that could not start it before is asked only when there is no other, and then says why not.
    able = [name for name in active if group["states"].get(name) not in ("failed", "stuck")] or active
    return group["preferred"] if group["preferred"] in able else able[0]


def check_target(status, name):
    """Raise HbctlError when the daemon would refuse this target (check mode has only us to say so)."""
    node = next(node for node in status["nodes"] if node["name"] == name)
    state = "on standby" if node.get("standby") else node["state"]
    if state != "active":
        raise _hbctl.HbctlError(
            f"{name} is {state}: start heartbeat on {name}, or name another node", code="target-not-ready"
        )


def refuse_legacy(status):
    """Raise HbctlError where there are no planned moves (check mode has only us to say so)."""
    if status["config"]["auto_failback"] == "legacy":
        raise _hbctl.HbctlError(
            "auto_failback legacy keeps every group on its preferred node: "
            "set auto_failback to on or off in ha.cf",
            code="legacy",
        )


def refuse_what_cannot_move(groups, plan):
    """Raise HbctlError for a group that the daemon would not move (check mode has only us to say so)."""
    for group in groups:
        key, target = group["key"], plan[group["key"]]
        if group.get("maintenance"):
            raise _hbctl.HbctlError(
                f"{key} is under maintenance, where nothing moves: switch it off when the work is done",
                code="maintenance",
            )
        if target and group["states"].get(target) == "failed":
            raise _hbctl.HbctlError(
                f"{target} could not start {key} before: "
                f"mend it on {target}, then run ultramonkey.ha.cleanup there",
                code="target-failed",
            )


def ensure(hbctl, params, check_mode=False, patience=None):
    """Bring the wanted state about; the module's answer."""
    patience = patience or _patience.Patience(params["timeout"])
    status = hbctl.status()
    _hbctl.find_node(status, params["to"] or params["away_from"])
    groups = selected(status, params["groups"])
    before = holders(groups)
    wrong = misplaced(groups, params)
    if not wrong:
        where = f"on {params['to']}" if params["to"] else f"away from {params['away_from']}"
        return _result(before, before, [], f"everything is {where} already", changed=False)
    plan = {group["key"]: target_for(status, group, params) for group in wrong}
    after = {**before, **plan}
    if check_mode:
        refuse_legacy(status)
        refuse_what_cannot_move(wrong, plan)
        for target in filter(None, plan.values()):
            check_target(status, target)
        return _result(before, after, _planned(plan, before), _reason(plan, "would move"))
    moved = _carry_out(hbctl, params, plan, patience)
    if not params["wait"]:
        return _result(before, after, moved, _reason(plan, "began to move"))
    patience.wait(lambda: _unsettled(hbctl, params, list(plan), patience.timeout_s))
    after = {**before, **holders(selected(hbctl.status(), list(plan)))}
    # Run on all nodes at once, one of them acts; the others find what they wanted.
    reason = _reason(plan, "moved" if moved else "another request moved")
    return _result(before, after, moved, reason, changed=bool(moved))


def _carry_out(hbctl, params, plan, patience):
    """Ask for the moves, one request for each target. Returns what the daemon says it moved."""
    by_target = {}
    for key, target in plan.items():
        by_target.setdefault(target, []).append(key)
    moved = []
    for target, keys in by_target.items():
        try:
            result = hbctl.move(keys, target, timeout_s=patience.left_s, wait=params["wait"])
        except _hbctl.HbctlError as error:
            # Run on all nodes at once, the module asks several times for the same. The first request wins;
            # the others may be refused while it is under way, and find its result.
            if error.code not in _TRANSIENT or not _comes_about(hbctl, params, keys, patience):
                raise
            continue
        moved += result["moved"]
        _refuse_failures(result["failed"], moved)
    return moved


def _refuse_failures(failed, moved):
    """Raise HbctlError when the daemon carried the request out only in part."""
    if failed:
        raise _hbctl.HbctlError(
            "; ".join(f"{one['group']}: {one['message']}" for one in failed),
            code=failed[0]["code"],
            moved=moved,
        )


def _comes_about(hbctl, params, keys, patience):
    """Whether the wanted state is there, or comes by what is already under way."""
    while True:
        groups = selected(hbctl.status(), keys)
        if not misplaced(groups, params):
            return True
        if not in_transit(groups) or patience.is_over:
            return False
        patience.pause()


def _unsettled(hbctl, params, keys, timeout_s):
    """The refusal while one of these groups is not held as wanted; else None."""
    groups = selected(hbctl.status(), keys)
    wrong = misplaced(groups, params) or [group for group in groups if not group["holder"]]
    if not wrong:
        return None
    where = ", ".join(f"{group['key']} is on {group['holder'] or 'no node'}" for group in wrong)
    return _hbctl.HbctlError(
        f"after {timeout_s} s these groups are not where they shall be: {where}",
        code="timeout",
        after=holders(groups),
    )


def _planned(plan, before):
    return [
        {
            "group": key,
            "from": before[key],
            "to": target,
            "without_holder_ms": None,
            "phases_ms": None,
        }
        for key, target in plan.items()
    ]


def _reason(plan, verb):
    targets = sorted({target or "another node" for target in plan.values()})
    return f"{verb} {len(plan)} group{'s' if len(plan) > 1 else ''} to {' and '.join(targets)}"


def _result(before, after, moved, reason, changed=True):
    return {
        "changed": changed,
        "before": before,
        "after": after,
        "moved": moved,
        "reason": reason,
        "diff": {"before": {"holders": before}, "after": {"holders": after}},
    }


def main():
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        mutually_exclusive=[("to", "away_from")],
        required_one_of=[("to", "away_from")],
        supports_check_mode=True,
    )
    _hbctl.answer(module, lambda hbctl: ensure(hbctl, module.params, check_mode=module.check_mode))


if __name__ == "__main__":
    main()
