"""What several subcommands share: reading the file and the overrides, asking for trust, printing JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline.cli import _complete

if TYPE_CHECKING:
    from pipeline.api import Pipeline
    from pipeline.errors import Problem
    from pipeline.plan import Plan

F = TypeVar("F", bound=Callable[..., Any])

file_argument = click.argument("file", type=click.Path(path_type=Path))
overrides_argument = click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...", shell_complete=_complete.overrides)
_STDOUT = "pipeline.cli.stdout"


def _reserve_stdout(context: click.Context, option: click.Parameter, as_json: bool) -> bool:
    """Send what plugins, stages and libraries print to standard error, so that the document stands alone."""
    if as_json:
        sys.stdout.flush()
        context.meta[_STDOUT] = sys.stdout, os.dup(1)
        sys.stdout = sys.stderr
        os.dup2(2, 1)
        context.call_on_close(lambda: _give_back_stdout(context))
    return as_json


def _give_back_stdout(context: click.Context) -> None:
    if reserved := context.meta.pop(_STDOUT, None):
        sys.stdout, descriptor = reserved
        os.dup2(descriptor, 1)
        os.close(descriptor)


json_option = click.option(
    "--json", "as_json", is_flag=True, callback=_reserve_stdout, help="Print one JSON document and nothing else."
)
trust_option = click.option("--trust", is_flag=True, help="Trust the local plugin files that the pipeline names.")


def load(file: Path, overrides: tuple[str, ...] = (), trust: bool = False, sweep: bool = False) -> Pipeline:
    """The checked pipeline, with ``sweep`` also its ``sweep:``; trust in local plugins is asked for on a terminal."""
    from pipeline.api import Pipeline

    return Pipeline.load(file, overrides, trust=trust or _ask, examine=_check_sweep if sweep else lambda plan: ())


def _check_sweep(plan: Plan) -> list[Problem]:
    if plan.spec.sweep is None:
        return []
    from pipeline.sweep import check

    return check(plan)


def load_texts(texts: Mapping[str, str], trust: bool = False) -> list[Pipeline]:
    """The same from the texts of files, each under the name that stands for it in messages."""
    from pipeline.api import Pipeline
    from pipeline.plugins import Plugins
    from pipeline.source import read_text

    plugins = Plugins.load()
    return [
        Pipeline.from_source(read_text(text, name), trust=trust or _ask, plugins=plugins)
        for name, text in texts.items()
    ]


def _ask(path: Path) -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    return click.confirm(f"{path} is code that has not run here before. Trust it?", err=True)


def print_json(document: Any) -> None:
    """One document on standard output."""
    _give_back_stdout(click.get_current_context())
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, default=str))
