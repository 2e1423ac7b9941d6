"""What a shell proposes after TAB."""

from __future__ import annotations

import pytest
from click.shell_completion import get_completion_class

from pipeline.cli import cli

PIPELINE = """
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model:
    uses: vae.fit
    variants: {narrow: {with: {latent_dim: 2}}, wide: {}}
"""


@pytest.fixture
def complete(tmp_path, monkeypatch):
    """``complete("run", "test.yaml", "mo")``: what is proposed for the last word."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test.yaml").write_text(PIPELINE)

    def proposed(*words: str) -> list[str]:
        bash = get_completion_class("bash")
        assert bash is not None
        found = bash(cli, {}, "pipeline", "_PIPELINE_COMPLETE").get_completions(list(words[:-1]), words[-1])
        return [item.value for item in found]

    return proposed


def test_commands_and_options(complete):
    assert complete("sw") == ["sweep"]
    assert "--parallel" in complete("run", "--pa")


def test_stages_and_plugins(complete):
    assert {"vae", "vae.fit"} <= set(complete("stages", "vae"))


def test_overrides_of_the_file_that_was_named(complete):
    assert ["model=narrow", "model=wide"] == complete("run", "test.yaml", "model=")
    assert ["model.latent_dim="] == complete("sweep", "test.yaml", "seed=3", "model.lat")
    assert ["seed=", "seeds="] == complete("plan", "test.yaml", "seed")


@pytest.mark.parametrize("text", ["stages: {a: [", "stages: 3", "stages: {a: {uses: 1, variants: 2}}", ""])
def test_a_file_that_cannot_be_read_proposes_nothing_of_its_own(complete, tmp_path, text):
    (tmp_path / "test.yaml").write_text(text)

    assert complete("run", "test.yaml", "model") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_a_script(shell):
    script = get_completion_class(shell)(cli, {}, "pipeline", "_PIPELINE_COMPLETE").source()

    assert "_PIPELINE_COMPLETE" in script
