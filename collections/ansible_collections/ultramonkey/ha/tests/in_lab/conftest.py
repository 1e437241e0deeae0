"""Clusters in the laboratory, deployed once for each test module."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lab import Lab
from lab.cluster import PACKAGES, Cluster

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[5]


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.root)


@pytest.fixture(scope="session")
def payload():
    """What the role deploys, built from the sources that are there now."""
    if os.geteuid() != 0:
        pytest.skip("the laboratory needs root")
    subprocess.run([sys.executable, str(REPOSITORY / "tools/build")], check=True)


@pytest.fixture(scope="module")
def make_cluster(payload):
    """A maker of clusters, at most one a module, taken down at its end."""
    labs = []

    def make(**options):
        lab = Lab(packages=PACKAGES, **options)
        labs.append(lab)
        return Cluster(lab.__enter__())

    yield make
    for lab in labs:
        lab.close()
