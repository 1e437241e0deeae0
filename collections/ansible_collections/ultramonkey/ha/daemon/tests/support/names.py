"""A resolver for tests: knows a few names, and asks nobody."""

from __future__ import annotations

HOSTS = {
    ("web1", 4): "192.0.2.1",
    ("web3", 4): "192.0.2.3",
    ("web1", 6): "2001:db8::1",
    ("localhost", 4): "127.0.0.1",
}
PORTS = {"http": 80, "domain": 53, "https": 443}


class Names:
    """What /etc/hosts and /etc/services are elsewhere."""

    def address(self, name, version):
        return HOSTS.get((name, version))

    def port(self, name, protocol):
        return PORTS.get(name)
