"""The inbox of an execution: posting to it from any process.

Posts are numbered: the execution's item counts them, and the commit that consumes them says up to which.

Rule: a post and its number are written in one transaction, which also tells whoever holds the execution, or makes it
due.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

import msgspec

from statelang.core.stimulus import Posted
from statelang.stores.dynamodb.blobs import Blobs
from statelang.stores.dynamodb.calls import Calls, Item, Refused
from statelang.stores.dynamodb.items import EXECUTION, FREE, POST, number, numbered

_encode: Final = msgspec.json.Encoder().encode


def item_key(pk: str) -> dict[str, Any]:
    """The key of an execution's item."""
    return {"pk": {"S": pk}, "sk": {"S": EXECUTION}}


def post(calls: Calls, blobs: Blobs, item: Callable[[], Item], stimulus: Posted) -> None:
    """Post to the execution whose item this gives. Raises what that raises."""
    while True:
        commit = os.urandom(16)
        try:
            calls.transact(post_actions(blobs, item(), commit, stimulus), commit)
            return
        except Refused:  # somebody else posted, claimed or released it
            continue


def post_actions(blobs: Blobs, item: Item, commit: bytes, stimulus: Posted) -> list[dict[str, Any]]:
    """Put the next post; tell the worker that holds the execution, or make it due."""
    pk, queue, posted = item["pk"]["S"], item.get("queue", {}).get("S"), number(item, "posted")
    next = {"N": str(posted + 1)}
    values = {":posted": {"N": str(posted)}, ":next": next}
    change, condition = "SET posted = :next", "posted = :posted AND attribute_not_exists(queue)"
    if queue is not None:
        condition, values[":was"] = "posted = :posted AND queue = :was", {"S": queue}
    if queue not in (None, FREE):
        change += ", due = :next"
    elif item["listed"]["S"].startswith("RUNNING#"):
        change += ", queue = :free, due = :now"
        values |= {":free": {"S": FREE}, ":now": {"N": "0"}}
    update = {
        "Key": item_key(pk),
        "UpdateExpression": change,
        "ConditionExpression": condition,
        "ExpressionAttributeValues": values,
    }
    content = blobs.holding(pk, _encode(stimulus))
    post = {"pk": {"S": pk}, "sk": {"S": numbered(POST, posted + 1)}, "commit": {"B": commit}, **content}
    return [{"Put": {"Item": post, "ConditionExpression": "attribute_not_exists(pk)"}}, {"Update": update}]
