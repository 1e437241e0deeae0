"""The laboratory's networks: one bridge each, in documentation address ranges."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network


@dataclass(frozen=True)
class Network:
    """One Ethernet segment. Host number n has the n-th address of each range on it."""

    name: str
    ipv4: IPv4Network
    ipv6: IPv6Network

    @property
    def bridge(self) -> str:
        """The bridge's interface name inside the laboratory."""
        return f"br-{self.name}"

    def addresses(self, number: int) -> tuple[str, str]:
        """Addresses with prefix length of the host with this number."""
        return (
            f"{self.ipv4[number]}/{self.ipv4.prefixlen}",
            f"{self.ipv6[number]}/{self.ipv6.prefixlen}",
        )


# The names that `Lab(networks=...)` takes, in the usual order: eth0 is the first, eth1 the second ...
KNOWN = {
    "lan": Network("lan", IPv4Network("192.0.2.0/24"), IPv6Network("2001:db8:1::/64")),
    "hb": Network("hb", IPv4Network("198.51.100.0/24"), IPv6Network("2001:db8:2::/64")),
    "hb2": Network("hb2", IPv4Network("203.0.113.0/24"), IPv6Network("2001:db8:3::/64")),
}


def mac(network_index: int, number: int) -> str:
    """A fixed, locally administered address: a new one after a reboot would meet stale ARP entries."""
    return f"02:00:5e:00:{network_index:02x}:{number:02x}"
