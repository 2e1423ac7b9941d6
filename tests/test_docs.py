"""Nothing is offered without a word of explanation, and every example does what it says."""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from inspect import getdoc, signature

import click
import pytest

from pipeline import hooks
from pipeline.cli import COMMANDS, cli
from pipeline.plugins import Plugins
from pipeline.spec import StageSpec, VariantSpec
from pipeline.sweep_spec import Resources, SweepingSpec, SweepSpec

HOOKS = sorted(name for name in vars(hooks) if name.startswith("pipeline_"))


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command with its words, those below other commands too."""
    with click.Context(cli) as context:
        for name in COMMANDS:
            command = cli.get_command(context, name)
            assert command is not None
            yield name, command
            if isinstance(command, click.Group):
                yield from ((f"{name} {below}", found) for below, found in command.commands.items())


ALL = dict(commands())


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hooks_example_runs_as_written(hook):
    function = getattr(hooks, hook)
    (test,) = [t for t in doctest.DocTestFinder(recurse=False).find(function, hook) if t.examples]

    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_says_when_it_is_called(hook):
    first = (getdoc(getattr(hooks, hook)) or "").splitlines()[0]

    assert re.fullmatch(r"[A-Z].*\.", first)


@pytest.mark.parametrize("name", ALL)
def test_a_command_says_what_it_does_and_shows_an_example(name):
    help_text = ALL[name].help or ""

    assert len(help_text.split("\b")[0].strip()) > 20
    assert f"pipeline {name}" in help_text.split("\b", 1)[-1]


@pytest.mark.parametrize("name", ALL)
def test_an_option_says_what_it_does(name):
    silent = [p.name for p in ALL[name].params if isinstance(p, click.Option) and not p.help]

    assert silent == []


def test_the_page_of_help_names_every_command():
    assert set(COMMANDS) == set(ALL) - {name for name in ALL if " " in name}
    assert all(sentence.endswith(".") for sentence in COMMANDS.values())


@pytest.mark.parametrize("words", [name for name in ALL if "schema" not in name])
def test_a_command_that_shows_something_can_show_it_as_data(words):
    if words in ("ui", "cache") or isinstance(ALL[words], click.Group):
        pytest.skip("it shows nothing of its own")

    assert "as_json" in {param.name for param in ALL[words].params}


@pytest.mark.parametrize("section", [SweepingSpec, StageSpec, VariantSpec, SweepSpec, Resources])
def test_a_key_of_the_pipeline_file_is_described(section):
    silent = [name for name, info in section.model_fields.items() if not info.description]

    assert silent == []


@pytest.mark.parametrize("uses", sorted(Plugins.load().stages))
def test_a_stage_is_described_with_its_fields(uses):
    cls = Plugins.load().stages[uses]

    assert re.fullmatch(r"[^a-z\s].*[.!?]", cls.summary())  # as the conformance suite asks of every plugin
    assert [] == [name for name, info in cls.model_fields.items() if not info.description]


def test_the_context_documents_every_public_method():
    from pipeline import Context

    public = [name for name in vars(Context) if not name.startswith("_")]

    assert [] == [name for name in public if not getdoc(getattr(Context, name))]
    assert "record" in signature(Context).parameters
