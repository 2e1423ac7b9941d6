"""Shorter ways to write a formula: factored, grouped by variables, common factors taken out, wherever a sum stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain, combinations
from math import prod
from typing import Any

import sympy

from plugins.symbolic.conversion import from_sympy, symbols, to_sympy
from plugins.symbolic.programs import Program, variables

SIMPLE, GREATEST = 64, 1000
"""Fractions with so small a denominator and no greater than this are exact, as powers of larger ones would fill the
memory; any other constant is a letter."""
TERMS, OPERATIONS, FACTORS, LOOKS = 12, 40, 6, 100
"""Larger sums and products are left as they are, and so is all that is met after so many rewritings."""
LARGEST = 1000
"""Numbers in a polynomial of all its variables, zeros counted, up to which a sum is factored: more take minutes."""


def shorter(program: Program) -> list[Program]:
    """Programs of the same function with fewer nodes, as far as factoring finds any; the shortest last."""
    try:
        expression, tokens, names = _expressed(program)
        found = [from_sympy(expression, tokens), from_sympy(expression, tokens, _Rewriting(names))]
    except _NO_WORD:
        return []
    return sorted((one for one in found if len(one) < len(program)), key=len, reverse=True)


def one_sided(program: Program) -> Program | None:
    """With x for the root of x squared and for its absolute value: the same where no such x changes its sign.

    It may have the other sign. None where there is no such root or absolute value.
    """
    try:
        expression, tokens, _ = _expressed(program)
        if not expression.has(sympy.Abs):
            return None
        return from_sympy(sympy.powdenest(expression.replace(sympy.Abs, lambda inner: inner), force=True), tokens)
    except _NO_WORD:
        return None


_NO_WORD = (ValueError, TypeError, RecursionError, sympy.PolynomialError)
"""What comes of it where sympy makes a function of a formula that has no word here."""


def _expressed(program: Program) -> tuple[Any, dict[Any, int | float], set[Any]]:
    """The program in sympy, what each of its symbols is, and those that are variables."""
    used = variables(program)
    names = symbols(len(used))
    letters: dict[float, Any] = {}

    def number(value: float) -> Any:
        if abs(value) <= GREATEST and (value * SIMPLE).is_integer():
            return sympy.Rational(value)
        letter = letters.setdefault(abs(value), sympy.Symbol(f"c{len(letters)}", positive=True))
        return letter if value > 0 else -letter

    expression = to_sympy(program, dict(zip(used, names, strict=True)), number)
    return expression, dict(zip([*names, *letters.values()], [*used, *letters], strict=True)), set(names)


class _Rewriting:
    """Other expressions of the same value, asked for part by part until it has looked ``LOOKS`` times."""

    def __init__(self, names: set[Any]) -> None:
        self.names, self.looks = names, 0

    def __call__(self, expression: Any) -> Iterator[Any]:
        """The others; none for what is neither a sum, nor a product or an exponential that has another form."""
        self.looks += 1
        if self.looks > LOOKS:
            return iter(())
        if expression.func is sympy.exp:
            return _exponential(expression)
        if len(expression.args) > TERMS or expression.count_ops() > OPERATIONS:
            return iter(())
        if expression.is_Add:
            return chain(self._by_variables(expression), _taken_out(expression), _factored(expression))
        if expression.is_Mul:
            return chain(_powers(expression), _signs(expression), _together(expression))
        return iter(())

    def _by_variables(self, total: Any) -> Iterator[Any]:
        """(x - y)^2 + (u - v)^2: terms that share a variable side by side, so that each group can be factored."""
        groups: list[tuple[set[Any], list[Any]]] = []
        for term in total.args:
            own, terms = term.free_symbols & self.names, [term]
            apart = []
            for names, others in groups:
                if names & own or not names | own:
                    own, terms = own | names, [*others, *terms]
                else:
                    apart.append((names, others))
            groups = [*apart, (own, terms)]
        if 1 < len(groups) < len(total.args):
            yield sympy.Add(*(sympy.Add(*terms) for _, terms in groups), evaluate=False)


def _taken_out(total: Any) -> Iterator[Any]:
    """x (a + b) + c: one factor taken out of all terms that have it."""
    powers = [term.as_powers_dict() for term in total.args]
    for base in sorted(set().union(*powers), key=sympy.default_sort_key):
        exponents = [sympy.sympify(power[base]) for power in powers]
        for sign in (1, -1):
            having = [n for n, exponent in enumerate(exponents) if exponent.is_number and (sign * exponent).is_positive]
            if len(having) < 2 or base == 1:
                continue
            common = base ** (sign * min(sign * exponents[n] for n in having))
            inner = sympy.Add(*(total.args[n] / common for n in having))
            rest = [total.args[n] for n in range(len(powers)) if n not in having]
            if not inner.is_Add:
                continue
            product = sympy.Mul(common, inner, evaluate=False)
            yield sympy.Add(product, *rest, evaluate=False) if rest else product


def _factored(total: Any) -> Iterator[Any]:
    """Over the rational numbers, and the product of two of what some of its factors multiply out to."""
    above, below = _degrees(total)
    if prod(degree + 1 for degree in above.values()) * prod(degree + 1 for degree in below.values()) > LARGEST:
        return
    whole = sympy.factor(total)
    if not whole.is_Mul:
        if whole.is_Pow:
            yield whole
        return
    yield whole
    factors = [
        piece
        for factor in whole.args
        for piece in (
            [factor.base] * int(factor.exp) if factor.is_Pow and factor.exp.is_Integer and factor.exp > 0 else [factor]
        )
    ]
    if len(factors) > FACTORS:
        return
    first, *others = factors
    for size in range(len(others)):
        for chosen in combinations(range(len(others)), size):
            left = sympy.expand(sympy.Mul(first, *(others[n] for n in chosen)))
            right = sympy.expand(sympy.Mul(*(others[n] for n in range(len(others)) if n not in chosen)))
            yield sympy.Mul(left, right, evaluate=False)


def _degrees(expression: Any) -> tuple[Counter[Any], Counter[Any]]:
    """Bounds of the degree in each symbol and function, of numerator and denominator once they are one fraction."""
    above: Counter[Any] = Counter()
    below: Counter[Any] = Counter()
    if expression.is_number:
        return above, below
    if expression.is_Pow and expression.exp.is_Integer:
        inner = _degrees(expression.base)
        above, below = (Counter({k: v * abs(int(expression.exp)) for k, v in part.items()}) for part in inner)
        return (above, below) if expression.exp > 0 else (below, above)
    if not (expression.is_Add or expression.is_Mul):
        return Counter({expression: 1}), below
    for over, under in map(_degrees, expression.args):
        above = above | over if expression.is_Add else above + over
        below += under
    return (above + below if expression.is_Add else above), below


def _powers(product: Any) -> Iterator[Any]:
    """(x y)^2 for x^2 y^2."""
    by_exponent: dict[Any, list[Any]] = {}
    for factor in product.args:
        base, exponent = factor.as_base_exp()
        by_exponent.setdefault(exponent if exponent.is_Integer else sympy.S.One, []).append(
            base if exponent.is_Integer else factor
        )
    if any(abs(exponent) > 1 and len(bases) > 1 for exponent, bases in by_exponent.items()):
        yield sympy.Mul(
            *(sympy.Pow(sympy.Mul(*bases, evaluate=False), exponent, evaluate=False) if exponent != 1 else
              sympy.Mul(*bases, evaluate=False) for exponent, bases in by_exponent.items()),
            evaluate=False,
        )  # fmt: skip


def _signs(product: Any) -> Iterator[Any]:
    """(y - x) z for -(x - y) z: the signs of any two factors turned, where that is no work."""
    turned = {}
    for place, factor in enumerate(product.args):
        base, exponent = factor.as_base_exp()
        if factor == -1:
            turned[place] = sympy.S.One
        elif base.is_Add and exponent.is_odd:
            turned[place] = sympy.Pow(sympy.Add(*(-term for term in base.args)), exponent)
    for pair in combinations(turned, 2):
        factors = [turned[place] if place in pair else factor for place, factor in enumerate(product.args)]
        yield sympy.Mul(*(factor for factor in factors if factor != 1), evaluate=False)


def _together(product: Any) -> Iterator[Any]:
    """exp(x + y) for exp(x) exp(y)."""
    exponents = [factor.args[0] for factor in product.args if factor.func is sympy.exp]
    if len(exponents) > 1:
        rest = [factor for factor in product.args if factor.func is not sympy.exp]
        yield sympy.Mul(*rest, sympy.exp(sympy.Add(*exponents)), evaluate=False)


def _exponential(expression: Any) -> Iterator[Any]:
    """x^y for exp(y log x)."""
    exponent = expression.args[0]
    for factor in sympy.Mul.make_args(exponent):
        if factor.func is sympy.log:
            yield sympy.Pow(factor.args[0], exponent / factor, evaluate=False)
