"""Private to this collection: files that are replaced together, and by whom they were written last.

Beside the files lies `.written`, JSON, file name to SHA-256 of what was written there last. The role
`heartbeat` reads and writes the same (`files/try_configuration.py`, `tasks/configure.yml`).
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import shutil
import time

RECORD = ".written"


def read(path):
    """The text of a file, or None when there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None


def write(path, text, mode):
    """A new file with this content, on disk."""
    descriptor = os.open(str(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _digest(text):
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def edited(directory, before, texts):
    """Names of the files that are neither as they were written last nor as they shall be."""
    try:
        written = json.loads((directory / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        written = {}
    return [
        name
        for name, text in before.items()
        if text not in (None, texts[name]) and written.get(name) != _digest(text)
    ]


def difference(there, wanted):
    """What would be lost (-) and what would come (+), in a line."""
    lines = difflib.unified_diff(there.splitlines(), wanted.splitlines(), n=0, lineterm="")
    return " | ".join(list(lines)[2:])


def remember(directory, texts):
    """Note that these texts are what was written."""
    note = json.dumps({name: _digest(text) for name, text in texts.items()}) + "\n"
    if read(directory / RECORD) == note:
        return
    fresh = directory / f"{RECORD}.new"
    write(fresh, note, 0o644)
    fresh.replace(directory / RECORD)


def replace_all(directory, texts, before, keep, *, replace=os.replace, mode=0o644):
    """Replace the files together: when one cannot be, the others are put back. Returns the backups."""
    backups, replaced = [], []
    fresh = {name: directory / f".{name}.new" for name in texts}
    try:
        for name, text in texts.items():
            write(fresh[name], text, mode)
            if keep and before[name] is not None:
                backups.append(str(directory / f"{name}.{int(time.time())}~"))
                shutil.copy2(str(directory / name), backups[-1])
        for name in texts:
            replace(str(fresh[name]), str(directory / name))
            replaced.append(name)
    except OSError:
        for name in replaced:
            if before[name] is None:
                (directory / name).unlink()
            else:
                write(directory / name, before[name], mode)
        raise
    finally:
        for left in fresh.values():
            if left.exists():
                left.unlink()
    return backups
