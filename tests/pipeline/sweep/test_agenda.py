"""What runs next: points, seeds, racing, and going on after an interruption."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.plan import Plan
from pipeline.sweep.agenda import Agenda
from pipeline.sweep.journal import Journal
from pipeline.sweep.records import Assignment, TrialRecord
from pipeline.sweep.request import Request, read_request

PlanOf = Callable[..., Plan]


def request_of(plan: Plan) -> Request:
    request, problems = read_request(plan)
    assert request is not None, problems
    return request


def ended(assignment: Assignment, value: float | None) -> TrialRecord:
    values = None if value is None else (value,)
    state: Any = "failed" if value is None else "finished"
    return TrialRecord(assignment.number, assignment.configuration, assignment.seed, state, values, "run", 0.0, 1.0)


def test_points_come_first_and_lack_nothing(plan_of: PlanOf) -> None:
    agenda = Agenda(request_of(plan_of("bowl", "sweep.points=[{bowl.x: 1.5}]")))

    first = agenda.next()

    assert first is not None
    assert 1.5 == first.configuration["bowl.x"]
    assert {"bowl.x", "bowl.y"} == set(first.configuration)


def test_proposals_satisfy_the_constraints(plan_of: PlanOf) -> None:
    agenda = Agenda(request_of(plan_of("bowl", "sweep.constraints=['bowl.x > 4.9']", "sweep.trials=15")))

    while (assignment := agenda.next()) is not None:
        assert assignment.configuration["bowl.x"] > 4.9
        agenda.end(ended(assignment, 1.0))


def test_a_hopeless_configuration_is_dropped_before_its_last_seeds(plan_of: PlanOf) -> None:
    request = request_of(plan_of("bowl", "sweep.seeds=8", "sweep.racing=true", "sweep.trials=2", "sweep.search=random"))
    agenda, run = Agenda(request), []

    while (assignment := agenda.next()) is not None:
        run.append(assignment)
        agenda.end(ended(assignment, assignment.number + assignment.seed / 100))

    assert 8 == sum(assignment.number == 0 for assignment in run)
    assert 5 == sum(assignment.number == 1 for assignment in run), "five seeds can tell, at one in twenty"
    assert {1} == agenda.dropped


def test_a_journal_tells_what_ended_and_what_did_not(plan_of: PlanOf, tmp_path: Path) -> None:
    request = request_of(plan_of("bowl", "sweep.trials=4"))
    journal, agenda = Journal.open(tmp_path, request), Agenda(request)
    journal.begin_sweep("parent")
    assignments = [agenda.next() for _ in range(3)]
    for assignment in assignments:
        assert assignment is not None
        journal.begin(assignment, f"run {assignment.number}")
    journal.end(ended(assignments[1], 0.5))  # type: ignore[arg-type]  # none is None
    with journal.path.open("a") as file:
        file.write('{"ended": {"number": 2, "confi')

    again = Journal.open(tmp_path, request)

    assert "parent" == again.parent
    assert ["00001_0"] == list(again.ended)
    assert [(assignments[0], "run 0"), (assignments[2], "run 2")] == again.unfinished


def test_a_resumed_agenda_first_goes_on_with_what_was_begun(plan_of: PlanOf) -> None:
    request = request_of(plan_of("bowl", "sweep.trials=4", "sweep.search=random"))
    undisturbed = Agenda(request)
    whole = [undisturbed.next() for _ in range(4)]
    agenda = Agenda(request)

    agenda.resume([ended(whole[0], 1.0)], [whole[1]])  # type: ignore[arg-type, list-item]  # none is None

    assert whole[1:] == [agenda.next(), agenda.next(), agenda.next()]
    assert agenda.next() is None


@pytest.mark.parametrize("limit", ["sweep.trials=9", "sweep.concurrency=3", "sweep.time_limit=1h"])
def test_limits_do_not_make_another_sweep(limit: str, plan_of: PlanOf, tmp_path: Path) -> None:
    assert Journal.open(tmp_path, request_of(plan_of("bowl"))).path == (
        Journal.open(tmp_path, request_of(plan_of("bowl", limit))).path
    )


def test_another_space_is_another_sweep(plan_of: PlanOf, tmp_path: Path) -> None:
    other = plan_of("bowl", "sweep.space={bowl.x: {uniform: [0, 1]}}")

    assert Journal.open(tmp_path, request_of(plan_of("bowl"))).path != Journal.open(tmp_path, request_of(other)).path
