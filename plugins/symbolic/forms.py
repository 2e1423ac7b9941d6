"""The form of a formula: what it is apart from its constants, so that two searches can be compared."""

from __future__ import annotations

from itertools import count
from typing import Any

import sympy

from plugins.symbolic.conversion import to_sympy
from plugins.symbolic.programs import Program, variables


def form(program: Program, names: tuple[str, ...]) -> str:
    """The formula with factors and summands that are constants left out, multiplied out; equal for equal forms.

    2*x*(y + z) and x*y - 3*x*z + 1 have the same form, x*y + x*z.
    """
    known = {number: sympy.Symbol(names[number], real=True) for number in variables(program)}
    own = frozenset(known.values())
    numbers = count()
    expression = to_sympy(program, known, lambda value: sympy.Symbol(f"_c{next(numbers)}", positive=True))
    # A shift would be multiplied by the denominator and look like a part of the numerator.
    terms = [term for term in sympy.Add.make_args(expression) if term.free_symbols & own]
    above, below = sympy.fraction(sympy.together(sympy.Add(*terms)))
    parts = [_bare(sympy.expand(part), own) for part in (above, below)]
    return str(parts[0]) if parts[1] == 1 else f"({parts[0]})/({parts[1]})"


def _bare(expression: Any, names: frozenset[Any]) -> Any:
    """Without constant factors and summands, at every depth."""
    if not expression.free_symbols & names:
        return sympy.Integer(1)
    if expression.is_Symbol:
        return expression
    if expression.is_Pow and not expression.exp.free_symbols & names:
        return _bare(expression.base, names) ** (expression.exp if expression.exp.is_number else sympy.Symbol("c"))
    parts = [_bare(part, names) for part in expression.args if part.free_symbols & names]
    if expression.is_Add:
        return sympy.Add(*dict.fromkeys(parts))
    if expression.is_Mul:
        return sympy.Mul(*parts)
    return expression.func(*parts)
