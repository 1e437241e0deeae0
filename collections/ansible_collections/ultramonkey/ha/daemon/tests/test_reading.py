"""The name of this machine, and where it comes from."""

from __future__ import annotations

import os

import pytest
from ultramonkey_heartbeat.reading import node_name


@pytest.mark.parametrize(
    ("nodeinfo", "name"),
    [
        (None, None),
        ("", None),
        ("\n", None),
        # As heartbeat 3.0.6, which reads whole lines.
        ("web1", None),
        ("web1\n", "web1"),
        (" Web1.Example.com\t\nanother\n", "web1.example.com"),
        ("web1\r\n", "web1"),
    ],
)
def test_nodeinfo_names_this_machine_and_else_the_kernel_does(tmp_path, nodeinfo, name):
    if nodeinfo is not None:
        (tmp_path / "nodeinfo").write_text(nodeinfo, encoding="utf-8", newline="")
    assert node_name(tmp_path) == (name or os.uname().nodename.lower())


def test_without_a_directory_the_kernel_names_it():
    assert node_name() == os.uname().nodename.lower()
