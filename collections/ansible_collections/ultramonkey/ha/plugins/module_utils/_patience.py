"""Private to this collection: waiting with an end."""

from __future__ import annotations

import time

# Somebody else may be changing the same thing; we look again this often.
POLL_S = 0.2

ARGUMENT_SPEC = {"timeout": {"type": "int", "default": 60}}


class Patience:
    """How long something may take. The clock is injected, so that tests need not wait."""

    def __init__(self, timeout_s, clock=time.monotonic, sleep=time.sleep):
        self.timeout_s = timeout_s
        self._deadline = clock() + timeout_s
        self._clock = clock
        self._sleep = sleep

    @property
    def left_s(self):
        """Whole seconds left, at least one: what a request may still take."""
        return max(1, int(self._deadline - self._clock()))

    @property
    def is_over(self):
        return self._clock() >= self._deadline

    def pause(self):
        self._sleep(POLL_S)

    def wait(self, trouble):
        """Return when `trouble()` finds none; when the time is up, raise the exception that it found."""
        while True:
            error = trouble()
            if error is None:
                return
            if self.is_over:
                raise error
            self.pause()
