"""The command ``pipeline``: one small file for each subcommand, imported only when it is called."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import threading
from importlib import import_module
from types import ModuleType
from typing import Any, NoReturn

import click

from pipeline import __version__
from pipeline.errors import PipelineError

# Order of the help page; the module is named like the command.
COMMANDS = {
    "run": "Run a pipeline.",
    "sweep": "Search a pipeline's hyperparameters.",
    "check": "Validate pipeline files; run nothing.",
    "plan": "Show the order, what is cached, and why each stage would run.",
    "stages": "The catalogue of stages, or one stage in full.",
    "plugins": "The plugins: version, origin, state.",
    "runs": "Recorded runs, newest first.",
    "show": "One recorded run in full.",
    "compare": "Recorded runs side by side.",
    "reproduce": "Run a recorded run again and compare its metrics.",
    "report": "Make a sweep's report again from MLflow.",
    "cache": "List, clear or prune the stored results.",
    "schema": "JSON Schema of pipeline files, for editors.",
    "new": "Start a pipeline, a project or a plugin from a working skeleton.",
    "ui": "Open the MLflow UI on this project's store.",
}


class _Commands(click.Group):
    """Subcommands by name, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"pipeline.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # The group's own help must not import every command to learn its first line.
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS:
            import difflib

            close = difflib.get_close_matches(name, COMMANDS, n=1)
            meant = f" Did you mean {close[0]!r}?" if close else " See `pipeline --help`."
            ctx.fail(f"There is no command {name!r}.{meant}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="pipeline")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Define an experiment in one YAML file, run it, sweep it, see everything in MLflow.

    \b
    pipeline run pipelines/quickstart.yaml
    pipeline run pipelines/quickstart.yaml model.latent_dim=4 seeds=5
    """
    if debug:
        os.environ["PIPELINE_DEBUG"] = "1"


def main() -> NoReturn:
    """Entry point: every error that a user can mend ends as its message and an exit status."""
    # Importing makes many objects and no garbage: a collector that looks less often starts us a tenth faster.
    gc.set_threshold(100_000)
    _leave_out_plugins_of_pydantic()
    try:
        status = cli.main(standalone_mode=False)
        _leave(status if isinstance(status, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of a pipe has gone, as with `| head`: not an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except PipelineError as error:
        if os.environ.get("PIPELINE_DEBUG"):
            raise
        click.echo(str(error), err=True)
        sys.exit(error.exit_status)
    except Exception as error:
        if os.environ.get("PIPELINE_DEBUG"):
            raise
        click.echo(f"{type(error).__name__}: {error}\n  This is a defect of pipeline. `--debug` shows where.", err=True)
        sys.exit(1)


def _leave_out_plugins_of_pydantic() -> None:
    """Pydantic would look for plugins of its own in all that is installed: a tenth of ``pipeline check``."""
    if os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__") == "__all__":
        # It obeys only after it has imported what reads metadata, the dear part.
        loader: Any = ModuleType("pydantic.plugin._loader")
        loader.get_plugins = tuple
        sys.modules[loader.__name__] = loader


def _leave(status: int) -> NoReturn:
    """End the process in good order, but do not take its modules apart: with MLflow loaded that costs a second."""
    threading._shutdown()  # type: ignore[attr-defined]  # waits for the threads that must end, as Python would
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
