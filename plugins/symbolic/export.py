"""A formula for use elsewhere: LaTeX, sympy, Python and C, with names that are identifiers there."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.context import Context
from plugins.symbolic.grammar import parse
from plugins.symbolic.programs import Program, arity
from plugins.symbolic.types import Front

if TYPE_CHECKING:
    from plugins.symbolic import stages

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_PYTHON = {"abs": "np.abs({})", "max": "np.maximum({}, {})", "min": "np.minimum({}, {})", "asin": "np.arcsin({})",
           "acos": "np.arccos({})", "atan": "np.arctan({})", "pow": "({})**({})", "neg": "(-({}))", "inv": "(1/({}))",
           "square": "({})**2", "pdiv": "np.where(np.abs({1}) > 0.001, ({0})/({1}), 1.0)",
           "psqrt": "np.sqrt(np.abs({}))", "plog": "np.where(np.abs({0}) > 0.001, np.log(np.abs({0})), 0.0)",
           "pinv": "np.where(np.abs({0}) > 0.001, 1/({0}), 0.0)"}  # fmt: skip
_C = {"abs": "fabs({})", "max": "fmax({}, {})", "min": "fmin({}, {})", "neg": "(-({}))", "inv": "(1.0/({}))",
      "square": "pow({}, 2.0)", "pow": "pow({}, {})", "pdiv": "(fabs({1}) > 0.001 ? ({0})/({1}) : 1.0)",
      "psqrt": "sqrt(fabs({}))", "plog": "(fabs({0}) > 0.001 ? log(fabs({0})) : 0.0)",
      "pinv": "(fabs({0}) > 0.001 ? 1.0/({0}) : 0.0)"}  # fmt: skip
_C_WORDS = frozenset(
    ["auto", "break", "case", "char", "const", "double", "else", "float", "for", "goto", "if", "int", "long", "return",
     "short", "static", "void"]
)  # fmt: skip


def write(stage: stages.Export, formula: Front, context: Context) -> str:
    """Keep the chosen formula in every language; what comes back is its LaTeX."""
    program = parse(formula.best.expression, formula.variables)
    names = identifiers(formula.variables)
    renamed = "".join(f"{new}: {old}\n" for new, old in zip(names, formula.variables, strict=True) if new != old)
    if renamed:
        context.text("names", renamed)
    latex = to_latex(program, formula.variables, formula.target)
    context.text("formula.tex", latex + "\n")
    context.text("formula.py", to_python(program, names))
    context.text("formula.c", to_c(program, names))
    context.text("formula.sympy", to_sympy_text(program, names) + "\n")
    return latex


def identifiers(names: Sequence[str]) -> list[str]:
    """Names that Python and C both take, distinct, as near to the given ones as may be."""
    found: list[str] = []
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_") or "x"
        if plain[0].isdigit() or keyword.iskeyword(plain) or plain in _C_WORDS or plain in ("np", "formula"):
            plain = f"x_{plain}"
        unique, number = plain, 2
        while unique in found:
            unique, number = f"{plain}_{number}", number + 1
        found.append(unique)
    return found


def to_python(program: Program, names: Sequence[str]) -> str:
    """A Python function of numpy arrays."""
    body = _code(program, names, _PYTHON, "np.{}({})")
    return f"import numpy as np\n\n\ndef formula({', '.join(names)}):\n    return {body}\n"


def to_c(program: Program, names: Sequence[str]) -> str:
    """A C function of doubles."""
    arguments = ", ".join(f"double {name}" for name in names) or "void"
    return (
        f"#include <math.h>\n\ndouble formula({arguments}) {{\n    return {_code(program, names, _C, '{}({})')};\n}}\n"
    )


def to_sympy_text(program: Program, names: Sequence[str]) -> str:
    """sympy's own way of writing the formula."""
    import sympy

    from plugins.symbolic.conversion import to_sympy

    return str(to_sympy(program, [sympy.Symbol(name, real=True) for name in names]))


def to_latex(program: Program, variables: Sequence[str], target: str) -> str:
    """An equation in LaTeX, constants with six digits."""
    import sympy

    from plugins.symbolic.conversion import to_sympy

    symbols = [sympy.Symbol(name, real=True) for name in variables]
    expression = to_sympy(program, symbols, lambda value: sympy.Float(f"{value:.6g}", 6))
    plain = {symbol: rf"\mathrm{{{_escaped(symbol.name)}}}" for symbol in symbols if not symbol.name.isidentifier()}
    left = target if len(target) == 1 else rf"\mathrm{{{_escaped(target)}}}"
    return f"{left} = {sympy.latex(expression, symbol_names=plain)}"


def _escaped(name: str) -> str:
    return re.sub(r"([#$%&_{}])", r"\\\1", name).replace(" ", r"\ ")


def _code(program: Program, names: Sequence[str], words: dict[str, str], call: str) -> str:
    stack: list[str] = []
    for token in reversed(program):
        if isinstance(token, str):
            parts = [stack.pop() for _ in range(arity(token))]
            if token in _INFIX:
                stack.append(f"({parts[0]} {_INFIX[token]} {parts[1]})")
            elif token in words:
                stack.append(words[token].format(*parts))
            else:
                stack.append(call.format(token, *parts))
        elif isinstance(token, int):
            stack.append(names[token])
        else:
            stack.append(f"({token!r})" if token < 0 else repr(token))
    return stack[0]
