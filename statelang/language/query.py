"""The seam for JSONata: the one place through which a `{% … %}` text becomes an expression.

Rule: the engine is imported only when a definition uses it.
"""

from __future__ import annotations

from collections.abc import Callable

from statelang.language.scope import Scope
from statelang.values import Json


def compile_query(text: str) -> Callable[[Scope], Json]:
    """The expression of a JSONata text (without its delimiters). Raises Malformed where there is none."""
    from statelang.language.jsonata.profile import compile_expression

    return compile_expression(text)
