"""Single values: what a word of a pipeline file means, and the environment variables inside a text.

The core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema), which PyYAML does not follow: ``1e-3`` is a
number, ``012`` is twelve, ``on`` and ``12:30:00`` are texts.
"""

from __future__ import annotations

import math
import os
import re

from pipeline.errors import Problem, closest

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)
_WORDS |= {sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")}
_WORDS |= dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan)

_NUMBER_STARTS = frozenset("-+.0123456789")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_MOST_DIGITS = 1000

_VARIABLE = r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}"
VARIABLE = re.compile(_VARIABLE)
_DOLLAR = re.compile(rf"\$\$\{{|{_VARIABLE}|\$\{{")


def resolve(text: str) -> Scalar:
    """What an unquoted word means; ValueError, whose text says why, for a number that is out of all bounds."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if _INTEGER.fullmatch(text):
        return _integer(text, 10)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            raise ValueError("this number is larger than any float (write .inf for infinity)")
        return number
    if _HEXADECIMAL.fullmatch(text):
        return _integer(text[2:], 16)
    if _OCTAL.fullmatch(text):
        return _integer(text[2:], 8)
    return text


def is_text(word: str) -> bool:
    """Whether an unquoted word means itself, not a number, a truth value or nothing."""
    if word in _WORDS:
        return False
    if word[0] not in _NUMBER_STARTS:
        return True
    return not any(form.fullmatch(word) for form in (_INTEGER, _FLOAT, _HEXADECIMAL, _OCTAL))


def _integer(digits: str, base: int) -> int:
    # Python itself refuses to print integers of more than 4,300 digits.
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"this number has {len(digits):,} digits; {_MOST_DIGITS:,} are allowed")
    return int(digits, base)


def interpolate(text: str) -> tuple[str, dict[str, str], list[tuple[str, Problem]]]:
    """Fill in environment variables; ``$${`` stands for a literal ``${``.

    Beside the text: the variables that were used, with their values; and what could not be filled in, each part of the
    text with its Problem, which has no place yet.
    """
    used: dict[str, str] = {}
    wrong: list[tuple[str, Problem]] = []

    def fill(match: re.Match[str]) -> str:
        written, name = match[0], match[1]
        if written == "$${":
            return "${"
        if problem := _unusable(name):
            wrong.append((written, problem))
            return written
        used[name] = os.environ[name]
        return used[name]

    return _DOLLAR.sub(fill, text), used, wrong


def _unusable(name: str | None) -> Problem | None:
    if name is None:
        hint = "Between the braces stands a name of letters, digits and underscores; write $${ for a plain '${'."
        return Problem("'${' begins no environment variable", hint=hint)
    if name not in os.environ:
        hint = f"Set it with: export {name}=...; write $${{{name}}} for a plain '${{{name}}}'."
        suggestion = closest(name, os.environ)
        return Problem(f"the environment variable {name!r} is not set", None, suggestion, hint)
    try:
        os.environ[name].encode()
    except UnicodeEncodeError:
        return Problem(f"the environment variable {name!r} is not UTF-8 text")
    return None
