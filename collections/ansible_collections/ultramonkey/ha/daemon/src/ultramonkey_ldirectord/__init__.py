"""ldirectord: watches real servers and keeps the kernel's table of virtual services (IPVS) right."""

from ultramonkey_heartbeat import __version__

__all__ = ["__version__"]
