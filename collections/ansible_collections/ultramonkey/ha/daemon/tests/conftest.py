"""What all of the daemon's tests share."""

from __future__ import annotations

from hypothesis import settings

# How long one example takes says something of the machine's other work, not of the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
