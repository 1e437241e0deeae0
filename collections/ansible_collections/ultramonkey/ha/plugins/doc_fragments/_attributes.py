from __future__ import annotations


class ModuleDocFragment:
    """What the modules of this collection have in common, documented once."""

    DOCUMENTATION = r"""
options:
  executable:
    description:
      - The C(hbctl) command of the node.
      - A name without slash is searched for in C(PATH) and C(/usr/sbin).
    type: path
    default: hbctl
attributes:
  check_mode:
    description: Can run in C(check_mode) and tell what would change without changing it.
  diff_mode:
    description: Returns what has changed (or, in C(check_mode), would change) when in C(diff) mode.
  platform:
    description: Target operating system.
    platforms: linux
requirements:
  - A running C(heartbeatd) on the node, as the role P(ultramonkey.ha.heartbeat#role) installs it.
author:
  - The ultramonkey.ha contributors (!UNKNOWN)
"""
