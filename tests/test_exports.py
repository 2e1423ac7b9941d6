"""What is public, pinned: a name that comes or goes is a decision."""

from __future__ import annotations

from importlib import import_module

import pytest

PUBLIC = {
    "pipeline": ["Context", "DataPath", "Field", "Pipeline", "PipelineError", "Stage", "hookimpl"],
    "pipeline.testing": ["HEAVY_LIBRARIES", "Check", "StageRun", "check_plugin", "conformance_checks", "run_stage"],
    "pipeline.codecs": ["PACKAGES", "Codec", "Damaged", "NotStorable", "decode", "digest_of", "encode"],
    "pipeline.tracking": ["Report", "Tracking"],
}


@pytest.mark.parametrize("module", PUBLIC)
def test_the_public_names_are_these(module):
    exported = import_module(module)

    assert PUBLIC[module] == list(exported.__all__)
    assert all(getattr(exported, name) is not None for name in exported.__all__)


def test_a_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'pipeline' has no attribute 'Stagge'"):
        import_module("pipeline").Stagge  # noqa: B018  # reading it is what is tested


def test_the_version_is_that_of_the_distribution():
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]

    assert project["version"] == import_module("pipeline").__version__


def test_every_hook_is_pinned():
    from pipeline import hooks

    names = sorted(name for name in vars(hooks) if name.startswith("pipeline_"))

    assert names == [
        "pipeline_codecs",
        "pipeline_datasets",
        "pipeline_progress",
        "pipeline_record",
        "pipeline_run_finished",
        "pipeline_run_started",
        "pipeline_stage_failed",
        "pipeline_stage_finished",
        "pipeline_stage_started",
        "pipeline_stages",
    ]
