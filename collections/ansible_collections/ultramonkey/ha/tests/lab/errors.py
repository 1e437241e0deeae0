"""What the laboratory says when it cannot do something."""

from __future__ import annotations


class LabError(RuntimeError):
    """The laboratory cannot be built or used; the message says what is missing and what to do."""
