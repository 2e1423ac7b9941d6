"""The JSON Schema accepts what `check` accepts, and marks the common mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pydantic import Field

from pipeline.plugins import Plugins
from pipeline.schema import pipeline_schema, schema_text
from pipeline.source.yaml_tree import parse
from pipeline.stage import Stage

ROOT = Path(__file__).parents[2]
PIPELINES = sorted((ROOT / "pipelines").rglob("*.yaml"))
PUBLISHED = ROOT / "pipeline" / "pipeline.schema.json"


class Fit(Stage):
    """Fit."""

    size: int = Field(3, gt=0, description="How many.")
    kind: str = "plain"

    def run(self) -> int:
        return self.size


class Load(Stage):
    """Load."""

    path: str

    def run(self) -> int:
        return 1


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = pipeline_schema({"demo.fit": Fit, "demo.load": Load})
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def wrong(validator: Draft202012Validator, text: str) -> list[str]:
    return [error.message for error in validator.iter_errors(parse(text, "test.yaml").data)]


@pytest.mark.parametrize(
    "text",
    [
        "stages: {a: {uses: demo.fit}}",
        "stages: {a: {uses: demo.fit, with: {size: 4, kind: x}}}",
        "stages: {a: {uses: demo.fit, timeout: 10m, retries: 2}}",
        "stages: {a: {uses: demo.fit, timeout: 90}}",
        "stages: {a: {uses: demo.load, with: {path: x}}}",
        "stages: {a: {uses: demo.fit, variants: {s: {with: {size: 1}}, t: {uses: demo.load, with: {path: x}}}}}",
        "stages: {a: {uses: demo.load, variants: {s: {with: {path: x}}}}}",
        "plugins: [./own.py]\nstages: {a: {uses: own.anything, with: {b: 1}}}",
        "seeds: 3\nstages: {a: {uses: demo.fit}}",
        "seeds: [1, 2]\nrequires: {demo: '>=1'}\nstages: {a: {uses: demo.fit}}",
        "extends: a.yaml",
        "extends: a.yaml\nstages: {a: {with: {size: 4}}, b: {uses: demo.load}}",
    ],
)
def test_what_is_right_is_accepted(validator, text):
    assert wrong(validator, text) == []


def test_a_field_from_the_environment_is_accepted(validator):
    data = {"stages": {"a": {"uses": "demo.fit", "with": {"size": "${SIZE}"}}}}

    assert list(validator.iter_errors(data)) == []


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "stage: {a: {uses: demo.fit}}",
        "stages: {}",
        "stages: {a: {uses: demo.fti}}",
        "stages: {a: {uses: demo.fit, with: {sise: 4}}}",
        "stages: {a: {uses: demo.fit, with: {size: 0}}}",
        "stages: {a: {uses: demo.fit, with: {size: big}}}",
        "stages: {a: {uses: demo.fit, whit: {}}}",
        "stages: {a: {uses: demo.fit, timeout: soon}}",
        "stages: {a: {uses: demo.load}}",
        "stages: {a: {uses: demo.load, with: {}}}",
        "stages: {a: {uses: demo.fit, variants: {s: {with: {sise: 1}}}}}",
        "stages: {a: {variants: {s: {uses: demo.fit, with: {sise: 1}}}}}",
        "stages: {a: {variants: {s: {uses: demo.fti}}}}",
        "seeds: 0\nstages: {a: {uses: demo.fit}}",
        "stages: {a-b: {uses: demo.fit}}",
    ],
)
def test_what_is_wrong_is_marked(validator, text):
    assert wrong(validator, text)


def test_fields_keep_their_descriptions_and_defaults_for_editors():
    size = pipeline_schema({"demo.fit": Fit})["$defs"]["demo.fit"]["properties"]["size"]

    assert ("How many.", 3) == (size["description"], size["default"])


@pytest.mark.parametrize("file", PIPELINES, ids=lambda path: path.stem)
def test_every_shipped_pipeline_is_accepted(file):
    schema = pipeline_schema(Plugins.load().stages)

    errors = Draft202012Validator(schema).iter_errors(parse(file.read_text(), file.name).data)

    assert [error.message for error in errors] == []


def test_the_published_schema_is_that_of_the_stages():
    built_in = {u: cls for u, cls in Plugins.load().stages.items() if cls.__module__.startswith("plugins.")}

    same = PUBLISHED.read_text() == schema_text(pipeline_schema(built_in))
    assert same, "make it anew: pipeline schema > pipeline/pipeline.schema.json"


@pytest.mark.parametrize("file", PIPELINES, ids=lambda path: path.stem)
def test_every_shipped_pipeline_names_the_schema_for_editors(file):
    first = file.read_text().partition("\n")[0]

    assert first.startswith("# yaml-language-server: $schema=")
    assert (file.parent / first.partition("=")[2]).resolve() == PUBLISHED
