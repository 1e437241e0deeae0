"""What goes for all modules: the action group has each, and each says what is asked of a module."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import yaml

COLLECTION = Path(__file__).resolve().parents[3]
NAMES = sorted(path.stem for path in COLLECTION.glob("plugins/modules/*.py"))


def documentation(name):
    module = importlib.import_module(f"ansible_collections.ultramonkey.ha.plugins.modules.{name}")
    return module, yaml.safe_load(module.DOCUMENTATION)


def test_the_action_group_has_every_module():
    runtime = yaml.safe_load((COLLECTION / "meta/runtime.yml").read_text())
    assert sorted(runtime["action_groups"]["all"]) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_module_tells_what_it_supports_and_has_examples(name):
    module, told = documentation(name)
    assert set(told["attributes"]) == {"check_mode", "diff_mode", "platform"}
    assert told["attributes"]["check_mode"]["support"] == "full"
    # What changes nothing has no difference to show.
    is_info = name.endswith("_info")
    assert told["attributes"]["diff_mode"]["support"] == ("none" if is_info else "full")
    assert any(f"ultramonkey.ha.{name}" in task for task in yaml.safe_load(module.EXAMPLES))


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("_info")])
def test_what_only_tells_has_a_verdict_and_its_reasons(name):
    module, _ = documentation(name)
    assert {"healthy", "problems"} <= set(yaml.safe_load(module.RETURN))
