"""Private to this collection: configuration files, read and replaced."""

from __future__ import annotations

import os
import shutil
import time


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
