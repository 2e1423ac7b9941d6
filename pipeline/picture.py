"""The stages of a plan and their wires as a picture in text, or as a mermaid diagram for Markdown."""

from __future__ import annotations

from pipeline.plan import Plan
from pipeline.preview import edges, steps_of
from pipeline.stage import type_name


def text(plan: Plan) -> str:
    """One row for each stage in order of execution, its inputs drawn as lines from above.

    Every column belongs to a stage and goes down to the last stage that takes its output.
    """
    pairs = [(up, down) for up, down, _ in edges(plan)]
    names = list(dict.fromkeys(step.name for step in steps_of(plan)))
    open_columns: list[str | None] = []
    drawn: list[str] = []
    for position, name in enumerate(names):
        inputs = {up for up, down in pairs if down == name}
        rest = set(names[position + 1 :])
        goes_on = {up for up, down in pairs if down in rest}
        drawn.append(_row(open_columns, inputs, goes_on))
        open_columns = [column if column in goes_on else None for column in open_columns]
        open_columns.append(name if name in goes_on else None)
        while open_columns and open_columns[-1] is None:
            open_columns.pop()
    width = max(map(len, drawn))
    longest = max(map(len, names))
    return "\n".join(
        f"{row:<{width}}  {name:<{longest}}  {_told(plan, name)}" for row, name in zip(drawn, names, strict=True)
    )


def _row(columns: list[str | None], inputs: set[str], goes_on: set[str]) -> str:
    row = ""
    started = False
    for column in columns:
        if column in inputs:
            corner = ("┼" if started else "├") if column in goes_on else ("┴" if started else "└")
            row, started = f"{row}{corner}─", True
        elif column is not None:
            row += "│─" if started else "│ "
        else:
            row += "──" if started else "  "
    return f"{row}●"


def _told(plan: Plan, name: str) -> str:
    steps = [step for step in steps_of(plan) if step.name == name]
    uses = " | ".join(f"{step.variant}: {step.uses}" if step.variant else step.uses for step in steps)
    made = dict.fromkeys(type_name(type(step.stage).interface().output) for step in steps)
    return f"{uses} → {' | '.join(made)}"


def mermaid(plan: Plan) -> str:
    """A flowchart in mermaid's language, as GitHub and many editors draw it."""
    lines = ["flowchart LR"]
    for step in {step.name: step for step in steps_of(plan)}.values():
        uses = "<br/>".join(dict.fromkeys(s.uses for s in steps_of(plan) if s.name == step.name))
        # A prefix, because a node called "end" breaks the diagram.
        lines.append(f'    stage_{step.name}["{step.name}<br/>{uses}"]')
    lines += [f'    stage_{up} -- "{_escaped(what)}" --> stage_{down}' for up, down, what in edges(plan)]
    return "\n".join(lines)


def _escaped(label: str) -> str:
    return label.replace('"', "#quot;")
