"""Numbers as text and back: `$formatNumber`, `$formatInteger`, `$parseInteger` by a picture, `$formatBase` in a base.

Rule: what a picture means is in `number_pictures` and `integer_pictures`, which are read when they are first needed.
"""

from __future__ import annotations

import math

from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.functions.numeric import round_
from statelang.language.jsonata.functions.registry import builtin
from statelang.language.jsonata.run import Run
from statelang.language.jsonata.values import UNDEFINED, Value, number_text

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@builtin("formatNumber", "<n-so?:s>", steps=14)
def format_number(run: Run, value: Value, picture: Value, options: Value = UNDEFINED) -> Value:
    if value is UNDEFINED:
        return UNDEFINED
    from statelang.language.jsonata.functions.number_pictures import formatted

    _picture(run, picture)
    return formatted(value, picture, options if isinstance(options, dict) else {})


@builtin("formatInteger", "<n-s:s>", steps=4)
def format_integer(run: Run, value: Value, picture: Value) -> Value:
    if value is UNDEFINED:
        return UNDEFINED
    from statelang.language.jsonata.functions.integer_pictures import analysed, formatted

    _picture(run, picture)
    return formatted(value, analysed(picture))


@builtin("parseInteger", "<s-s:n>", steps=4)
def parse_integer(run: Run, text: Value, picture: Value) -> Value:
    if text is UNDEFINED:
        return UNDEFINED
    from statelang.language.jsonata.functions.integer_pictures import analysed, parser

    _picture(run, picture)
    run.step(len(text) >> 3)
    return parser(analysed(picture)).parse(text)


@builtin("formatBase", "<n-n?:s>")
def format_base(run: Run, value: Value, radix: Value = UNDEFINED) -> Value:
    if value is UNDEFINED:
        return UNDEFINED
    base = 10 if radix is UNDEFINED else round_(run, radix)
    if base < 2 or base > 36:
        raise JsonataError("D3100", value=base)
    rounded = round_(run, value)
    if base == 10 or not math.isfinite(rounded):
        return number_text(rounded)
    run.step(2 + max(0, int(rounded)).bit_length() // 32)
    return ("-" if rounded < 0 else "") + _in_base(abs(rounded), int(base))


def _picture(run: Run, picture: Value) -> None:
    """A picture is gone through by character, and what separates its groups is put in one by one."""
    if isinstance(picture, str):
        run.step(len(picture) + (len(picture) ** 2 >> 12))


def _in_base(value: float, base: int) -> str:
    """A whole number in a base; digits that a double does not hold are zeros, as V8 writes them."""
    zeros = 0
    rest = float(value)
    while rest / base >= 2.0**53:
        rest, zeros = rest / base, zeros + 1
    digits = ""
    while rest > 0 or not digits:
        digit = math.fmod(rest, base)
        digits = DIGITS[int(digit)] + digits
        rest = (rest - digit) / base
    return digits + "0" * zeros
