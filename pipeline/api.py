"""The same as the command line, from Python: ``Pipeline.load("vae.yaml", ["model.latent_dim=8"]).run()``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import Problem, RequestError
from pipeline.keeping import FOLDER, artifact_loader, open_store, open_tracking
from pipeline.plan import Examine, Plan, build
from pipeline.plugins import Plugins
from pipeline.source import Source, read, read_override

if TYPE_CHECKING:
    from pipeline.records import Status
    from pipeline.result import Result
    from pipeline.session import Elsewhere
    from pipeline.store import Store

INTERRUPTED_SECONDS = 1.0


@dataclass(frozen=True)
class Pipeline:
    """A loaded pipeline file: checked, and ready to be run."""

    plan: Plan

    @classmethod
    def load(
        cls,
        file: str | os.PathLike[str],
        overrides: Iterable[str] | Mapping[str, Any] = (),
        *,
        trust: bool | Callable[[Path], bool] = False,
        plugins: Plugins | None = None,
        examine: Examine = lambda plan: (),
    ) -> Pipeline:
        """Read and check ``file``; RequestError with every problem found.

        overrides: ``"model.latent_dim=8"`` words as on the command line, or a mapping of such keys to values.
        trust: whether the file's local plugin files may run, or a function that is asked for each new one.
        examine: as in ``plan.build``; ``pipeline.sweep.check`` looks at the ``sweep:`` section too.
        """
        path = Path(file)
        return cls.from_source(read(path), overrides, trust=trust, plugins=plugins, folder=path.parent, name=path.stem,
                               examine=examine)  # fmt: skip

    @classmethod
    def from_source(
        cls,
        source: Source,
        overrides: Iterable[str] | Mapping[str, Any] = (),
        *,
        trust: bool | Callable[[Path], bool] = False,
        plugins: Plugins | None = None,
        folder: Path = Path(),
        name: str = "",
        examine: Examine = lambda plan: (),
    ) -> Pipeline:
        """The same from a source that is already read."""
        words = _words(overrides) if isinstance(overrides, Mapping) else list(overrides)
        plugins = plugins or Plugins.load()
        # Of a pipeline that was loaded before with the same plugins.
        plugins.unavailable.clear()
        problems = []
        for index, local in enumerate(_local_files(source)):
            may_trust = trust if callable(trust) else lambda path: bool(trust)
            # Relative to the file that names it, which may be one that this file extends.
            origin = source.origin(("plugins", index))
            try:
                plugins.add_local((Path(origin.where).parent if origin else folder) / local, may_trust=may_trust)
            except RequestError as error:
                problems += [Problem(p.message, p.origin or origin, p.suggestion, p.hint) for p in error.problems]
                plugins.unavailable.add(Path(local).stem)
        read_words = []
        for word in words:
            try:
                read_words.append(read_override(word))
            except RequestError as error:
                problems += error.problems
        try:
            plan = build(source, plugins, read_words, name=name, examine=examine)
        except RequestError as error:
            raise RequestError([*problems, *error.problems]) from None
        if problems:
            raise RequestError(problems)
        return cls(plan)

    def run(
        self,
        *,
        parallel: int | None = None,
        address: str | None = None,
        fresh: bool = False,
        verify: bool = False,
        until: str | None = None,
        track: bool = True,
        store: Store | str | Path | None = FOLDER,
        command: Sequence[str] = (),
        observers: Iterable[object] = (),
    ) -> Result:
        """Run everything and wait; a failing stage is told by ``result.status``, not raised.

        parallel: how many runs (of variants and seeds) go at a time, each in a process of its own; one by default.
        address: a Ray cluster that executes them instead, as many at a time as fit by default.
        fresh: compute again what is stored. verify: run each stage twice and compare.
        until: stop after this stage. track: whether to tell MLflow.
        store: where results are kept; None keeps nothing. observers: objects with lifecycle hooks.
        """
        from pipeline.result import Result, RunResult
        from pipeline.session import Session

        plan = self.plan.until(until) if until else self.plan
        plan.plugins.load_all()
        opened = open_store(store, plan.plugins)
        tracking = open_tracking() if track else None
        watching = [*observers, *([tracking] if tracking else [])]
        for observer in watching:
            plan.plugins.observe(observer)
        session = Session(plan, opened, fresh, verify, command)
        status: Status = "interrupted"
        try:
            with _elsewhere(plan, opened, address, parallel) as session.elsewhere:
                status = session.run(parallel or 1)
        finally:
            # After Ctrl-C nobody waits: the process that talks to MLflow finishes alone.
            patience = INTERRUPTED_SECONDS if status == "interrupted" else None
            report = tracking.finish(patience) if tracking else None
            for observer in watching:
                if plan.plugins.manager.is_registered(observer):
                    plan.plugins.manager.unregister(observer)
        ids: Mapping[str, str] = report.run_ids if report else {}
        load = artifact_loader(opened)
        runs = tuple(RunResult(run, outcome, ids.get(run.id), load) for run, outcome in session.ended)
        parent = session.parent or (runs[0].run if runs else None)
        return Result(
            status,
            plan.experiment,
            tracking.uri if tracking else None,
            runs,
            session.comparison,
            ids.get(parent.id) if parent else None,
            tuple(report.warnings) if report else (),
        )

    def sweep(self, **options: Any) -> Result:
        """Run the file's sweep and wait; the options of ``pipeline.sweep.tracked.tracked_sweep``.

        ``result.extra["best"]`` is the best run, ``result.extra["pareto"]`` the front where there are several metrics.
        """
        from pipeline.sweep.tracked import tracked_sweep

        return tracked_sweep(self.plan, **options)


def _elsewhere(
    plan: Plan, store: Store | None, address: str | None, parallel: int | None
) -> AbstractContextManager[Elsewhere | None]:
    """What executes the runs in place of this process, if anything does."""
    if address is None:
        return nullcontext()
    from pipeline.sweep.cluster_runs import runs_on_cluster

    return runs_on_cluster(plan, store, address, parallel)


def _local_files(source: Source) -> list[str]:
    files = source.data.get("plugins")
    return [name for name in files if isinstance(name, str)] if isinstance(files, list) else []


def _words(overrides: Mapping[str, Any]) -> list[str]:
    import json

    return [f"{key}={json.dumps(value)}" for key, value in overrides.items()]
