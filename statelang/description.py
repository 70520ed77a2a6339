"""An execution as DescribeExecution tells it to a task that waited for it (asl.md 8.1; keys as AWS was recorded).

Rule: one shape, whoever asks: the child's last commit, or a poll.
"""

from __future__ import annotations

from statelang.core.execution import Head, Started
from statelang.values import Json, decode


def described(started: Started, head: Head, *, parsed: bool) -> Json:
    """`parsed`: Input and Output as JSON (`.sync:2`), else as texts. Times in milliseconds since 1970."""
    told: dict[str, Json] = {}
    if head.status != "SUCCEEDED":
        error = "States.Timeout" if head.status == "TIMED_OUT" else head.error
        told |= {key: value for key, value in (("Cause", head.cause), ("Error", error)) if value is not None}
    told |= {
        "ExecutionArn": started.arn,
        "Input": decode(started.input) if parsed else started.input,
        "InputDetails": {"Included": True},
        "Name": started.name or started.id,
    }
    if head.output is not None:
        told |= {
            "Output": head.output.json if parsed else head.output.text,
            "OutputDetails": {"Included": True},
        }
    ended = head.status == "SUCCEEDED"
    told |= {"RedriveCount": head.redrives, "RedriveStatus": "NOT_REDRIVABLE" if ended else "REDRIVABLE"}
    if ended:
        told["RedriveStatusReason"] = "Execution is SUCCEEDED and cannot be redriven"
    return told | {
        "StartDate": started.at,
        "StateMachineArn": started.machine_arn,
        "Status": head.status,
        "StopDate": head.stopped_at,
    }
