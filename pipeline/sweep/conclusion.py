"""How a sweep is told at its end: the best configuration in words and files, and the report."""

from __future__ import annotations

import json
import traceback
from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline.records import File, RunOutcome

if TYPE_CHECKING:
    from pipeline.sweep.session import Session, TrialOutcome


def conclude(session: Session, best: TrialOutcome | None) -> RunOutcome:
    """The parent's outcome: report and trial table as files, the best configuration as document and tags."""
    documents: dict[str, str] = {}
    tags: dict[str, str] = {"pipeline.state": session.status}
    if best is not None:
        documents["best.yaml"] = best.run.documents.get("pipeline.yaml", "")
        documents["best.json"] = json.dumps(best_document(session, best), indent=1)
        tags |= {
            "pipeline.best_trial": str(best.record.number),
            "pipeline.best_configuration": json.dumps(dict(best.record.configuration)),
        }
    return RunOutcome(
        session.status,
        error=session.error,
        documents=documents,
        files=_files(session),
        description=f"{session.parent.description}\n\n{summary(session, best)}",
        tags=tags,
    )


def best_document(session: Session, best: TrialOutcome) -> dict[str, Any]:
    """The best configuration and what it reached."""
    return {
        "trial": best.record.number,
        "configuration": dict(best.record.configuration),
        "values": dict(zip((o.metric for o in session.request.objectives), session.values[best.record.number],
                           strict=True)),
        "seeds": list(session.request.seeds),
        "run": best.run.id,
    }  # fmt: skip


def summary(session: Session, best: TrialOutcome | None) -> str:
    """The sweep's end in Markdown."""
    states = Counter(trial.record.state for trial in session.trials)
    counted = ", ".join(f"{count} {state}" for state, count in states.items())
    if best is None:
        return f"{len(session.trials)} runs: {counted}. None gave a value."
    values = session.values[best.record.number]
    reached = ", ".join(f"`{o.metric}` {v:.6g}" for o, v in zip(session.request.objectives, values, strict=True))
    rows = "".join(f"| `{name}` | {value} |\n" for name, value in best.record.configuration.items())
    table = f"| | |\n|--|--|\n{rows}"
    again = f"Run it again with `pipeline reproduce {best.run.reference}`."
    return f"{len(session.trials)} runs: {counted}.\n\nBest: trial {best.record.number}, {reached}\n\n{table}\n{again}"


def _files(session: Session) -> tuple[File, ...]:
    from pipeline.sweep.report import Study, write

    records = [trial.record for trial in session.trials if trial.record.state != "interrupted"]
    if not records:
        return ()
    request = session.request
    ordered = tuple(sorted(records, key=lambda record: (record.ended, record.number)))
    study = Study(
        request.plan.experiment,
        request.search_name,
        request.scheduler_name,
        request.objectives,
        tuple(request.space.names) or tuple(dict.fromkeys(name for r in ordered for name in r.configuration)),
        ordered,
        request.spec.space,
    )
    try:
        return write(study)
    except Exception:
        # Hours of trials must not be lost to a picture: what was wrong is kept in the report's place.
        return (File("report-error.txt", traceback.format_exc().encode()),)
