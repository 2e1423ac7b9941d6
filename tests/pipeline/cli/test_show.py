"""Tables and numbers as a person reads them."""

from __future__ import annotations

import pytest

from pipeline.cli._show import print_table, size


def test_columns_are_aligned_and_nothing_trails(capsys):
    print_table(["name", "count", ""], [["a", "1", "first"], ["long name", "20", ""]], right=["count"])

    assert capsys.readouterr().out == "name       count\na              1  first\nlong name     20\n"


def test_a_long_line_stays_a_line_in_a_pipe(capsys):
    print_table(["name", "about"], [["a", "word " * 200]])

    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (3400, "3.4 kB"), (163_000, "163 kB"), (2_000_000_000, "2.0 GB")]
)
def test_bytes_are_told_with_their_unit(count, text):
    assert text == size(count)
