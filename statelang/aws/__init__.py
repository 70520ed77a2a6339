"""The whole engine inside a Lambda function.

    import statelang.aws
    handler = statelang.aws.handler("order.asl.json", store="dynamodb://statelang", tasks={"charge": charge})

Rule: an invocation drives executions until they end, sleep or its time is nearly up, and leaves a wake-up.
"""

from __future__ import annotations

from statelang.aws.cold import uncollected

with uncollected():
    from statelang.aws.host import handler

__all__ = ["handler"]
