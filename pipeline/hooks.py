"""The hook specifications: every way in which a plugin takes part.

A plugin is a module (or any object) whose functions are marked with ``hookimpl``. Registering is an entry point of the
group ``pipeline.plugins``, or a line ``plugins: [./file.py]`` in a pipeline file. Implement only the hooks you need,
and take only the arguments you use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from pipeline.codecs import Codec
    from pipeline.datasets import Dataset
    from pipeline.records import Record, Run, RunOutcome, StageOutcome
    from pipeline.stage import Stage

GROUP = "pipeline.plugins"

hookspec = pluggy.HookspecMarker("pipeline")
hookimpl = pluggy.HookimplMarker("pipeline")


@hookspec
def pipeline_stages() -> list[type[Stage]]:  # type: ignore[empty-body]  # a specification has no body
    """The stages that the plugin offers.

    Example:
        >>> from pipeline import Stage, hookimpl
        >>> class Double(Stage):
        ...     '''Double a number.'''
        ...     number: float = 1.0
        ...     def run(self) -> float:
        ...         return 2 * self.number
        >>> @hookimpl
        ... def pipeline_stages():
        ...     return [Double]
        >>> pipeline_stages()[0].stage_name()
        'double'
    """


@hookspec
def pipeline_codecs() -> list[Codec]:  # type: ignore[empty-body]  # a specification has no body
    """Codecs for values that the store cannot keep by itself, each named by the class it is for.

    Example:
        >>> from pipeline import hookimpl
        >>> from pipeline.codecs import Codec
        >>> from fractions import Fraction
        >>> fraction = Codec("fractions:Fraction", encode=str, decode=Fraction)
        >>> @hookimpl
        ... def pipeline_codecs():
        ...     return [fraction]
        >>> pipeline_codecs()[0].decode("1/3")
        Fraction(1, 3)
    """


@hookspec
def pipeline_datasets() -> list[Dataset]:  # type: ignore[empty-body]  # a specification has no body
    """Public data sets that the plugin's stages load by name, each with its URLs, checksums, licence and citation.

    Example:
        >>> from pipeline import hookimpl
        >>> from pipeline.datasets import Dataset, RemoteFile
        >>> iris = Dataset(
        ...     "iris-csv", "Fisher's iris flowers",
        ...     files=(RemoteFile("iris.csv", "https://example.org/iris.csv", "0" * 64),),
        ...     licence="CC0-1.0", citation="Fisher 1936",
        ... )
        >>> @hookimpl
        ... def pipeline_datasets():
        ...     return [iris]
        >>> pipeline_datasets()[0].name
        'iris-csv'
    """


@hookspec
def pipeline_run_started(run: Run) -> None:
    """A run, or the parent of several, begins.

    Example:
        >>> from pipeline import hookimpl
        >>> from pipeline.records import Run
        >>> @hookimpl
        ... def pipeline_run_started(run):
        ...     print("started", run.name)
        >>> pipeline_run_started(Run("r1", "digits", "vae seed 0"))
        started vae seed 0
    """


@hookspec
def pipeline_run_finished(run: Run, outcome: RunOutcome) -> None:
    """A run ended: ``outcome.status`` says how.

    Example:
        >>> from pipeline import hookimpl
        >>> from pipeline.records import Run, RunOutcome
        >>> @hookimpl
        ... def pipeline_run_finished(run, outcome):
        ...     print(run.name, outcome.status)
        >>> pipeline_run_finished(Run("r1", "digits", "vae seed 0"), RunOutcome("finished"))
        vae seed 0 finished
    """


@hookspec
def pipeline_stage_started(run: Run, stage: str) -> None:
    """A stage of a run begins its work (a cached stage does not).

    Example:
        >>> from pipeline import hookimpl
        >>> @hookimpl
        ... def pipeline_stage_started(stage):
        ...     print("working on", stage)
        >>> pipeline_stage_started(stage="model")
        working on model
    """


@hookspec
def pipeline_stage_finished(run: Run, outcome: StageOutcome) -> None:
    """A stage finished, or was served from the cache.

    Example:
        >>> from pipeline import hookimpl
        >>> from pipeline.records import StageOutcome
        >>> @hookimpl
        ... def pipeline_stage_finished(outcome):
        ...     print(outcome.name, "cached" if outcome.cached else f"{outcome.seconds:.1f} s")
        >>> pipeline_stage_finished(outcome=StageOutcome("model", "vae.fit", False, 1.25))
        model 1.2 s
    """


@hookspec
def pipeline_stage_failed(run: Run, stage: str, error: str) -> None:
    """A stage raised; ``error`` is what to tell the user.

    Example:
        >>> from pipeline import hookimpl
        >>> @hookimpl
        ... def pipeline_stage_failed(stage, error):
        ...     print(stage, "failed:", error)
        >>> pipeline_stage_failed(stage="model", error="loss is not finite")
        model failed: loss is not finite
    """


@hookspec
def pipeline_record(run: Run, stage: str, record: Record) -> None:
    """A stage logged metrics, a figure, a table or a text, or a cached stage's records are shown again.

    Example:
        >>> from pipeline import hookimpl
        >>> from pipeline.records import Metrics
        >>> @hookimpl
        ... def pipeline_record(stage, record):
        ...     if isinstance(record, Metrics):
        ...         print({f"{stage}/{name}": value for name, value in record.values.items()})
        >>> pipeline_record(stage="model", record=Metrics({"elbo": -85.1}, step=1, time=0.0))
        {'model/elbo': -85.1}
    """


@hookspec
def pipeline_progress(run: Run, stage: str, label: str, done: int, total: int | None) -> None:
    """A stage moved on; at most ten times a second.

    Example:
        >>> from pipeline import hookimpl
        >>> @hookimpl
        ... def pipeline_progress(stage, label, done, total):
        ...     print(f"{stage}: {done}/{total} {label}")
        >>> pipeline_progress(stage="model", label="epochs", done=3, total=20)
        model: 3/20 epochs
    """
