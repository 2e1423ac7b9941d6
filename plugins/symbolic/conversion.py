"""Programs to sympy and back; nothing is read from text on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sympy

from plugins.symbolic.programs import Program, arity

TO_SYMPY: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
    "neg": lambda a: -a,
    "inv": lambda a: 1 / a,
    "square": lambda a: a**2,
    "sqrt": sympy.sqrt,
    "exp": sympy.exp,
    "log": sympy.log,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tan": sympy.tan,
    "tanh": sympy.tanh,
    "asin": sympy.asin,
    "acos": sympy.acos,
    "atan": sympy.atan,
    "abs": sympy.Abs,
    "max": sympy.Max,
    "min": sympy.Min,
    "pdiv": lambda a, b: a / b,
    "psqrt": lambda a: sympy.sqrt(sympy.Abs(a)),
    "plog": lambda a: sympy.log(sympy.Abs(a)),
    "pinv": lambda a: 1 / a,
}
"""How sympy says each function; gplearn's protected ones as they are where the protection does not act."""

_FROM_SYMPY = {
    sympy.exp: "exp", sympy.log: "log", sympy.sin: "sin", sympy.cos: "cos", sympy.tan: "tan", sympy.tanh: "tanh",
    sympy.asin: "asin", sympy.acos: "acos", sympy.atan: "atan", sympy.Abs: "abs", sympy.Max: "max", sympy.Min: "min",
}  # fmt: skip


def symbols(count: int, positive: Sequence[bool] = ()) -> list[sympy.Symbol]:
    """Real symbols x0, x1, ... for the variables; positive where the data are."""
    signs = list(positive) or [False] * count
    return [sympy.Symbol(f"x{n}", real=True, positive=True if signs[n] else None) for n in range(count)]


def to_sympy(
    program: Program, variables: Sequence[Any] | Mapping[int, Any], number: Callable[[float], Any] = sympy.Float
) -> Any:
    """The sympy expression; ``number`` says how a constant becomes one."""
    stack: list[Any] = []
    for token in reversed(program):
        if isinstance(token, str):
            stack.append(TO_SYMPY[token](*(stack.pop() for _ in range(arity(token)))))
        elif isinstance(token, int):
            stack.append(variables[token])
        else:
            stack.append(number(token))
    return stack[0]


def from_sympy(
    expression: Any, tokens: Mapping[Any, int | float], others: Callable[[Any], Iterable[Any]] = lambda expression: ()
) -> Program:
    """The shortest program of an expression and of all ``others`` of the same value that are known of any of its parts.

    ``tokens`` says what each symbol is. ValueError where the expression holds what the grammar has no word for.
    """
    known: dict[Any, Program] = {}

    def program(part: Any) -> Program:
        if part not in known:
            known[part] = shortest = _written(part, tokens, program)
            for other in others(part):
                shortest = min(shortest, program(other), key=len)
            known[part] = shortest
        return known[part]

    return program(expression)


def _written(expression: Any, tokens: Mapping[Any, int | float], program: Callable[[Any], Program]) -> Program:
    if expression in tokens:
        return (tokens[expression],)
    if expression.is_number:
        value = complex(expression)
        if value.imag or value != value:
            raise ValueError(f"{expression} is no real number")
        return (float(value.real),)
    if expression.is_Add or expression.is_Mul:
        return _chain("add" if expression.is_Add else "mul", expression, program)
    parts = [program(part) for part in expression.args]
    if expression.is_Pow:
        base, exponent = parts
        named = {(0.5,): "sqrt", (2.0,): "square", (-1.0,): "inv"}.get(exponent)
        if exponent in ((-0.5,), (-2.0,)):
            return ("inv", "sqrt" if exponent == (-0.5,) else "square", *base)
        return (named, *base) if named else ("pow", *base, *exponent)
    name = _FROM_SYMPY.get(expression.func)
    if name is None or (name not in ("max", "min") and len(parts) != 1):
        raise ValueError(f"there is no word for {expression.func}")
    result = parts[0]
    for part in parts[1:]:
        result = (name, *result, *part)
    return (name, *result) if len(parts) == 1 else result


def _chain(name: str, expression: Any, program: Callable[[Any], Program]) -> Program:
    """A sum or product of many as nested pairs; what is negative is subtracted, what is below is divided by."""
    plain, undone = [], []
    for part in sorted(expression.args, key=lambda arg: (not arg.is_number, sympy.default_sort_key(arg))):
        if name == "add" and part.could_extract_minus_sign():
            undone.append(program(-part))
        elif name == "mul" and part.is_Pow and part.exp.is_number and part.exp.could_extract_minus_sign():
            undone.append(program(1 / part))
        else:
            plain.append(program(part))
    inverse = "sub" if name == "add" else "div"
    if not plain:
        first, *undone = undone
        result = ("neg" if name == "add" else "inv", *first)
    else:
        result, *plain = plain
        if name == "mul" and result == (-1.0,) and plain:
            first, *plain = plain
            result = ("neg", *first)
    for part in plain:
        result = (name, *result, *part)
    for part in undone:
        result = (inverse, *result, *part)
    return result
