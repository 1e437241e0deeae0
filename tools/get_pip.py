"""Puts pip into an environment of ansible-test, from the interpreter's own ensurepip.

ansible-test makes its environments without pip, and runs a script of this name in them, which it would
otherwise download. What else it is asked for (a version of pip) comes from the package index as usual.
"""

from __future__ import annotations

import os
import subprocess
import sys

if __name__ == "__main__":
    # What asks for this script to be downloaded must not ask again.
    os.environ.pop("GET_PIP", None)
    wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
    python = [sys.executable, "-m"]
    subprocess.check_call([*python, "ensurepip", "--default-pip"], stdout=subprocess.DEVNULL)
    subprocess.check_call([*python, "pip", "install", "--quiet", *wanted])
