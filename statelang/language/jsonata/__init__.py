"""JSONata 2.0.6, exact and bounded, usable on its own.

    Expression("$sum(order.items.price)").evaluate({"order": …})

Rule: compile once, evaluate often; only JsonataError comes out.
"""

from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.expression import Expression
from statelang.language.jsonata.values import UNDEFINED

__all__ = ["UNDEFINED", "Expression", "JsonataError"]
