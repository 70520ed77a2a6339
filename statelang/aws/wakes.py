"""Wake-ups: messages that bring an execution back when it is due.

SQS delays a message for up to 15 minutes, to the second. What is due later is left to EventBridge Scheduler, which
sends it two minutes early, as it is precise to a minute only; whoever is woken too early sends itself the rest.
Without a role for the Scheduler, a message is sent on every 15 minutes.

Rule: a wake-up is a reminder, never the truth: one that is lost, late, early or doubled does no harm.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from statelang.errors import StoreError
from statelang.values import encode

LONGEST_MS: Final = 900_000
"""How long SQS holds a message back at most."""

EARLY_MS: Final = 120_000
"""How much earlier than due the Scheduler sends a message."""

MINUTE_MS: Final = 60_000
BATCH: Final = 10

QUEUE: Final = "STATELANG_QUEUE"
ROLE: Final = "STATELANG_SCHEDULER_ROLE"
GROUP: Final = "STATELANG_SCHEDULER_GROUP"


@dataclass(frozen=True, slots=True)
class Wakes:
    """Where wake-ups are sent: the queue's URL, and the role that the Scheduler takes on to send to it."""

    queue: str | None
    role: str | None
    group: str
    client: Callable[[str], Any]

    @staticmethod
    def of(queue: str | None, client: Callable[[str], Any]) -> Wakes:
        """As given, or as the environment says."""
        found = queue or os.environ.get(QUEUE) or None
        return Wakes(found, os.environ.get(ROLE) or None, os.environ.get(GROUP) or "default", client)

    def send(self, name: str, due: int, now: int) -> None:
        """Leave a wake-up for an execution that is due at a time (both in milliseconds since 1970)."""
        if self.queue is None:
            return
        wait = max(0, due - now)
        if wait > LONGEST_MS + EARLY_MS + MINUTE_MS and self.role is not None:
            self._schedule(name, due)
            return
        delay = min(LONGEST_MS, wait)
        self._call(
            "sqs",
            "send_message",
            QueueUrl=self.queue,
            MessageBody=encode({"wake": name}),
            DelaySeconds=-(-delay // 1000),
        )

    def send_many(self, names: Sequence[str]) -> None:
        """Wake many executions now."""
        for start in range(0, len(names) if self.queue else 0, BATCH):
            entries = [
                {"Id": str(number), "MessageBody": encode({"wake": name})}
                for number, name in enumerate(names[start : start + BATCH])
            ]
            self._call("sqs", "send_message_batch", QueueUrl=self.queue, Entries=entries)

    def _schedule(self, name: str, due: int) -> None:
        at = (due - EARLY_MS) // MINUTE_MS * MINUTE_MS
        when = datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        self._call(
            "scheduler",
            "create_schedule",
            known="ConflictException",
            Name="statelang-" + hashlib.sha256(f"{name}\n{due}".encode()).hexdigest()[:40],
            GroupName=self.group,
            ScheduleExpression=f"at({when})",
            ScheduleExpressionTimezone="UTC",
            FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion="DELETE",
            Target={
                "Arn": queue_arn(str(self.queue), self.region),
                "RoleArn": self.role,
                "Input": encode({"wake": name}),
            },
        )

    @property
    def region(self) -> str:
        """The region of the clients."""
        return str(self.client("sqs").meta.region_name)

    def _call(self, service: str, operation: str, known: str = "", **arguments: Any) -> None:
        """Raises StoreError; `known` is an error that means that it has been done already."""
        try:
            getattr(self.client(service), operation)(**arguments)
        except Exception as problem:
            response = getattr(problem, "response", None)
            code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
            if not known or code != known:
                raise StoreError(f"a wake-up could not be left: {problem}") from problem


def queue_arn(url: str, region: str) -> str:
    """The ARN of a queue, from its URL."""
    account, name = url.rstrip("/").split("/")[-2:]
    return f"arn:aws:sqs:{region}:{account}:{name}"
