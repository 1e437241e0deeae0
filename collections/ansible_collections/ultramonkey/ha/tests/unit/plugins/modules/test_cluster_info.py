"""What cluster_info makes of a status."""

from __future__ import annotations

import json

from ansible_collections.ultramonkey.ha.plugins.module_utils._hbctl import Hbctl
from ansible_collections.ultramonkey.ha.plugins.modules import cluster_info as module
from ansible_collections.ultramonkey.ha.plugins.modules.cluster_info import cluster_info


def test_the_answer_holds_the_status_and_its_conclusions(golden, documented):
    answer = golden("status-two-nodes")
    hbctl = Hbctl(lambda _argv: (0, json.dumps(answer), ""))
    documented(module, cluster_info(hbctl))
    assert cluster_info(hbctl) == {
        "changed": False,
        "healthy": True,
        "problems": [],
        "holders": {"192.0.2.10/24/eth0": "lb1"},
        "status": answer["result"],
    }
