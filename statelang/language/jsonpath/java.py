"""How Java prints JSON values: `{a=1, b=[x, 1.0]}`. AWS's texts and States.Format show values this way.

Rule: only for texts that people read; no value is ever read back from it.
"""

from __future__ import annotations

from statelang.values import Json


def java_text(value: Json) -> str:
    """What `String.valueOf` gives for a value."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return java_double(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={java_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(java_text, value)) + "]"
    return str(value)


def java_double(value: float) -> str:
    """What `Double.toString` gives: `1.0`, `1.0E10`, `1.234E-5`."""
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        text = repr(value)
        return text if "e" not in text else f"{value:f}"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    digits = mantissa.replace(".", "").lstrip("0") or "0"
    point = mantissa.find(".") if "." in mantissa else len(mantissa)
    leading = len(mantissa.replace(".", "")) - len(mantissa.replace(".", "").lstrip("0"))
    power = point - 1 - leading + (int(exponent) if exponent else 0)
    digits = digits.rstrip("0") or "0"
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{power}"
