"""A laboratory: machines made of namespaces on one bridge, to deploy to, to cut off and to kill.

    with Lab(nodes=("lb1", "lb2"), client=True) as lab:
        lab.host("lb1").run(["ip", "address"])
        lab.host("lb1").kill()      # power loss
        lab.host("lb1").boot()      # the same disk, a new boot

Needs root, util-linux and iproute2; nothing of it is visible on the machine, and nothing is left behind.
"""

from .errors import LabError
from .host import Host
from .lab import Lab
from .network import Network

__all__ = ["Host", "Lab", "LabError", "Network"]
