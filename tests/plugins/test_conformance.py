"""Every plugin of this tree passes the suite that we ask others to pass; each runs its own example in its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.testing import Check, conformance_checks

PLUGINS = sorted(file.parent.name for file in (Path(__file__).parents[2] / "plugins").glob("*/stages.py"))
CHECKS = [check for plugin in PLUGINS for check in conformance_checks(f"plugins.{plugin}.stages")]


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_our_plugins_conform(check: Check):
    check()


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_runs_its_own_example_in_its_tests(plugin):
    tests = "".join(file.read_text() for file in (Path(__file__).parent / plugin).glob("test_*.py"))

    assert "conformance_checks(" in tests
