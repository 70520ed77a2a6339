"""The approval's tasks: what stands in for the queue, and the payment."""

import os
from typing import Any


def send_message(message: dict[str, Any]) -> dict[str, str]:
    """Put the question where people look for it: the file STATELANG_APPROVALS names, else nowhere."""
    file = os.environ.get("STATELANG_APPROVALS")
    if file:
        with open(file, "a", encoding="utf-8") as approvals:
            approvals.write(f"{message['MessageBody']['token']}\n")
    return {"MessageId": "1"}


def pay_out(expense: dict[str, Any]) -> dict[str, Any]:
    """Transfer the money."""
    return {"paid": expense["amount"], "to": expense["who"]}
