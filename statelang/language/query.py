"""The seam for JSONata: the one place through which a `{% … %}` text becomes an expression.

Rule: the engine is imported only when a definition uses it; until there is one, such a definition is refused by name.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any, Final

from statelang.language.problems import NeedsJsonata
from statelang.language.scope import Scope

ENGINE: Final = "statelang.language.jsonata"


def compile_query(text: str) -> Callable[[Scope], Any]:
    """The expression of a JSONata text (without its delimiters).

    Raises NeedsJsonata where there is no engine, Malformed where the text does not parse.
    """
    if importlib.util.find_spec(ENGINE) is None:
        raise NeedsJsonata("this needs JSONata, which this version of Statelang does not evaluate yet")
    engine = importlib.import_module(ENGINE)
    compiled: Callable[[Scope], Any] = engine.compile_expression(text)
    return compiled
