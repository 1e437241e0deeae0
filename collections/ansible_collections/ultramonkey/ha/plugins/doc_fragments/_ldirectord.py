from __future__ import annotations


class ModuleDocFragment:
    """What the modules for ldirectord have in common, documented once."""

    DOCUMENTATION = r"""
options:
  executable:
    description:
      - The C(ldirectord) command of the node.
      - A name without slash is searched for in C(PATH) and C(/usr/sbin).
    type: path
    default: ldirectord
  configuration:
    description: The configuration file. One file has one daemon.
    type: path
    default: /etc/ha.d/ldirectord.cf
attributes:
  check_mode:
    description: Can run in C(check_mode) and tell what would change without changing it.
  diff_mode:
    description: Returns what has changed (or, in C(check_mode), would change) when in C(diff) mode.
  platform:
    description: Target operating system.
    platforms: linux
requirements:
  - The native C(ldirectord) on the node, as the role P(ultramonkey.ha.ldirectord#role) installs it.
author:
  - The ultramonkey.ha contributors (!UNKNOWN)
"""
