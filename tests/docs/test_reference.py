"""Every hook, stage, command, option, key and setting is in the manual, and every page is in its contents."""

from __future__ import annotations

import importlib.util
import re
from types import ModuleType

import click
import pytest
import yaml

from pipeline import hooks
from pipeline.cli import COMMANDS, cli
from pipeline.context import Context
from pipeline.plugins import DISTRIBUTION, Plugins
from pipeline.spec import StageSpec
from pipeline.sweep import schedulers, search
from pipeline.sweep_spec import Resources, SweepingSpec, SweepSpec

from .conftest import DOCS, PAGES, ROOT


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """What MkDocs calls."""
    spec = importlib.util.spec_from_file_location("_reference", DOCS / "_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pages(reference) -> dict[str, str]:
    """The generated pages by their path."""
    made: dict[str, str] = reference.pages()
    return made


def ours() -> dict[str, type]:
    plugins = Plugins.load()
    return {u: cls for u, cls in plugins.stages.items() if plugins.found[u.split(".")[0]].origin == DISTRIBUTION}


def test_every_stage_is_there_with_its_fields_and_metrics(pages):
    for uses, cls in ours().items():
        section = pages[f"reference/stages/{uses.split('.')[0]}.md"].split(f"## {uses} {{")[1].split("\n## ")[0]
        missing = [name for name in cls.model_fields if f"| `{name}` |" not in section]
        assert missing == [], uses
        assert cls.summary() in section
        assert f"`{uses}`" in pages["reference/stages/index.md"]


def test_every_command_is_there_with_its_options(pages):
    text = pages["reference/commands.md"]
    with click.Context(cli) as above:
        for name in COMMANDS:
            section = text.split(f"\n## pipeline {name}\n")[1].split("\n## ")[0]
            command = cli.get_command(above, name)
            below = list(command.commands.values()) if isinstance(command, click.Group) else []
            options = [p for c in [command, *below] for p in c.params if isinstance(p, click.Option)]
            assert [] == [opt for p in options for opt in p.opts if f"`{opt}" not in section]


def test_every_hook_is_there_with_its_example(pages):
    for name in vars(hooks):
        if name.startswith("pipeline_"):
            section = pages["reference/hooks.md"].split(f"\n## {name}\n")[1].split("\n## ")[0]
            assert ">>> @hookimpl" in section


def test_every_key_of_a_pipeline_file_is_there(pages):
    for section in (SweepingSpec, StageSpec, SweepSpec, Resources):
        for name, info in section.model_fields.items():
            assert f"| `{info.alias or name}` |" in pages["reference/file.md"]


def test_every_search_and_scheduler_is_there(pages):
    headings = re.findall(r"^### (\w+)", pages["reference/sweep.md"], re.MULTILINE)

    assert [*search.NAMES, *schedulers.NAMES] == headings


def test_every_setting_and_every_method_of_the_context_is_there(pages):
    readme = (ROOT / "README.md").read_text()
    names = re.findall(r"^\| `((?:PIPELINE|MLFLOW)_[A-Z_]+)`", readme, re.MULTILINE)

    assert names
    assert [] == [name for name in names if f"`{name}`" not in pages["reference/settings.md"]]
    public = [name for name in vars(Context) if not name.startswith("_")]
    assert [] == [name for name in public if f"`{name}" not in pages["reference/python.md"]]


def test_every_page_is_in_the_contents_and_every_topic_has_one(pages):
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text())

    listed = set(re.findall(r"[\w/-]+\.md", str(config["nav"])))

    assert listed == {str(path.relative_to(DOCS)) for path in PAGES} | pages.keys()
    assert {f"topics/{uses.split('.')[0]}.md" for uses in ours()} <= listed


def test_every_topic_ends_with_its_stages_and_its_ready_pipelines(reference):
    for name in {uses.split(".")[0] for uses in ours()}:
        text = reference.topic(name)
        assert [] == [uses for uses in ours() if uses.split(".")[0] == name and f"`{uses}`" not in text]
    for folder in {file.parent for file in (ROOT / "pipelines").glob("*/*.yaml")}:
        told = reference.topic({"sweep": "sweeps"}.get(folder.name, folder.name))
        for file in folder.glob("*.yaml"):
            assert re.search(rf"^\| `pipelines/{folder.name}/{file.name}` \| \S", told, re.MULTILINE), file


def test_every_picture_is_shown_somewhere():
    shown = "".join(path.read_text() for path in [*PAGES, ROOT / "README.md"])

    assert [] == [path.name for path in (DOCS / "images").iterdir() if f"images/{path.name}" not in shown]


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "CITATION.cff"])
def test_the_repository_says_what_a_contributor_needs(name):
    text = (ROOT / name).read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if not link.startswith("http")]

    assert [] == [link for link in links if not (ROOT / link).exists()]


def test_the_citation_is_of_this_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())

    assert cited["version"] == __import__("pipeline").__version__
