"""``pipeline cache``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from pipeline.cli._load import json_option, print_json
from pipeline.cli._show import print_table, size, when

if TYPE_CHECKING:
    from pipeline.store import Store
    from pipeline.store.housekeeping import Freed

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


def _bytes(context: click.Context, option: click.Parameter, value: str | None) -> int | None:
    """``10GB``, ``500 MiB``, ``1000``: bytes."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(|[KMGT]I?)B?", value.strip().upper())
    if match is None:
        raise click.BadParameter(f"{value!r} is no size such as 10GB or 500MB")
    return int(float(match[1]) * _UNITS[match[2]])


def _seconds(context: click.Context, option: click.Parameter, value: str | None) -> float | None:
    """``30d``, ``12h``, ``90m``: seconds."""
    from pipeline.spec import seconds

    try:
        return None if value is None else float(seconds(value))
    except ValueError:
        raise click.BadParameter(f"{value!r} is no time such as 30d or 12h") from None


@click.group("cache", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> int:
    """The stored results: list them (as without a word after it), clear or prune them.

    A stage whose code, configuration and inputs are as before is not run again; its result is taken from here. Nothing
    is lost by removing results but the time to compute them again. The folder is .pipeline/, or $PIPELINE_STORE.

    \b
    pipeline cache
    pipeline cache prune --max-size 10GB --older-than 30d
    pipeline cache clear
    """
    if context.invoked_subcommand is None:
        return int(context.invoke(list_command))
    return 0


@command.command("list")
@json_option
def list_command(as_json: bool) -> int:
    """Every stored result, the one used last first.

    \b
    pipeline cache list --json
    """
    store = _store()
    entries = store.entries()
    if as_json:
        print_json(
            {
                "store": store.location,
                "bytes": sum(entry.size for entry in entries),
                "entries": [
                    {
                        "key": entry.key,
                        "stage": entry.stage,
                        "uses": entry.uses,
                        "bytes": entry.size,
                        "seconds": entry.seconds,
                        "created": entry.created,
                        "last_used": entry.last_used,
                    }
                    for entry in entries
                ],
            }
        )
        return 0
    from pipeline.terminal import duration

    rows = [[e.stage, e.uses, size(e.size), duration(e.seconds), when(e.last_used), e.key[:12]] for e in entries]
    if rows:
        print_table(["stage", "uses", "size", "took", "last used", "key"], rows, right=["size", "took"])
    click.echo(f"{len(entries)} results, {size(sum(entry.size for entry in entries))}, in {store.location}")
    return 0


@command.command("clear")
@json_option
def clear_command(as_json: bool) -> int:
    """Remove every stored result.

    \b
    pipeline cache clear
    """
    return _told(_store().clear(), as_json)


@command.command("prune")
@click.option(
    "--max-size", callback=_bytes, metavar="SIZE", help="Remove what was used longest ago until no more is left: 10GB."
)
@click.option("--older-than", callback=_seconds, metavar="TIME", help="Remove what was not used for so long: 30d.")
@json_option
def prune_command(max_size: int | None, older_than: float | None, as_json: bool) -> int:
    """Remove results that were not used for long, and what no result refers to.

    \b
    pipeline cache prune --max-size 10GB
    pipeline cache prune --older-than 30d
    """
    if max_size is None and older_than is None:
        raise click.UsageError("Say what may go: --max-size 10GB, --older-than 30d, or both.")
    return _told(_store().prune(max_size, older_than), as_json)


def _store() -> Store:
    from pipeline.keeping import FOLDER, open_store

    store = open_store(FOLDER)
    assert store is not None
    return store


def _told(freed: Freed, as_json: bool) -> int:
    if as_json:
        print_json({"removed": freed.entries, "bytes": freed.bytes})
    else:
        click.echo(f"removed {freed.entries} results, {size(freed.bytes)}")
    return 0
