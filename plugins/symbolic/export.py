"""A formula for use elsewhere: LaTeX, sympy, Python, torch and C, with names that are identifiers there."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.context import Context
from plugins.symbolic.grammar import parse
from plugins.symbolic.programs import Program, arity, constants, variables
from plugins.symbolic.types import Front

if TYPE_CHECKING:
    from plugins.symbolic import stages

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_PYTHON = {"abs": "np.abs({})", "max": "np.maximum({}, {})", "min": "np.minimum({}, {})", "asin": "np.arcsin({})",
           "acos": "np.arccos({})", "atan": "np.arctan({})", "pow": "({})**({})", "neg": "(-({}))", "inv": "(1/({}))",
           "square": "({})**2", "pdiv": "np.where(np.abs({1}) > 0.001, ({0})/({1}), 1.0)",
           "psqrt": "np.sqrt(np.abs({}))", "plog": "np.where(np.abs({0}) > 0.001, np.log(np.abs({0})), 0.0)",
           "pinv": "np.where(np.abs({0}) > 0.001, 1/({0}), 0.0)"}  # fmt: skip
_TORCH = {"max": "torch.maximum({}, {})", "min": "torch.minimum({}, {})", "neg": "(-({}))", "inv": "(1/({}))",
          "pow": "({})**({})", "square": "({})**2",
          "pdiv": "torch.where(torch.abs({1}) > 0.001, ({0})/({1}), 1.0)", "psqrt": "torch.sqrt(torch.abs({}))",
          "plog": "torch.where(torch.abs({0}) > 0.001, torch.log(torch.abs({0})), 0.0)",
          "pinv": "torch.where(torch.abs({0}) > 0.001, 1/({0}), 0.0)"}  # fmt: skip
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
    context.text("formula_torch.py", to_torch(program, names))
    context.text("formula.c", to_c(program, names))
    context.text("formula.sympy", to_sympy_text(program, names) + "\n")
    return latex


def identifiers(names: Sequence[str]) -> list[str]:
    """Names that Python and C both take, distinct, as near to the given ones as may be."""
    found: list[str] = []
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_") or "x"
        if (
            plain[0].isdigit()
            or keyword.iskeyword(plain)
            or plain in _C_WORDS
            or plain in ("np", "formula", "torch", "self", "inputs")
        ):
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


def to_torch(program: Program, names: Sequence[str]) -> str:
    """A torch module that needs nothing of ours: rows (n, variables) to (n,), the constants as parameters."""
    values = constants(program)
    lines = [f"{name} = inputs[..., {number}]" for number, name in enumerate(names) if number in variables(program)]
    numbered = [f"self.constants[{place}]" for place in range(len(values))]
    body = _code(program, names, _TORCH, "torch.{}({})", numbered)
    if not variables(program):
        body = f"({body}).expand(inputs.shape[:-1])"
    return (
        "import torch\n\n\nclass Formula(torch.nn.Module):\n"
        f'    """Inputs of shape (n, {len(names)}), in this order: {", ".join(names)}."""\n\n'
        "    def __init__(self):\n        super().__init__()\n"
        f"        self.constants = torch.nn.Parameter(torch.tensor({values!r}, dtype=torch.float64))\n\n"
        "    def forward(self, inputs):\n" + "".join(f"        {line}\n" for line in lines) + f"        return {body}\n"
    )


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

    return str(to_sympy(program, [sympy.Symbol(name, real=True) for name in names], _whole_or(sympy.Float)))


def to_latex(program: Program, names: Sequence[str], target: str) -> str:
    """An equation in LaTeX, constants with six digits."""
    import sympy

    from plugins.symbolic.conversion import to_sympy

    symbols = [sympy.Symbol(name, real=True) for name in names]
    expression = to_sympy(program, symbols, _whole_or(lambda value: sympy.Float(f"{value:.6g}", 6)))
    plain = {symbol: rf"\mathrm{{{_escaped(symbol.name)}}}" for symbol in symbols if not symbol.name.isidentifier()}
    left = target if len(target) == 1 else rf"\mathrm{{{_escaped(target)}}}"
    return f"{left} = {sympy.latex(expression, symbol_names=plain)}"


def _whole_or(number: Callable[[float], Any]) -> Callable[[float], Any]:
    """Whole numbers as such, x**3 rather than x**3.0, and any other constant as ``number`` has it."""
    import sympy

    return lambda value: sympy.Integer(value) if value.is_integer() and abs(value) < 1e6 else number(value)


def _escaped(name: str) -> str:
    return re.sub(r"([#$%&_{}])", r"\\\1", name).replace(" ", r"\ ")


def _code(program: Program, names: Sequence[str], words: dict[str, str], call: str, numbers: Sequence[str] = ()) -> str:
    """The formula as code; ``numbers`` are what its constants are called there, in order, else they are written out."""
    stack: list[str] = []
    named = list(numbers)
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
        elif named:
            stack.append(named.pop())
        else:
            stack.append(f"({token!r})" if token < 0 else repr(token))
    return stack[0]
