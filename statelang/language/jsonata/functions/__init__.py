"""The built-in functions, one module per family.

Rule: a built-in is one function with its signature, decorated by `builtin`; `BUILTINS` finds it by its name.
"""

from statelang.language.jsonata.functions import (
    arrays,
    datetimes,
    formatting,
    higher_order,
    numeric,
    objects,
    patterns,
    strings,
)
from statelang.language.jsonata.functions.registry import BUILTINS, builtin

__all__ = [
    "BUILTINS",
    "arrays",
    "builtin",
    "datetimes",
    "formatting",
    "higher_order",
    "numeric",
    "objects",
    "patterns",
    "strings",
]
