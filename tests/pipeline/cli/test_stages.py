"""`pipeline stages`, `pipeline plugins`, `pipeline schema`: what is installed."""

from __future__ import annotations

import pytest
from pydantic_core import to_jsonable_python

from pipeline.plugins import Plugins
from pipeline.source import read_text


@pytest.fixture
def installed() -> Plugins:
    return Plugins.load()


def test_every_stage_is_listed_with_what_it_does_and_makes(command, installed):
    ended = command("stages")

    assert ended.status == 0
    for uses, cls in installed.stages.items():
        line = next(line for line in ended.out.splitlines() if line.startswith(f"{uses} "))
        assert cls.summary() in line


def test_a_plugins_name_lists_its_stages(command):
    uses = [row["uses"] for row in command("stages", "data", "--json").json["stages"]]

    assert "data.images" in uses
    assert all(name.startswith("data.") for name in uses)


def test_one_stage_is_shown_in_full(command):
    out = command("stages", "data.images").out

    for word in ("data.images", "plugin data", "dataset", "Literal", "< 1", "Split[Images]", "uses: data.images"):
        assert word in out


def test_one_stage_as_data(command):
    document = command("stages", "vae.fit", "--json").json

    assert {"uses", "plugin", "version", "origin", "summary", "description", "fields", "inputs", "output", "metrics",
            "seeded", "yaml"} == set(document)  # fmt: skip
    latent_dim = next(field for field in document["fields"] if field["name"] == "latent_dim")
    assert ("int", False, "> 0") == (latent_dim["type"], latent_dim["required"], latent_dim["bounds"])
    assert {"name": "images", "type": "Split[Images]", "required": True, "many": False} in document["inputs"]


def test_a_wrong_name_is_told_what_was_meant(command):
    ended = command("stages", "data.image")

    assert (2, "") == (ended.status, ended.out)
    assert ended.err == "there is no stage 'data.image'\n  Did you mean 'data.images'?\n"


def test_every_snippet_is_a_pipeline_file_with_the_defaults(command, installed):
    for uses, cls in installed.stages.items():
        snippet = command("stages", uses, "--json").json["yaml"]
        stage = read_text(f"stages:\n  {snippet.replace(chr(10), chr(10) + '  ')}\n", "snippet.yaml").data["stages"]

        assert uses == stage[cls.stage_name()]["uses"]
        given = stage[cls.stage_name()].get("with", {})
        for name, info in cls.model_fields.items():
            expected = None if info.is_required() else to_jsonable_python(info.get_default(call_default_factory=True))
            assert expected == given[name]


def test_plugins_are_listed_with_version_origin_and_state(command, installed):
    rows = {row["name"]: row for row in command("plugins", "--json").json["plugins"]}

    assert set(installed.found) == set(rows)
    assert ("experiment-pipeline", "loaded", None) == tuple(rows["data"][key] for key in ("origin", "state", "reason"))
    assert "data.images" in rows["data"]["stages"]
    assert "data.images" in command("plugins").out


def test_a_disabled_plugin_is_listed_as_disabled(command, monkeypatch):
    monkeypatch.setenv("PIPELINE_DISABLE_PLUGINS", "vae")

    rows = {row["name"]: row for row in command("plugins", "--json").json["plugins"]}
    ended = command("stages", "vae.fit")

    assert rows["vae"]["state"] == "disabled"
    assert (2, "the plugin 'vae' is disabled by PIPELINE_DISABLE_PLUGINS\n") == (ended.status, ended.err)


def test_the_schema_is_one_json_document(command):
    schema = command("schema").json

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "data.images" in schema["$defs"]
