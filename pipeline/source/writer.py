"""Plain data -> YAML that ``source`` reads back as the same data: PyYAML's own output is YAML 1.1."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from pipeline.source.scalars import is_text

_LINE_BREAK = re.compile("[\n\r\x85\u2028\u2029]")


class Written(str):
    """A text that stands in the file as it is: its ``${NAME}`` are environment variables."""


def to_yaml(data: Any, one_line: bool = False) -> str:
    """YAML text; every other text means itself, also one that looks like a number or a ``${NAME}``."""
    import yaml

    text: str = yaml.dump(
        data,
        Dumper=_dumper(),
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=one_line,
        width=10_000 if one_line else 80,
    )
    return text.removesuffix("...\n").rstrip("\n") if one_line else text


@cache
def _dumper() -> Any:
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # libyaml is not everywhere
        def ignore_aliases(self, data: Any) -> bool:
            return True

    def written(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        # Between double quotes alone every kind of line break comes back as it was.
        style = '"' if _LINE_BREAK.search(text) else None if text and is_text(text) else "'"
        return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style=style)

    def escaped(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        return written(dumper, text.replace("${", "$${"))

    def mapping(dumper: yaml.SafeDumper, data: dict[str, Any]) -> yaml.MappingNode:
        # Keys are not filled in from the environment.
        return dumper.represent_mapping("tag:yaml.org,2002:map", {Written(k): value for k, value in data.items()})

    Dumper.add_representer(Written, written)
    Dumper.add_representer(dict, mapping)
    Dumper.add_representer(str, escaped)
    return Dumper
