"""The kernel's table of virtual services: over netlink, and its twins for tests and rehearsals."""
