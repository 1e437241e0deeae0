"""From one table to another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from ultramonkey_ldirectord.config.model import Forward, ServiceKey
from ultramonkey_ldirectord.core.changes import Verb, applied, changes
from ultramonkey_ldirectord.core.phrases import change
from ultramonkey_ldirectord.core.table import Entry, Server, ServerKey, Service

KEYS = [
    ServiceKey(4, "tcp", "192.0.2.100", 80),
    ServiceKey(4, mark=1),
    ServiceKey(6, "udp", "2001:db8::9", 53),
]
SERVERS = [ServerKey(f"192.0.2.{number}", 80) for number in range(4)]

services = st.builds(Service, st.sampled_from(["rr", "wlc"]), st.sampled_from([0, 1]))
server = st.builds(
    Server, st.sampled_from(list(Forward)), st.integers(0, 3), st.integers(0, 1), st.integers(1, 2)
)
entries = st.builds(Entry, services, st.dictionaries(st.sampled_from(SERVERS), server))
tables = st.dictionaries(st.sampled_from(KEYS), entries)


@given(tables, tables, st.sets(st.sampled_from(KEYS)))
def test_the_changes_lead_to_what_is_wanted_and_leave_foreign_services_alone(found, wanted, owned):
    steps = changes(found, wanted, owned)
    after = applied(found, steps)
    assert {key: after[key] for key in wanted} == wanted
    left = {key: entry for key, entry in found.items() if key not in wanted and key not in owned}
    assert {key: entry for key, entry in after.items() if key not in wanted} == left
    assert changes(after, wanted, owned) == []


@given(tables, tables)
def test_between_two_steps_a_service_never_lacks_a_server_that_it_had_and_will_have(found, wanted):
    steps = changes(found, wanted)

    def serving(table):
        return {key for key, entry in table.items() if any(s.weight for s in entry.servers.values())}

    always = serving(found) & serving(wanted)
    for end in range(len(steps) + 1):
        assert always <= serving(applied(found, steps[:end]))


def test_the_log_says_each_change_in_the_words_of_the_original():
    key, place = KEYS[0], SERVERS[1]
    service = Service("rr")
    full, quiet = Server(Forward.GATE, 5), Server(Forward.GATE, 0)

    def said(before, after):
        steps = changes(before, after, [key])
        return [change(step, None) for step in steps]

    none, empty = {}, {key: Entry(service, {})}
    assert said(none, {key: Entry(service, {place: full})}) == [
        "Added virtual server: 192.0.2.100:80",
        "Added real server: 192.0.2.1:80 (192.0.2.100:80) (Weight set to 5)",
    ]
    assert said({key: Entry(service, {place: full})}, {key: Entry(service, {place: quiet})}) == [
        "Quiescent real server: 192.0.2.1:80 (192.0.2.100:80) (Weight set to 0)"
    ]
    assert said({key: Entry(service, {place: quiet})}, {key: Entry(service, {place: full})}) == [
        "Restored real server: 192.0.2.1:80 (192.0.2.100:80) (Weight set to 5)"
    ]
    assert said({key: Entry(service, {place: full})}, empty) == [
        "Deleted real server: 192.0.2.1:80 (192.0.2.100:80)"
    ]
    assert said(empty, {key: Entry(Service("wlc"), {})}) == ["Changed virtual server: 192.0.2.100:80"]
    assert said(empty, none) == ["Purged virtual server: 192.0.2.100:80"]
    assert [step.verb for step in changes(empty, none)] == []
    assert Verb.REMOVE_SERVICE in [step.verb for step in changes(empty, none, [key])]
