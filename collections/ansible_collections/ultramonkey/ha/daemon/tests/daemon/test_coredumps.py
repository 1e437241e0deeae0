"""`coredumps`: the limit that the kernel holds a real process to."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
from ultramonkey_heartbeat.daemon.service import allow_core_dumps
soft, hard, wanted = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
print(allow_core_dumps(wanted=bool(wanted)), resource.getrlimit(resource.RLIMIT_CORE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "said"),
    [
        (0, 4096, 1, "None (4096, 4096)"),
        (4096, 4096, 0, "None (0, 4096)"),
        (0, 0, 1, "the hard limit is 0; set LimitCORE in the service (0, 0)"),
    ],
)
def test_the_limit_is_raised_as_far_as_it_goes_or_taken_to_nothing(soft, hard, wanted, said):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    words = [sys.executable, "-c", PROGRAM, str(soft), str(hard), str(wanted)]
    assert (
        subprocess.run(words, env=environment, check=True, capture_output=True, text=True).stdout
        == f"{said}\n"
    )
