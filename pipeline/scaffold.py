"""Working skeletons to start from: a pipeline with a local plugin file, a project around one, an installable plugin."""

from __future__ import annotations

import keyword
import re
import sys
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Literal

from pipeline import __version__
from pipeline.errors import Problem, RequestError
from pipeline.hooks import GROUP
from pipeline.installed import offers
from pipeline.plugins import Plugins
from pipeline.schema import pipeline_schema, schema_text

Kind = Literal["pipeline", "project", "plugin"]

# Not a template: what `pipeline schema` prints.
_SCHEMA = "schema"

# What is written (below the folder) from which template.
_FILES: dict[Kind, dict[str, str]] = {
    "pipeline": {"$name.yaml": "pipeline.yaml", "${name}_stages.py": "stages.py"},
    "project": {
        "$name/README.md": "project.md",
        "$name/requirements.txt": "requirements.txt",
        "$name/pytest.ini": "pytest.ini",
        "$name/.gitignore": "gitignore",
        "$name/.pre-commit-config.yaml": "pre-commit.yaml",
        "$name/$name.yaml": "pipeline.yaml",
        "$name/${name}_stages.py": "stages.py",
        "$name/tests/test_$name.py": "test_project.py",
        "$name/pipeline.schema.json": _SCHEMA,
    },
    "plugin": {
        "$name/pyproject.toml": "pyproject.toml",
        "$name/README.md": "README.md",
        "$name/$name.yaml": "pipeline.yaml",
        "$name/src/$name/__init__.py": "",
        "$name/src/$name/stages.py": "stages.py",
        "$name/tests/test_$name.py": "test_plugin.py",
    },
}


def create(kind: Kind, name: str, folder: Path) -> list[Path]:
    """Write the skeleton below ``folder`` and return its files; RequestError for a bad name or what already exists."""
    _check_name(kind, name)
    words = _words(kind, name)
    planned = {folder / Template(path).substitute(words): template for path, template in _FILES[kind].items()}
    taken = list(planned) if kind == "pipeline" else [folder / name]
    for path in taken:
        if path.exists():
            raise RequestError(Problem(f"{path} exists already", hint="Choose another name, or another --folder."))
    for path, template in planned.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_filled(template, words))
        except OSError as error:
            raise RequestError(f"{path} cannot be written: {error.strerror}") from error
    return list(planned)


def next_steps(kind: Kind, name: str, folder: Path) -> list[str]:
    """The commands that make sense after ``create``."""
    if kind == "pipeline":
        return [f"pipeline run {folder / name}.yaml --trust"]
    if kind == "project":
        return [f"cd {folder / name}", f"pipeline run {name}.yaml --trust", "python -m pytest"]
    return [
        f"python -m pytest {folder / name}",
        f"pip install -e {folder / name}",
        f"pipeline run {folder / name / name}.yaml",
    ]


def _filled(template: str, words: dict[str, str]) -> str:
    if not template:
        return f'"""The package of the plugin ``{words["name"]}``."""\n'
    if template == _SCHEMA:
        return schema_text(pipeline_schema(Plugins.load().stages))
    text = files("pipeline").joinpath("templates", f"{template}.template").read_text()
    return Template(text).substitute(words)


def _words(kind: Kind, name: str) -> dict[str, str]:
    local = kind != "plugin"
    schema = "# yaml-language-server: $schema=pipeline.schema.json\n" if kind == "project" else ""
    registration = f"plugins: [./{name}_stages.py]   # code of your own; asked for trust once" if local else ""
    return {
        "name": name,
        "schema": schema,
        "version": __version__,
        "plugin": f"{name}_stages" if local else name,
        "distribution": f"pipeline-{name.replace('_', '-')}",
        "registration": f"{registration}\n" if registration else "",
        "trust": " --trust" if local else "",
    }


def _check_name(kind: Kind, name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        proposed = re.sub(r"\W+", "_", name).strip("_0123456789").lower()
        usable = proposed if proposed.isidentifier() and not keyword.iskeyword(proposed) else None
        hint = "Use lower-case letters, digits and underscores, beginning with a letter."
        raise RequestError(Problem(f"{name!r} cannot be the name of a {kind}", None, usable, hint))
    if kind == "plugin":
        hint = "Choose another name."
        if name in {offer.name for offer in offers(GROUP)}:
            raise RequestError(Problem(f"a plugin named {name!r} is installed already", None, None, hint))
        if name in sys.stdlib_module_names or _is_importable(name):
            raise RequestError(Problem(f"a Python package named {name!r} is installed already", None, None, hint))


def _is_importable(name: str) -> bool:
    found = find_spec(name)
    # A mere folder of that name in the working directory is a namespace package without a file of its own.
    return found is not None and found.origin is not None
