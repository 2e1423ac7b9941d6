"""``pipeline run``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pipeline.cli._load import file_argument, json_option, load, overrides_argument, print_json, trust_option


@click.command("run")
@file_argument
@overrides_argument
@click.option("--fresh", is_flag=True, help="Compute again what is cached.")
@click.option("--from", "best_of", metavar="RUN", help="Use the best configuration of a recorded sweep.")
@click.option("--register", metavar="NAME", help="Put the best run's model into MLflow's registry under this name.")
@click.option("--until", metavar="STAGE", help="Stop after this stage.")
@click.option(
    "--parallel", type=click.IntRange(1), metavar="N", help="Runs at a time, each in a process; 1 if not said."
)
@click.option("--address", metavar="RAY", help="A Ray cluster that executes the runs: auto or HOST:PORT.")
@click.option("--verify", is_flag=True, help="Run each stage twice; fail at the first whose results differ.")
@trust_option
@json_option
def command(
    file: Path,
    overrides: tuple[str, ...],
    best_of: str | None,
    fresh: bool,
    register: str | None,
    until: str | None,
    parallel: int | None,
    address: str | None,
    verify: bool,
    trust: bool,
    as_json: bool,
) -> int:
    """Run the pipeline in FILE: every combination of its variants and seeds.

    \b
    pipeline run vae.yaml
    pipeline run vae.yaml model.latent_dim=8 model=als seed=3
    pipeline run vae.yaml seeds=5 --parallel 2
    pipeline run vae.yaml seeds=20 --address auto
    pipeline run vae.yaml --from 3f2a91 --register digits
    """
    from pipeline.interrupt import leave_quickly
    from pipeline.terminal import display, print_result

    if best_of is not None:
        from pipeline.sweep.past import best_words

        overrides = (*best_words(best_of), *overrides)
    pipeline = load(file, overrides, trust)
    with leave_quickly(), display(pipeline.plan, quiet=as_json) as observers:
        result = pipeline.run(
            parallel=parallel,
            address=address,
            fresh=fresh,
            verify=verify,
            until=until,
            command=["pipeline", *sys.argv[1:]],
            observers=observers,
        )
    if register is not None and result.status == "finished":
        from pipeline import registry

        result = registry.register(result, register)
    if as_json:
        print_json(result.as_dict())
    else:
        print_result(result)
    return {"finished": 0, "failed": 1, "interrupted": 130}[result.status]
