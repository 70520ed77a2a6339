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

from statelang.errors import InvalidSettings, StoreError
from statelang.values import encode

LONGEST_MS: Final = 900_000
"""How long SQS holds a message back at most."""

EARLY_MS: Final = 120_000
"""How much earlier than due the Scheduler sends a message."""

MINUTE_MS: Final = 60_000
BATCH: Final = 10
TRIES: Final = 3
"""How often the messages of a batch are sent that the queue did not take."""


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
        """As given, or as the environment says. Raises InvalidSettings for what is no URL of a queue that can delay."""
        found = queue or os.environ.get(QUEUE) or None
        if found is not None and not found.startswith(("https://", "http://")):
            raise InvalidSettings(f"the queue {found!r} must be a URL: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME")
        if found is not None and found.endswith(".fifo"):
            raise InvalidSettings(f"the queue {found!r} is a FIFO one, which delays no single message: take another")
        return Wakes(found, os.environ.get(ROLE) or None, os.environ.get(GROUP) or "default", client)

    def send(self, name: str, due: int, now: int) -> None:
        """Leave a wake-up for an execution that is due at a time (both in milliseconds since 1970)."""
        self.send_many([(name, due)], now)

    def send_many(self, wakes: Sequence[tuple[str, int]], now: int) -> None:
        """Leave wake-ups for executions, each with when it is due. Raises StoreError, once all were tried."""
        if self.queue is None:
            return
        problems = []
        soon = [(name, due) for name, due in wakes if not self._is_far(due, now)]
        for start in range(0, len(soon), BATCH):
            problems += self._tried(lambda: self._queue(soon[start : start + BATCH], now))  # noqa: B023
        for name, due in wakes:
            if self._is_far(due, now):
                problems += self._tried(lambda: self._schedule(name, due))  # noqa: B023
        if problems:
            raise problems[0]

    def _is_far(self, due: int, now: int) -> bool:
        """Whether it is left to the Scheduler."""
        return due - now > LONGEST_MS + EARLY_MS + MINUTE_MS and self.role is not None

    def _tried(self, send: Callable[[], None]) -> list[StoreError]:
        try:
            send()
        except StoreError as problem:
            return [problem]
        return []

    def _queue(self, wakes: Sequence[tuple[str, int]], now: int) -> None:
        entries = [
            {
                "Id": str(number),
                "MessageBody": encode({"wake": name}),
                "DelaySeconds": -(-max(0, min(LONGEST_MS, due - now)) // 1000),
            }
            for number, (name, due) in enumerate(wakes)
        ]
        for _ in range(TRIES):
            answer = self._call("sqs", "send_message_batch", QueueUrl=self.queue, Entries=entries)
            failed = {one["Id"]: one for one in answer.get("Failed", ())}
            entries = [one for one in entries if one["Id"] in failed]
            if not entries:
                return
        code = next(iter(failed.values())).get("Code")
        raise StoreError(f"{len(entries)} wake-ups could not be left: the queue refused them ({code})")

    def _schedule(self, name: str, due: int) -> None:
        meta = self.client("sqs").meta
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
                "Arn": queue_arn(str(self.queue), str(meta.region_name), str(meta.partition)),
                "RoleArn": self.role,
                "Input": encode({"wake": name}),
            },
        )

    def _call(self, service: str, operation: str, known: str = "", **arguments: Any) -> dict[str, Any]:
        """Raises StoreError; `known` is an error that means that it has been done already."""
        try:
            answer: dict[str, Any] = getattr(self.client(service), operation)(**arguments)
            return answer
        except Exception as problem:
            response = getattr(problem, "response", None)
            code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
            if not known or code != known:
                raise StoreError(f"a wake-up could not be left: {problem}") from problem
            return {}


def queue_arn(url: str, region: str, partition: str = "aws") -> str:
    """The ARN of a queue, from its URL."""
    account, name = url.rstrip("/").split("/")[-2:]
    return f"arn:{partition}:sqs:{region}:{account}:{name}"
