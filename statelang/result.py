"""Results and inputs: what goes into an execution from Python, and what comes out.

Rule: whatever a caller gives is checked here, before anything is written.
"""

from __future__ import annotations

from dataclasses import dataclass

from statelang.core.execution import Execution, Status
from statelang.core.limits import Limits
from statelang.errors import InvalidInput
from statelang.values import Json, admit, decode, encode


@dataclass(frozen=True, slots=True)
class Result:
    """How an execution stands: `output` is there when it SUCCEEDED, `error` and `cause` where it did not."""

    name: str
    status: Status
    output: Json = None
    error: str | None = None
    cause: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether it ended well."""
        return self.status == "SUCCEEDED"


class JsonText(str):
    """JSON text whose spelling is to be kept, as AWS keeps that of an execution's input."""

    __slots__ = ()


def result_of(execution: Execution) -> Result:
    """How an execution in memory stands."""
    head = execution.head
    output = None if head.output is None else head.output.json
    return Result(execution.started.id, head.status, output, head.error, head.cause)


def input_text(value: Json | JsonText, default: str = "{}") -> str:
    """The JSON text of an input or output: a JsonText as it is spelled, None as `default`. Raises InvalidInput."""
    if isinstance(value, JsonText):
        text = str(value)
        decode(text)
        return text
    return default if value is None else encode(admit(value))


def check_size(text: str, limits: Limits) -> None:
    """Raises InvalidInput where the text of an input is larger than a payload may be."""
    limit = limits.payload
    if limit is not None and len(text) * 4 > limit and (size := len(text.encode())) > limit:
        raise InvalidInput(f"the input has {size:,} bytes; at most {limit:,} are allowed (Limits.payload)")
