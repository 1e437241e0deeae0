"""What a reload takes over, and what it says it cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ultramonkey_heartbeat.config.model import (
    AuthKey,
    AuthKeys,
    AutoFailback,
    BroadcastLink,
    Configuration,
    Group,
    HaCf,
    Logging,
    Resource,
)
from ultramonkey_heartbeat.core.changes import compare

WEB = Group("web", "lb1", (Resource("web", (), "web"),), line=1)
HA = HaCf(("lb1", "lb2"), (BroadcastLink("eth0", 694),), auto_failback=AutoFailback.OFF)
OLD = Configuration("lb1", HA, (WEB,), AuthKeys(1, (AuthKey(1, "sha1", b"secret"),)), "d1")
LONGER = replace(WEB, resources=(*WEB.resources, Resource("db", (), "db")))


@pytest.mark.parametrize(
    ("ha", "groups", "live", "obstacle"),
    [
        ({}, (WEB,), (), None),
        ({}, (replace(WEB, line=7),), (), None),
        ({"keepalive_ms": 200, "deadtime_ms": 900}, (WEB,), ("keepalive", "deadtime"), None),
        ({"auto_failback": AutoFailback.ON}, (WEB,), ("auto_failback",), None),
        ({"auto_failback": AutoFailback.LEGACY}, (WEB,), ("auto_failback",), "from or to legacy"),
        ({"generation_from_time": True}, (WEB,), (), None),
        ({"nodes": ("lb1", "lb2", "lb3")}, (WEB,), (), "the nodes have changed"),
        ({"links": ()}, (WEB,), (), "the links have changed"),
        ({"logging": Logging("/var/log/x")}, (WEB,), (), "where to log has changed"),
        ({"watchdog": "/dev/watchdog"}, (WEB,), (), "watchdog has changed"),
        ({}, (), ("groups",), None),
        ({}, (replace(WEB, preferred="lb2"),), ("groups",), None),
        ({}, (LONGER,), ("groups",), "web runs here and has other resources now"),
    ],
)
def test_a_change(ha, groups, live, obstacle):
    changes = compare(OLD, replace(OLD, ha=replace(HA, **ha), groups=groups), ["web"], old_peer=False)
    assert changes.live == live
    if obstacle is None:
        assert changes.obstacles == ()
    else:
        [told] = changes.obstacles
        assert obstacle in told


def test_other_resources_are_no_obstacle_where_the_group_does_not_run():
    assert compare(OLD, replace(OLD, groups=(LONGER,)), [], old_peer=False).obstacles == ()


def test_an_armed_watchdog_goes_by_the_deadtime_of_the_start():
    old = replace(OLD, ha=replace(HA, watchdog="/dev/watchdog"))
    changes = compare(old, replace(old, ha=replace(old.ha, deadtime_ms=900)), [], old_peer=False)
    assert changes.obstacles


def test_with_a_3_0_6_nothing_is_changed_on_one_side_only():
    new = replace(OLD, groups=())
    assert compare(OLD, new, [], old_peer=True).obstacles == ("a heartbeat 3.0.6 lives",)
    assert compare(OLD, OLD, [], old_peer=True).obstacles == ()
