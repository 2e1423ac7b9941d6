"""The JSON Schema of pipeline files, with the fields of every installed stage, so that editors complete and check.

It never refuses what `pipeline check` accepts: a file that extends another may be incomplete, a file with local plugins
may use stages that are not installed, and any field may be filled from the environment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipeline.stage import Stage
from pipeline.sweep_spec import SweepingSpec

_ENVIRONMENT = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"}
Schema = dict[str, Any]


def pipeline_schema(stages: Mapping[str, type[Stage]]) -> Schema:
    """The schema (draft 2020-12) of a file that may use ``stages``, by what stands behind ``uses:``."""
    schema = SweepingSpec.model_json_schema()
    definitions = schema["$defs"]
    definitions["environment"] = _ENVIRONMENT | {"description": "Taken from the environment."}
    required: dict[str, list[str]] = {}
    for uses, cls in sorted(stages.items()):
        definitions[uses], required[uses] = _configuration(uses, cls)
    definitions["VariantSpec"]["allOf"] = [True, *(_when(uses, {"with": _reference(uses)}) for uses in sorted(stages))]
    definitions["StageSpec"]["allOf"] = [
        *definitions["VariantSpec"]["allOf"],
        *(_when(uses, {"variants": _variants_of(uses)}) for uses in sorted(stages)),
    ]
    schema["properties"]["stages"]["additionalProperties"] = False
    definitions["installed"] = _installed(stages)
    definitions["complete"] = {"allOf": [True, *(_complete(u, names) for u, names in required.items() if names)]}
    del schema["required"]
    schema["anyOf"] = [{"required": ["stages"]}, {"required": ["extends"]}]
    schema["allOf"] = [
        {"if": {"not": {"required": ["plugins"]}}, "then": _each_stage("installed")},
        {"if": {"not": {"required": ["extends"]}}, "then": _each_stage("complete")},
    ]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "A pipeline file"}


def schema_text(schema: Schema) -> str:
    """The schema as it stands in a file."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _configuration(uses: str, cls: type[Stage]) -> tuple[Schema, list[str]]:
    """What may stand under ``with:``, and which fields must, apart: a variant may leave them to its stage."""
    schema = cls.model_json_schema(ref_template=f"#/$defs/{uses}/$defs/{{model}}")
    schema["title"] = uses
    schema["properties"] = {name: _or_environment(field) for name, field in schema.get("properties", {}).items()}
    return schema, schema.pop("required", [])


def _or_environment(field: Schema) -> Schema:
    if field.get("type") == "string" and not {"enum", "const", "pattern", "format"} & field.keys():
        return field
    about = {key: field[key] for key in ("title", "description", "default") if key in field}
    return about | {"anyOf": [{key: field[key] for key in field if key not in about}, {"$ref": "#/$defs/environment"}]}


def _reference(uses: str) -> Schema:
    return {"$ref": f"#/$defs/{uses}"}


def _when(uses: str, properties: Schema) -> Schema:
    return {"if": _uses(uses), "then": {"properties": properties}}


def _uses(uses: str) -> Schema:
    return {"properties": {"uses": {"const": uses}}, "required": ["uses"]}


def _variants_of(uses: str) -> Schema:
    """Variants that do not say what they use take it from their stage."""
    own = {"if": {"not": {"required": ["uses"]}}, "then": {"properties": {"with": _reference(uses)}}}
    return {"additionalProperties": {"if": {"type": "object"}, "then": own}}


def _installed(stages: Mapping[str, type[Stage]]) -> Schema:
    choices = [{"const": uses, "description": cls.summary()} for uses, cls in sorted(stages.items())]
    known = {"anyOf": [*choices, {"type": "null"}]}
    uses = {"properties": {"uses": known}}
    return {"properties": {"uses": known, "variants": {"additionalProperties": uses}}}


def _complete(uses: str, names: list[str]) -> Schema:
    condition = _uses(uses) | {"not": {"required": ["variants"]}}
    return {"if": condition, "then": {"required": ["with"], "properties": {"with": {"required": names}}}}


def _each_stage(definition: str) -> Schema:
    return {"properties": {"stages": {"additionalProperties": _reference(definition)}}}
