"""What every search must do, as a suite that also others' searches can be held to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.sweep.search._base import Search
from pipeline.sweep.space import Configuration

# Enough for every model to leave its random start.
TRIALS = 16


class SearchConformance:
    """Subclass it, and give a fixture ``make_search``: a function of a seed that makes a search with one objective."""

    def test_it_proposes_configurations_of_its_space(self, make_search: Callable[..., Search]) -> None:
        """Also after it has learned."""
        search = make_search()

        for number in range(TRIALS):
            configuration = search.ask(number)
            if configuration is None:
                break
            assert search.space.contains(configuration)
            search.tell(number, configuration, [float(number % 5)])

    def test_the_same_seed_gives_the_same_proposals(self, make_search: Callable[..., Search]) -> None:
        """And it learns alike."""
        assert _proposals(make_search(3)) == _proposals(make_search(3))

    def test_another_seed_gives_others(self, make_search: Callable[..., Search]) -> None:
        """Unless it enumerates."""
        search = make_search(3)
        if not search.exhaustive:
            assert _proposals(search) != _proposals(make_search(4))

    def test_told_what_was_before_it_goes_on_as_if_undisturbed(self, make_search: Callable[..., Search]) -> None:
        """So that a sweep can resume."""
        whole = _proposals(make_search(1), 10)
        resumed = make_search(1)
        for number, configuration in enumerate(whole[:7]):
            resumed.tell(number, configuration, [_value(configuration)])

        assert whole[7:] == _proposals(resumed, 10, first=7)

    def test_it_lives_with_failures_and_with_several_at_a_time(self, make_search: Callable[..., Search]) -> None:
        """Tells come late and in another order."""
        search = make_search()
        for start in range(0, 12, 4):
            asked = [(number, search.ask(number)) for number in range(start, start + 4)]
            for number, configuration in reversed(asked):
                if configuration is not None:
                    search.tell(number, configuration, None if number % 3 == 0 else [_value(configuration)])

    def test_a_refused_proposal_is_replaced_by_another(self, make_search: Callable[..., Search]) -> None:
        """As constraints demand."""
        search = make_search()
        first, second = search.ask(0, 0), search.ask(0, 1)

        assert first != second
        if second is not None:
            search.tell(0, second, [1.0])


def _proposals(search: Search, until: int = TRIALS // 2, first: int = 0) -> list[Configuration]:
    proposals = []
    for number in range(first, until):
        configuration = search.ask(number)
        if configuration is None:
            break
        proposals.append(configuration)
        search.tell(number, configuration, [_value(configuration)])
    return proposals


def _value(configuration: Any) -> float:
    """Some function of a configuration."""
    return sum((index + 1) * _number(value) for index, value in enumerate(configuration.values()))


def _number(value: Any) -> float:
    """A number for any value, the same in every process."""
    return float(value) if isinstance(value, int | float) else float(sum(map(ord, str(value))) % 7)
