"""A heartbeat daemon: keeps addresses and services alive on Linux, as Linux-HA heartbeat did."""

__version__ = "0.1.0"
