"""What files say, as data; and the data make files that say the same."""

from __future__ import annotations

import json

import pytest
from ultramonkey_heartbeat.config.as_data import as_data, digest_of_key, ring_as_data
from ultramonkey_heartbeat.config.configuration import assemble
from ultramonkey_heartbeat.config.data import from_data
from ultramonkey_heartbeat.config.key_ring import KeyRingError, add_key, remove_key, use_key
from ultramonkey_heartbeat.config.model import AuthKey, AuthKeys

HA_CF = """\
# as people write it
keepalive 500ms
deadtime 5
udpport 1694
bcast eth1
ucast eth0 192.0.2.1
mcast eth2 225.0.0.1 694 1 0
serial /dev/ttyS0
baud 9600
auto_failback off
debug 1
respawn root /usr/lib/thing -a -b
respawn root /usr/lib/other
node lb1 LB2
"""
HARESOURCES = "lb1 192.0.2.10/24/eth0 \\\n  web::a::b\nlb2 192.0.2.11\n"
SECRET = "0123456789abcdef0123456789abcdef"
AUTHKEYS = f"auth 1\n1 sha1 {SECRET}\n2 sha256 {SECRET}x\n"
DATA = {
    "nodes": ["lb1", "lb2"],
    "links": [
        {"type": "bcast", "interface": "eth1", "port": 1694},
        {"type": "ucast", "interface": "eth0", "address": "192.0.2.1", "port": 1694},
        {"type": "mcast", "interface": "eth2", "group": "225.0.0.1", "port": 694, "ttl": 1, "loop": False},
        {"type": "serial", "device": "/dev/ttyS0", "baud": 9600},
    ],
    "keepalive": "500ms",
    "deadtime": "5",
    "auto_failback": "off",
    "directives": {"debug": "1", "respawn": ["root /usr/lib/thing -a -b", "root /usr/lib/other"]},
    "groups": [
        {"node": "lb1", "resources": ["192.0.2.10/24/eth0", "web::a::b"]},
        {"node": "lb2", "resources": ["192.0.2.11"]},
    ],
}
RING = AuthKeys(1, (AuthKey(1, "sha256", b"a-secret-of-sixteen"),))
KEY_2 = AuthKey(2, "sha256", b"another-secret-of-16")


def told():
    configuration = assemble(HA_CF, HARESOURCES, AUTHKEYS, 0o600, "lb1").required()
    return configuration, as_data(HA_CF, configuration.groups, configuration.authkeys)


def test_the_data_say_what_the_files_say():
    _, data = told()
    ring = data.pop("authkeys")
    assert data == DATA
    assert (ring["current"], [(k["index"], k["method"]) for k in ring["keys"]]) == (
        1,
        [(1, "sha1"), (2, "sha256")],
    )
    assert SECRET not in json.dumps(data) + json.dumps(ring)


def test_files_made_of_the_data_mean_the_same():
    configuration, data = told()
    data["authkeys"] = {"current": 1, "keys": [{"index": 1, "method": "sha1", "key": SECRET}]}
    texts, problems = from_data(data)
    assert problems == []
    again = assemble(texts["ha.cf"], texts["haresources"], texts["authkeys"], 0o600, "lb1").required()
    assert (again.ha, again.digest) == (configuration.ha, configuration.digest)


def test_digests_tell_keys_apart_and_not_what_they_are():
    assert ring_as_data(RING) == ring_as_data(AuthKeys(1, RING.keys))
    assert ring_as_data(RING)["digest"] != ring_as_data(add_key(RING, KEY_2))["digest"]
    assert digest_of_key(KEY_2) != digest_of_key(AuthKey(3, KEY_2.method, KEY_2.secret))


def test_a_key_is_changed_in_three_steps():
    both = add_key(RING, KEY_2)
    assert both.current == 1
    assert remove_key(use_key(both, 2), 1) == AuthKeys(2, (KEY_2,))
    assert add_key(None, KEY_2) == AuthKeys(2, (KEY_2,))


def test_a_step_that_was_made_changes_nothing():
    both = add_key(RING, KEY_2)
    assert add_key(both, KEY_2) == both
    assert use_key(both, 1) == both
    assert remove_key(RING, 7) == RING
    assert remove_key(None, 7) is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda: add_key(RING, AuthKey(1, "sha256", b"something-else-quite")), "key-exists"),
        (lambda: use_key(RING, 2), "no-such-key"),
        (lambda: use_key(None, 1), "no-such-key"),
        (lambda: remove_key(RING, 1), "key-in-use"),
        (lambda: add_key(RING, AuthKey(16, "sha256", b"something-else-quite")), "bad-request"),
        (lambda: add_key(RING, AuthKey(2, "crc", b"something-else-quite")), "bad-request"),
        (lambda: add_key(RING, AuthKey(2, "sha256", b"short")), "bad-request"),
        (lambda: add_key(RING, AuthKey(2, "sha256", b"two words of some length")), "bad-request"),
    ],
)
def test_what_cannot_be_is_refused_without_telling_a_key(change, code):
    with pytest.raises(KeyRingError) as raised:
        change()
    assert raised.value.code == code
    assert "secret" not in str(raised.value)
    assert "something" not in str(raised.value)
