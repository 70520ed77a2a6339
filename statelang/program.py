"""The Program: a state machine after compilation, as frozen nodes that hold what was written and its compiled closures.

Rule: nodes are data. They have no behaviour and nothing here decides anything; what a node means is in `core`, how it
comes to be is in `compiler`. Closures live here and nowhere else: a checkpoint names its definition by digest and the
state by name. State names are unique in the whole machine (spec 1.1), so a name alone finds its node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from statelang.language.scope import ABSENT, Absent, Scope
from statelang.values import Json

QueryLanguage = Literal["JSONPath", "JSONata"]

Expression = Callable[[Scope], Json]
"""A compiled field: evaluates to a JSON value or raises Fault with AWS's name and text (without the common prefix)."""

Placement = Callable[[Json, Json], Json]
"""A compiled ResultPath: (raw input, result) -> what comes out, neither mutated; raises Fault."""

Predicate = Callable[[Scope], bool]
"""A compiled Choice rule."""


class Retrier(msgspec.Struct, frozen=True, eq=False):
    """One element of Retry. Times in seconds; `max_delay_seconds` None: no cap; `full_jitter`: JitterStrategy FULL."""

    error_equals: tuple[str, ...]
    interval_seconds: float = 1
    max_attempts: int = 3
    backoff_rate: float = 2.0
    max_delay_seconds: float | None = None
    full_jitter: bool = False


class Catcher(msgspec.Struct, frozen=True, eq=False):
    """One element of Catch. `result_path` None is `$`. In JSONata `output` and `assign` see `$states.errorOutput`."""

    error_equals: tuple[str, ...]
    next: str
    result_path: Placement | None = None
    output: Expression | None = None
    assign: Expression | None = None


class State(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """What every state has. `next` None: the state ends its States object. `pointer` is its place in the definition.

    `input_path`, `output_path` and `result_path` None mean `$`. `arguments` is Parameters (JSONPath, seen from
    InputPath's output) or Arguments (JSONata). `assign` gives an object of variable names and values.
    """

    name: str
    pointer: str
    query_language: QueryLanguage = "JSONPath"
    comment: str | None = None
    next: str | None = None
    input_path: Expression | None = None
    output_path: Expression | None = None
    arguments: Expression | None = None
    result_selector: Expression | None = None
    result_path: Placement | None = None
    output: Expression | None = None
    assign: Expression | None = None


class Pass(State, frozen=True, eq=False, kw_only=True):
    """`result` is the literal Result, ABSENT where there is none."""

    result: Json | Absent = ABSENT


class Task(State, frozen=True, eq=False, kw_only=True):
    """`resource` as written. `timeout_seconds` and `heartbeat_seconds` evaluate to a number; None: never.

    `credentials` evaluates to an object with RoleArn.
    """

    resource: str
    timeout_seconds: Expression | None = None
    heartbeat_seconds: Expression | None = None
    credentials: Expression | None = None
    retriers: tuple[Retrier, ...] = ()
    catchers: tuple[Catcher, ...] = ()


class Rule(msgspec.Struct, frozen=True, eq=False):
    """One element of Choices. `output` and `assign` None: it has none (and the state's own are not used then)."""

    matches: Predicate
    next: str
    output: Expression | None = None
    assign: Expression | None = None


class Choice(State, frozen=True, eq=False, kw_only=True):
    """`default` None: no rule matching is States.NoChoiceMatched."""

    rules: tuple[Rule, ...]
    default: str | None = None


class Wait(State, frozen=True, eq=False, kw_only=True):
    """Exactly one of the two. `seconds` evaluates to a number, `timestamp` to milliseconds since 1970 (UTC)."""

    seconds: Expression | None = None
    timestamp: Expression | None = None


class Succeed(State, frozen=True, eq=False, kw_only=True):
    """Ends its States object well."""


class Fail(State, frozen=True, eq=False, kw_only=True):
    """`error` and `cause` evaluate to text; None: absent."""

    error: Expression | None = None
    cause: Expression | None = None


class States(msgspec.Struct, frozen=True, eq=False):
    """A States object with its StartAt: the machine itself, a branch, or an item processor."""

    start_at: str
    states: Mapping[str, State]


class Parallel(State, frozen=True, eq=False, kw_only=True):
    """`branches` in definition order."""

    branches: tuple[States, ...]
    retriers: tuple[Retrier, ...] = ()
    catchers: tuple[Catcher, ...] = ()


class Distributed(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """What a Map of mode DISTRIBUTED has beyond an inline one. `label` None: it has none.

    `reader`, `batcher` and `writer` evaluate ItemReader, ItemBatcher and ResultWriter to objects whose keys are
    written without `Path` and `.$`: the same in both query languages, with what is computed computed.
    """

    express: bool = False
    label: str | None = None
    reader: Expression | None = None
    batcher: Expression | None = None
    writer: Expression | None = None


class Map(State, frozen=True, eq=False, kw_only=True):
    """`items` is ItemsPath or Items (None: the effective input); `item_selector` also the deprecated Parameters.

    `items` evaluates to an array or an object, else raises Fault; `max_concurrency` to an integer, 0 being no limit.
    `distributed` is None for an inline one.
    """

    processor: States
    items: Expression | None = None
    item_selector: Expression | None = None
    max_concurrency: Expression | None = None
    tolerated_failure_count: Expression | None = None
    tolerated_failure_percentage: Expression | None = None
    distributed: Distributed | None = None
    retriers: tuple[Retrier, ...] = ()
    catchers: tuple[Catcher, ...] = ()


class Use(msgspec.Struct, frozen=True):
    """A Resource that a Task names, so that it can be found before the execution starts.

    `machine` is the StateMachineArn of a `startExecution` where it is written out.

    `function` is the FunctionName of a `lambda:invoke` where it is written out; None: computed, or no such task.
    """

    state: str
    resource: str
    function: str | None = None
    machine: str | None = None


class Program(msgspec.Struct, frozen=True, eq=False):
    """A compiled state machine.

    `digest` is the SHA-256 (hex) of `source`, the canonical JSON text of the definition, from which the Program can
    be compiled again; `nodes` finds any state of the machine by name; `timeout_seconds` is the whole execution's.
    """

    digest: str
    source: str
    main: States
    nodes: Mapping[str, State]
    comment: str | None = None
    query_language: QueryLanguage = "JSONPath"
    timeout_seconds: int | None = None
    uses: tuple[Use, ...] = ()
    variables: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=lambda: MappingProxyType({}))
    """What DescribeStateMachine calls variableReferences: state name -> sorted variables it reads or assigns."""
