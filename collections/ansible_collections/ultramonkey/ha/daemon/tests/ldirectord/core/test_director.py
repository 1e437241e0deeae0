"""What the table should say, told as stories."""

from __future__ import annotations

import pytest
from names import Names
from ultramonkey_ldirectord.config.configuration import parse
from ultramonkey_ldirectord.config.model import Forward
from ultramonkey_ldirectord.core.changes import applied, changes
from ultramonkey_ldirectord.core.director import Director
from ultramonkey_ldirectord.core.health import Health, Wish
from ultramonkey_ldirectord.core.table import Entry, Server, ServerKey, service_of

A, B = ServerKey("192.0.2.1", 80), ServerKey("192.0.2.2", 80)
FALLBACK = ServerKey("127.0.0.1", 80)
LINES = (
    "quiescent=no\nvirtual=192.0.2.100:80\n\treal=192.0.2.1:80 gate 5\n\treal=192.0.2.2:80 gate 7 l:1 u:9\n"
)


def director(more="", previous=None, lines=LINES):
    text = lines + "".join(f"\t{line}\n" for line in more.splitlines())
    loaded = parse(text, "ld.cf", Names())
    assert loaded.configuration is not None, loaded.problems
    return Director(loaded.configuration, previous)


def key(one):
    return next(iter(one.keys))


def servers(one):
    return {str(k): s.weight for k, s in one.wanted()[key(one)].servers.items()}


def say(one, address, *, ok, times=1, now=0):
    news = []
    for _ in range(times):
        for probe in one.probes:
            if probe.address == address:
                news += one.verdict(probe, now, "said so", ok=ok)
    return [(str(n.server), n.health.value, n.changed) for n in news]


def kernel(one, **weights):
    """The kernel's table with these servers: a=5, b=0, ..."""
    places = {"a": A, "b": B, "f": FALLBACK}
    virtual = one.configuration.virtuals[0]
    entry = {places[name]: Server(Forward.GATE, weight) for name, weight in weights.items()}
    return {virtual.key: Entry(service_of(virtual), entry)}


def test_a_server_enters_at_its_first_good_check_with_its_weight_and_thresholds():
    one = director("risecount=3")
    assert servers(one) == {}
    assert say(one, "192.0.2.2", ok=True) == [("192.0.2.2:80", "up", True)]
    assert one.wanted()[key(one)].servers == {B: Server(Forward.GATE, 7, 1, 9)}


def test_a_server_leaves_after_failurecount_failures_in_a_row():
    one = director("failurecount=3")
    say(one, "192.0.2.1", ok=True)
    assert say(one, "192.0.2.1", ok=False, times=2) == [("192.0.2.1:80", "up", False)] * 2
    assert say(one, "192.0.2.1", ok=True) == [("192.0.2.1:80", "up", False)]
    assert say(one, "192.0.2.1", ok=False, times=2)
    assert servers(one) == {"192.0.2.1:80": 5}
    assert say(one, "192.0.2.1", ok=False) == [("192.0.2.1:80", "down", True)]
    assert servers(one) == {}


def test_a_server_that_was_down_returns_after_risecount_good_checks():
    one = director("risecount=2")
    say(one, "192.0.2.1", ok=False)
    assert say(one, "192.0.2.1", ok=True) == []
    assert say(one, "192.0.2.1", ok=True) == [("192.0.2.1:80", "up", True)]


def test_a_quiescent_service_keeps_what_is_down_with_weight_0():
    one = director("quiescent=yes")
    say(one, "192.0.2.1", ok=False)
    # The other one is not known yet.
    assert servers(one) == {"192.0.2.1:80": 0}
    assert one.wanted()[key(one)].servers[A] == Server(Forward.GATE, 0)


def test_the_fallback_is_there_exactly_while_no_server_takes_connections():
    one = director("fallback=127.0.0.1\nquiescent=yes")
    assert servers(one) == {"127.0.0.1:80": 1}
    say(one, "192.0.2.1", ok=True)
    assert servers(one) == {"192.0.2.1:80": 5}
    assert not one.on_fallback(key(one))
    say(one, "192.0.2.1", ok=False)
    assert servers(one) == {"192.0.2.1:80": 0, "127.0.0.1:80": 1}
    assert one.on_fallback(key(one))


def test_what_the_kernel_has_already_keeps_its_place_until_it_is_judged():
    one = director("failurecount=2\nfallback=127.0.0.1")
    one.adopt(kernel(one, a=3, f=1))
    assert servers(one) == {"192.0.2.1:80": 3}
    say(one, "192.0.2.1", ok=False)
    assert servers(one) == {"192.0.2.1:80": 3}
    say(one, "192.0.2.1", ok=False)
    assert servers(one) == {"127.0.0.1:80": 1}


def test_what_was_quiescent_in_the_kernel_stays_so_until_it_is_judged():
    one = director("quiescent=yes\nfailurecount=9")
    one.adopt(kernel(one, a=0))
    assert servers(one) == {"192.0.2.1:80": 0}
    say(one, "192.0.2.1", ok=True)
    assert servers(one) == {"192.0.2.1:80": 5}


@pytest.mark.parametrize(("quiescent", "left"), [("no", {}), ("yes", {"192.0.2.1:80": 0})])
def test_maintenance_is_like_being_down_whatever_checks_say(quiescent, left):
    one = director(f"quiescent={quiescent}")
    say(one, "192.0.2.1", ok=True)
    one.wish((key(one), A), Wish.MAINTENANCE)
    say(one, "192.0.2.1", ok=True)
    assert servers(one) == left
    one.wish((key(one), A), Wish.NORMAL)
    assert servers(one) == {"192.0.2.1:80": 5}


def test_a_file_in_the_maintenance_directory_is_news_once():
    one = director()
    say(one, "192.0.2.1", ok=True)
    target = (key(one), A)
    assert one.file([target]) == [target]
    assert one.file([target]) == []
    assert servers(one) == {}
    assert one.file([]) == [target]
    assert servers(one) == {"192.0.2.1:80": 5}


def test_draining_keeps_a_server_with_weight_0_and_calls_the_fallback():
    one = director("fallback=127.0.0.1")
    say(one, "192.0.2.1", ok=True)
    one.wish((key(one), A), Wish.DRAIN)
    assert servers(one) == {"192.0.2.1:80": 0, "127.0.0.1:80": 1}


def test_a_weight_can_be_changed_and_given_back():
    one = director()
    say(one, "192.0.2.1", ok=True)
    one.wish((key(one), A), weight=2)
    assert servers(one) == {"192.0.2.1:80": 2}
    one.wish((key(one), A), weight=-1)
    assert servers(one) == {"192.0.2.1:80": 5}


def test_checktype_on_uses_servers_unasked_and_off_never():
    assert servers(director("checktype=on")) == {"192.0.2.1:80": 5, "192.0.2.2:80": 7}
    assert servers(director("checktype=off\nfallback=127.0.0.1")) == {}
    assert director("checktype=on").probes == {}


def test_a_reload_keeps_what_is_known_and_checks_what_is_new():
    one = director()
    say(one, "192.0.2.1", ok=True)
    say(one, "192.0.2.2", ok=False)
    one.wish((key(one), A), weight=2)
    again = director(previous=one, lines=LINES + "\treal=192.0.2.3:80 gate\n")
    assert servers(again) == {"192.0.2.1:80": 2}
    assert again.states[key(again), B].health is Health.DOWN
    assert again.undecided == 1


def test_one_check_serves_all_services_that_would_ask_the_same():
    two = LINES + "\nvirtual=192.0.2.101:80\n\treal=192.0.2.1:80 gate 9\n\tfailurecount=2\n"
    one = director(lines=two)
    assert len(one.probes) == 2
    assert len(say(one, "192.0.2.1", ok=True)) == 2
    # Each service counts for itself.
    assert [changed for *_, changed in say(one, "192.0.2.1", ok=False)] == [True, False]


def test_checks_that_differ_in_a_password_are_two():
    two = f'{LINES}\tpasswd="a"\n\nvirtual=192.0.2.101:80\n\treal=192.0.2.1:80 gate\n\tpasswd="b"\n'
    assert len(director(lines=two).probes) == 3


def test_an_answer_is_there_when_each_service_has_a_server_or_is_judged():
    one = director()
    assert not one.has_answer()
    say(one, "192.0.2.1", ok=False)
    assert not one.has_answer()
    say(one, "192.0.2.2", ok=False)
    assert one.has_answer()
    assert one.undecided == 0


def test_a_server_is_found_by_the_port_that_is_written_or_used():
    one = director(lines="quiescent=no\nvirtual=192.0.2.100:80\n\treal=192.0.2.1:8080 gate\n")
    assert one.targets("192.0.2.1", 8080) == one.targets("192.0.2.1", 80) == one.targets("192.0.2.1")
    assert one.targets("192.0.2.1", 81) == one.targets("192.0.2.9") == []


def test_a_server_of_the_kernel_s_own_is_not_changed_for_ever():
    """The kernel shows one of its own addresses as local, whatever the method it was added with."""
    one = director()
    say(one, "192.0.2.1", ok=True)
    wanted = one.wanted()
    shown = {key(one): Entry(wanted[key(one)].service, {A: Server(None, 5)})}
    assert changes(shown, wanted) == []
    assert applied(shown, []) == shown
