"""The configuration file, without a daemon: checked, made of data, told as data."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ultramonkey_heartbeat.config.problems import has_errors

from .. import reading
from ..config.as_data import as_data as data_of
from ..config.as_data import without_secrets
from ..config.directives import BY_NAME
from ..config.layout import lay_out
from ..config.model import Configuration, Kind
from ..config.report import Report
from ..place import DEFAULT
from .answer import CONFIGURATION, FAILED, OK, Answer, as_data
from .arguments import Arguments

NEGOTIATING = (Kind.NEGOTIATE, Kind.COMBINED)


def read(path: Path, *, assume_libraries: bool = False) -> reading.File | Answer:
    """The file, or the answer that it cannot be read."""
    try:
        return reading.read(path, assume_libraries=assume_libraries)
    except OSError as error:
        return Answer(FAILED, {"error": f"{path}: {error.strerror or error}"})


def check(given: Arguments) -> Answer:
    """All that is wrong with the file; the result shows it without secrets."""
    path = reading.locate(given.configuration)
    file = read(path, assume_libraries=given.assume_libraries)
    if isinstance(file, Answer):
        return file
    told: dict[str, Any] = {
        "problems": as_data(file.loaded.problems),
        "result": {"shown": without_secrets(file.text), "digest": file.digest},
    }
    if file.loaded.configuration is None:
        return Answer(CONFIGURATION, told)
    virtuals = file.loaded.configuration.virtuals
    reals = sum(len(virtual.reals) for virtual in virtuals)
    told["result"]["uses"] = uses(file.loaded.configuration, file.text)
    return Answer(OK, {**told, "text": f"{path}: {len(virtuals)} services, {reals} real servers"})


def uses(configuration: Configuration, text: str) -> dict[str, Any]:
    """What the services need of the kernel and the machine, and the text of the daemon."""
    layout = lay_out(text, Report(configuration.file))
    written = {
        entry.name for lines in (layout.globals, *(s.entries for s in layout.sections)) for entry in lines
    }
    virtuals = configuration.virtuals
    keys = [virtual.key for virtual in virtuals]
    forward = {real.forward for virtual in virtuals for real in virtual.reals}
    forward |= {virtual.fallback.forward for virtual in virtuals if virtual.fallback is not None}
    return {
        "forward": sorted(each.value for each in forward),
        "schedulers": sorted({virtual.scheduler for virtual in virtuals}),
        "services": sorted({virtual.check.service for virtual in virtuals}),
        "negotiated": sorted({v.check.service for v in virtuals if v.check.kind in NEGOTIATING}),
        "versions": sorted({key.version for key in keys}),
        "marks": sorted({key.mark for key in keys if not key.protocol}),
        "addresses": sorted({key.address for key in keys if key.protocol}),
        "quiescent": sorted({virtual.quiescent for virtual in virtuals}),
        "persistent": any(virtual.persistent_s for virtual in virtuals),
        "native_only": sorted(name for name in written if name in BY_NAME and BY_NAME[name].ours),
    }


def show(given: Arguments) -> Answer:
    """What the file says, as data. Passwords are among it: whoever may read the file may read them."""
    path = reading.locate(given.configuration)
    file = read(path)
    if isinstance(file, Answer):
        return file
    problems = as_data(file.loaded.problems)
    if file.loaded.configuration is None:
        return Answer(CONFIGURATION, {"problems": problems})
    data = data_of(file.text, path.name)
    text = json.dumps(data, indent=2)
    return Answer(OK, {"problems": problems, "text": text, "result": {"data": data}})


def render(given: Arguments) -> Answer:
    """A file for the data on standard input, checked as the daemon will."""
    name = Path(given.configuration or DEFAULT).name
    try:
        data = json.load(sys.stdin)
    except (ValueError, RecursionError) as error:
        return Answer(FAILED, {"error": f"standard input is not JSON: {error}"})
    text, problems = reading.render(data, name, assume_libraries=given.assume_libraries)
    told = {"problems": as_data(problems)}
    if has_errors(problems):
        return Answer(CONFIGURATION, told)
    return Answer(
        OK, {**told, "text": text.rstrip("\n"), "result": {"text": text, "shown": without_secrets(text)}}
    )
