"""The parts of the manual that are written from the code: MkDocs calls the ``on_`` functions, tests the others.

Nothing of it is checked in, so it cannot differ from what is installed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from inspect import cleandoc, getdoc, isclass, signature
from pathlib import Path
from typing import Any

import click

from pipeline import catalogue, codecs, context, datasets, hooks, records, result, stage, testing, types
from pipeline.api import Pipeline
from pipeline.cli import COMMANDS, cli
from pipeline.plugins import DISTRIBUTION, Plugins
from pipeline.source.yaml_tree import parse
from pipeline.spec import StageSpec, VariantSpec
from pipeline.stage import type_name
from pipeline.sweep import distributions, schedulers, search
from pipeline.sweep_spec import Resources, SweepingSpec, SweepSpec

ROOT = Path(__file__).parents[1]
Rows = Iterable[Sequence[str]]


def on_files(files: Any, config: Any) -> Any:
    """MkDocs: add the generated pages."""
    from mkdocs.structure.files import File

    for uri, content in pages().items():
        files.append(File.generated(config, uri, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **rest: Any) -> str:
    """MkDocs: end each topic's page with its ready pipelines and its stages."""
    folder, _, name = page.file.src_uri.removesuffix(".md").rpartition("/")
    return f"{markdown}\n{topic(name)}" if folder == "topics" and name != "index" else markdown


def topic(name: str) -> str:
    """The ready pipelines and the stages of a topic."""
    parts = []
    files = sorted((ROOT / "pipelines" / {"sweeps": "sweep"}.get(name, name)).glob("*.yaml"))
    if files:
        told = [(file, parse(file.read_text(), file.name).data) for file in files]
        rows = [(f"`{file.relative_to(ROOT)}`", data.get("description", "")) for file, data in told]
        parts += ["## Ready pipelines\n", _table(["file", "what it asks"], rows)]
    stages = catalogue.stage_rows(Plugins.load(), name)
    if stages:
        parts += ["## Stages\n", _stage_table(stages, f"../reference/stages/{name}.md")]
    return "\n".join(parts)


def pages() -> dict[str, str]:
    """Markdown by the path of its page."""
    plugins = Plugins.load()
    plugins.load_all()
    ours = [name for name, plugin in sorted(plugins.found.items()) if plugin.origin == DISTRIBUTION]
    return {
        "reference/commands.md": commands(),
        "reference/file.md": pipeline_file(),
        "reference/sweep.md": sweep_methods(),
        "reference/settings.md": settings(),
        "reference/stages/index.md": stage_index(plugins, ours),
        **{f"reference/stages/{name}.md": stages_of(plugins, name) for name in ours},
        "reference/datasets.md": data_sets(plugins),
        "reference/hooks.md": hook_pages(),
        "reference/python.md": python(),
    }


def commands() -> str:
    """Every command with its arguments, options and examples."""
    parts = [
        "# Commands\n",
        "Here you find every command with all its options. Each explains itself with `--help`; those that show "
        "something take `--json`, which prints one document and nothing else. `python -m pipeline` is the same as "
        "`pipeline`. Exit status: 0 done, 1 a stage or a trial failed, 2 the request is wrong, 130 interrupted.\n",
        "`pipeline --debug COMMAND` shows the traceback of an error.\n",
    ]
    with click.Context(cli) as above:
        for name in COMMANDS:
            command = cli.get_command(above, name)
            assert command is not None
            parts += _command(command, f"pipeline {name}", "##")
            if isinstance(command, click.Group):
                for below, found in command.commands.items():
                    parts += _command(found, f"pipeline {name} {below}", "###")
    return "\n".join(parts)


def _command(command: click.Command, words: str, heading: str) -> Iterator[str]:
    yield f"{heading} {words}\n"
    usage = command.collect_usage_pieces(click.Context(command, info_name=words))
    yield f"```text\n{words} {' '.join(usage)}\n```\n"
    text, _, examples = cleandoc(command.help or "").partition("\b\n")
    yield _prose(text)
    if examples.strip():
        yield f"```text\n{examples.strip()}\n```\n"
    rows = [_option(p) for p in command.params if isinstance(p, click.Option) and not p.hidden]
    if rows:
        yield _table(["option", "what it does"], rows)


def _option(option: click.Option) -> tuple[str, str]:
    words = ", ".join(option.opts)
    if not option.is_flag:
        words += f" {option.metavar or option.make_metavar(click.Context(cli))}"
    return f"`{words}`", option.help or ""


def pipeline_file() -> str:
    """Every key of a pipeline file."""
    return "\n".join([
        "# The pipeline file\n",
        "Here you find every key that a pipeline file may have. YAML 1.2 scalars hold (`1e-3` is a number, `on` is a "
        "text), a key that stands twice is an error, and there are no tags.\n",
        "## Top level\n", _keys(SweepingSpec),
        "## A stage\n", "What may stand under `stages: {NAME: ...}`.\n", _keys(StageSpec),
        "## A variant\n", "What may stand under `variants: {NAME: ...}`; what is left out is taken from the stage.\n",
        _keys(VariantSpec),
        "## sweep\n", "What `pipeline sweep` searches, and how: [all methods](sweep.md).\n",
        _keys(SweepSpec),
        "## sweep.resources\n", _keys(Resources),
        "## Overrides\n",
        "Any value can be given on the command line: `model.latent_dim=8` sets a stage's field, `model=wide` chooses a "
        "variant, `model[wide].epochs=5` a field of one variant, `seeds=5` or `sweep.search=random` any other key. "
        "The value is read as YAML.\n",
        "## The environment\n",
        "`${NAME}` takes an environment variable; wherever the configuration is shown or logged, its value stays "
        "hidden. [Secrets](../how-to/secrets.md) says more.\n",
    ])  # fmt: skip


def _keys(section: Any) -> str:
    rows = []
    for name, info in section.model_fields.items():
        default = "required" if info.is_required() else _value(info.get_default(call_default_factory=True))
        rows.append((f"`{info.alias or name}`", _code(_type(info.annotation)), default, info.description or ""))
    return _table(["key", "type", "default", "meaning"], rows)


def sweep_methods() -> str:
    """Distributions, searches and schedulers, with their options."""
    parts = [
        "# Searches, schedulers, distributions\n",
        "Here you choose how a sweep proposes configurations (`search`), when it stops one early (`scheduler`), and "
        "what each dimension may be (`space`). An option is given as `search: {tpe: {startup_trials: 20}}`.\n",
        "## Distributions\n",
        _table(["in the file", "values"], _distributions()),
        "`MODEL: {variants: [a, b]}` chooses among variants; `MODEL[a].field` is a dimension that only the variant `a` "
        "has.\n",
        "## Constraints\n",
        "`constraints: [\"model.hidden >= 2 * model.latent_dim\"]`: comparisons, arithmetic, `and`, `or`, `not`, `in`, "
        "and the functions `min`, `max`, `abs`, `log`, `log2`, `sqrt`.\n",
        "## Searches\n",
        *_methods(search.NAMES, search.search_class),
        "## Schedulers\n",
        *_methods(schedulers.NAMES, schedulers.scheduler_class),
    ]  # fmt: skip
    return "\n".join(parts)


def _distributions() -> Rows:
    def leaves(cls: type) -> Iterator[Any]:
        for below in cls.__subclasses__():
            if "usage" in vars(below):
                yield below
            yield from leaves(below)

    return [(f"`{cls.usage}`", _line(cls)) for cls in leaves(distributions.Distribution)]


def _methods(names: Iterable[str], load: Callable[[str], Any]) -> Iterator[str]:
    for name in names:
        cls = load(name)
        yield f"### {name} {{ #{load.__name__.removesuffix('_class')}-{name} }}\n"
        yield _prose(getdoc(cls) or "")
        rows = [
            (f"`{field}`", _value(info.get_default(call_default_factory=True)), catalogue.bounds(info),
             info.description or "")
            for field, info in cls.Options.model_fields.items()
        ]  # fmt: skip
        if rows:
            yield _table(["option", "default", "must be", "meaning"], rows)


def settings() -> str:
    """The environment variables, as the README has them."""
    section = (ROOT / "README.md").read_text().partition("## Settings\n")[2].partition("\n## ")[0]
    table = "\n".join(line for line in section.splitlines() if line.startswith("|"))
    return (
        "# Settings\n\nHere you find the environment variables that change where things are kept and how they run.\n\n"
        f"{table}\n| `RAY_ADDRESS` | the Ray cluster of `pipeline sweep`, as `--address` says it |\n"
    )


def stage_index(plugins: Plugins, names: Sequence[str]) -> str:
    """The catalogue."""
    parts = ["# Stages\n", "Here you find what can stand behind `uses:`. `pipeline stages NAME` shows the same in a "
             "terminal, also for plugins that are not ours.\n"]  # fmt: skip
    for name in names:
        parts += [f"## {name}\n", _stage_table(catalogue.stage_rows(plugins, name), f"{name}.md")]
    return "\n".join(parts)


def _stage_table(stages: Iterable[Mapping[str, str]], page: str) -> str:
    rows = [
        (f"[`{row['uses']}`]({page}#{_anchor(row['uses'])})", row["summary"], _code(row["makes"])) for row in stages
    ]
    return _table(["uses", "what it does", "makes"], rows)


def stages_of(plugins: Plugins, name: str) -> str:
    """A plugin's stages in full."""
    parts = [f"# {name}\n", f"Here you find every stage of the plugin `{name}`: its fields, what it needs, what it "
             f"makes, and the metrics it logs. [What to do with them](../../topics/{name}.md).\n"]  # fmt: skip
    for row in catalogue.stage_rows(plugins, name):
        document = catalogue.stage_document(plugins, row["uses"])
        parts += _stage(document)
    return "\n".join(parts)


def _stage(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {document['uses']} {{ #{_anchor(document['uses'])} }}\n"
    yield _prose(document["description"])
    if document["fields"]:
        rows = [
            (f"`{f['name']}`", _code(f["type"]), "required" if f["required"] else _value(f["default"]), f["bounds"],
             f["description"])
            for f in document["fields"]
        ]  # fmt: skip
        yield _table(["field", "type", "default", "must be", "meaning"], rows)
    if document["inputs"]:
        rows = [
            (f"`{i['name']}`", _code(i["type"]), "of several stages" if i["many"] else "",
             "" if i["required"] else "optional")
            for i in document["inputs"]
        ]  # fmt: skip
        yield _table(["input", "type", "", ""], rows)
    yield f"Makes {_code(document['output'])}.\n"
    if document["metrics"] is None:
        yield "Its metrics depend on the configuration.\n"
    elif document["metrics"]:
        better = {"max": "higher", "min": "lower", None: ""}
        yield _table(
            ["metric", "better", "logged"],
            [(f"`{m['name']}`", better[m["direction"]], "every step" if m["per_step"] else "once")
             for m in document["metrics"]],
        )  # fmt: skip


def data_sets(plugins: Plugins) -> str:
    """What can be downloaded by name."""
    rows = [
        (f"`{name}`", found.title, found.licence, found.citation) for name, found in sorted(plugins.datasets().items())
    ]
    return (
        "# Data sets\n\nHere you find the public data sets that stages load by name. Files are looked for in "
        "`$PIPELINE_DATA` first, downloaded once otherwise, and checked against their sha256. Quote what you use.\n\n"
        + _table(["name", "what it is", "licence", "citation"], rows)
    )


def hook_pages() -> str:
    """Every hook with its runnable example."""
    parts = ["# Hooks\n", "Here you find every way in which a plugin can take part. Implement only those that you "
             "need, and take only the arguments that you use. Each example runs as it stands.\n"]  # fmt: skip
    for name, hook in vars(hooks).items():
        if name.startswith("pipeline_"):
            parts += [
                f"## {name}\n",
                f"```text\n{name}{str(signature(hook)).replace(chr(39), '')}\n```\n",
                _prose(getdoc(hook) or ""),
            ]
    parts += ["## What hooks give and take\n"]
    for cls in (codecs.Codec, datasets.Dataset, datasets.RemoteFile, records.Run, records.RunOutcome,
                records.StageOutcome, records.Metrics, records.File):  # fmt: skip
        parts += _class(cls)
    return "\n".join(parts)


def python() -> str:
    """The public Python interface."""
    parts = ["# Python\n", "Here you find the names that code of yours may use: to run pipelines, to write stages, and "
             "to test them.\n", "## Running\n"]  # fmt: skip
    for cls in (Pipeline, result.Result, result.RunResult):
        parts += _class(cls)
    parts += ["## Writing stages\n"]
    for cls in (stage.Stage, context.Context):
        parts += _class(cls)
    parts += ["### DataPath\n", "A path to data: the cache key holds the content that it points to, not its name.\n"]
    parts += ["## Values that pass between plugins\n"]
    for cls in (types.Images, types.Table, types.Split, types.Predictor, types.TorchModel):
        parts += _class(cls)
    parts += ["## Testing\n", _prose(getdoc(testing) or "")]
    for name in testing.__all__:
        value = getattr(testing, name)
        parts += _class(value) if isclass(value) else _function(name, value) if callable(value) else ()
    return "\n".join(parts)


def _class(cls: type) -> Iterator[str]:
    yield f"### {cls.__name__}\n"
    if is_dataclass(cls):
        fields = ", ".join(f.name for f in cls.__dataclass_fields__.values() if not f.name.startswith("_"))
        yield f"```text\n{cls.__name__}({fields})\n```\n"
    yield _prose(getdoc(cls) or "")
    items = []
    for name, member in list(vars(cls).items()):
        function = (
            member.fget if isinstance(member, property) else getattr(member, "func", None) or getattr(cls, name, None)
        )
        if name.startswith("_") or not callable(function) or isclass(function) or not getdoc(function):
            continue
        attribute = isinstance(member, property) or hasattr(member, "func")
        signed = name if attribute else f"{name}{_parameters(function)}"
        items.append(f"- **`{signed}`**: {_plain(getdoc(function) or '')}")
    yield "\n".join(items) + "\n"


def _function(name: str, function: Any) -> Iterator[str]:
    yield f"### {name}\n"
    yield f"```text\n{name}{_parameters(function)}\n```\n"
    yield _prose(getdoc(function) or "")


def _parameters(function: Any) -> str:
    names = []
    for name, parameter in signature(function).parameters.items():
        if name in ("self", "cls"):
            continue
        star = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        default = "" if parameter.default is parameter.empty else f"={_shown(parameter.default)}"
        names.append(f"{star}{name}{default}")
    return f"({', '.join(names)})"


def _shown(value: Any) -> str:
    return "..." if callable(value) else repr(value)


def _line(value: Any) -> str:
    return _plain((getdoc(value) or "").split("\n\n")[0])


def _plain(text: str) -> str:
    """A docstring in one cell of a table."""
    return " ".join(_ticks(text).split())


def _ticks(text: str) -> str:
    return text.replace("``", "`")


def _prose(text: str) -> str:
    """A docstring as Markdown: examples and what is indented become code."""
    lines: list[str] = []
    code: list[str] = []

    def close() -> None:
        if code:
            shown = cleandoc("\n".join(code))
            lines.extend(["", "```pycon" if ">>>" in shown else "```text", shown, "```", ""])
            code.clear()

    for line in _ticks(text).splitlines():
        if line.strip() == "Example:":
            lines.append("")
        elif (line.startswith("    ") and (code or not lines or not lines[-1].strip())) or (code and not line.strip()):
            code.append(line)
        else:
            close()
            # "name: what it is" lines of a docstring are items.
            lines.append(f"- {line}" if re.match(r"[a-z_, ]+: \S", line) else line.strip())
    close()
    return _items_apart(lines) + "\n"


def _items_apart(lines: Sequence[str]) -> str:
    told: list[str] = []
    for line in lines:
        if line.startswith("- ") and told and told[-1].strip() and not told[-1].startswith("- "):
            told.append("")
        told.append(line)
    return "\n".join(told).strip() + "\n"


def _table(header: Sequence[str], rows: Rows) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "--|" * len(header)]
    lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Bars end a cell, but not within code."""
    parts = text.replace("\n", " ").split("`")
    return "`".join(part if index % 2 else part.replace("|", "\\|") for index, part in enumerate(parts))


def _type(annotation: Any) -> str:
    text = re.sub(r"\bNoneType\b", "None", type_name(annotation))
    return text.replace("float | None", "time | None") if "BeforeValidator" in text else text


def _code(text: str) -> str:
    return f"`{text}`"


def _value(value: Any) -> str:
    from pydantic import BaseModel

    from pipeline.source.writer import to_yaml

    if value is None:
        return ""
    if isinstance(value, BaseModel):
        value = value.model_dump()
    return f"`{to_yaml(value, one_line=True).strip()}`"


def _anchor(uses: str) -> str:
    return uses.replace(".", "-")
