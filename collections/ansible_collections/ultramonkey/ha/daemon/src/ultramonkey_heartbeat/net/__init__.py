"""Addresses, interfaces and announcements: the edge to the kernel's network."""
