"""The resource that swaps the synchronization daemon, over a kernel that only writes down."""

from __future__ import annotations

import pytest
from sync_kernel import Kernel
from ultramonkey_heartbeat.config.sync_daemon import SyncDaemon
from ultramonkey_ldirectord.cli import sync_daemon


@pytest.fixture(autouse=True)
def settings(tmp_path, monkeypatch):
    path = tmp_path / "settings"
    path.write_text('# where\nINTERFACE="eth1" # the link between directors\nSYNC_ID=7\n')
    monkeypatch.setattr(sync_daemon.main, "__defaults__", (None, None, path))
    return path


@pytest.mark.parametrize(
    ("running", "words", "done"),
    [
        ((), "master start", ["start master eth1 7"]),
        # In this order: a node that runs both does not direct.
        (("backup",), "master start", ["stop backup eth1 7", "start master eth1 7"]),
        (("master",), "master start", []),
        (("master",), "master stop", ["stop master eth1 7", "start backup eth1 7"]),
        (("backup",), "master stop", []),
        (("master", "backup"), "master start", ["stop backup eth1 7"]),
    ],
)
def test_the_daemons_are_swapped_in_the_right_order(running, words, done):
    kernel = Kernel(*running)
    assert sync_daemon.main(words.split(), kernel) == 0
    assert kernel.done == done


def test_interface_and_id_may_be_words_of_the_resource():
    kernel = Kernel()
    assert sync_daemon.main(["master", "eth2", "9", "start"], kernel) == 0
    assert kernel.running == [SyncDaemon("master", "eth2", 9)]


def test_status_is_that_of_lsb(capsys):
    assert sync_daemon.main(["master", "status"], Kernel("backup")) == 3
    assert sync_daemon.main(["master", "status"], Kernel("master")) == 0
    assert capsys.readouterr().out == "master stopped\nmaster running\n"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("INTERFACE=an-interface-of-that-name\n", "interface"),
        ("INTERFACE=eth1\nSYNC_ID=256\n", "SYNC_ID 256 is not a number from 0 to 255"),
    ],
)
def test_settings_that_cannot_be_used_change_nothing(settings, capsys, text, error):
    settings.write_text(text)
    kernel = Kernel("backup")
    assert sync_daemon.main(["master", "start"], kernel) == 1
    assert kernel.done == []
    assert error in capsys.readouterr().err


def test_wrong_usage_is_explained(capsys):
    assert sync_daemon.main(["both", "start"], Kernel()) == 2
    assert (
        "usage: LVSSyncDaemonSwap master|backup [INTERFACE] [SYNC_ID] start|stop|status"
        in capsys.readouterr().err
    )
