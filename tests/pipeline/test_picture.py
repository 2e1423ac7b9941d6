"""The picture of a plan, drawn."""

from __future__ import annotations

from textwrap import dedent

from pipeline.picture import mermaid, text


def drawn(project, stages: str) -> str:
    """The picture without the explanations beside it."""
    project.write(stages)
    return "\n".join(
        line.rpartition(" → ")[0].rsplit("  ", 1)[0].rstrip() for line in text(project.load().plan).splitlines()
    )


def expected(picture: str) -> str:
    return dedent(picture).strip("\n")


def test_a_chain_goes_down_stairs(project):
    actual = drawn(
        project, "  make: {uses: counting.make}\n  draw: {uses: counting.draw}\n  round: {uses: counting.round}"
    )

    assert actual == expected(
        """
        ●      make
        └─●    draw
          └─●  round
        """
    )


def test_an_output_that_is_used_twice_goes_on(project):
    actual = drawn(
        project,
        "  make: {uses: counting.make}\n"
        "  one: {uses: counting.draw}\n"
        "  two: {uses: counting.draw}\n"
        "  sum: {uses: counting.gather, inputs: {numbers: [one, two]}}",
    )

    assert actual == expected(
        """
        ●        make
        ├─●      one
        └─│─●    two
          └─┴─●  sum
        """
    )


def test_stages_without_wires_stand_alone(project):
    actual = drawn(project, "  one: {uses: counting.make}\n  two: {uses: counting.make}")

    assert "●  one\n●  two" == actual


def test_each_row_says_what_runs_and_what_it_makes(project):
    project.write("  make:\n    variants:\n      few: {uses: counting.make}\n      many: {uses: counting.make}")

    assert "●  make  few: counting.make | many: counting.make → Box" == text(project.load().plan)


def test_mermaid_names_stages_and_types(project):
    project.write("  make: {uses: counting.make}\n  end: {uses: counting.draw}")

    assert mermaid(project.load().plan) == expected(
        """
        flowchart LR
            stage_make["make<br/>counting.make"]
            stage_end["end<br/>counting.draw"]
            stage_make -- "Box" --> stage_end
        """
    )
