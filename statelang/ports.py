"""The ports: what the engine asks of stores and integrations, as Protocols and the data that passes through them.

Rule: nothing but types. Stores, tasks and the worker meet only here; none imports another.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from statelang.core.execution import Execution, Head, Record, Started, Status, Step
from statelang.core.map_run import MapRun, Tally
from statelang.core.stimulus import Posted
from statelang.objects import Objects
from statelang.program import Program, Use
from statelang.values import Json


class Succeeded(msgspec.Struct, frozen=True):
    """A task's answer: `output` as a JSON value; `text` its exact JSON text where the answer came as text.

    `begins` is a nested execution, which is begun with the commit that takes the answer.
    """

    output: Json
    text: str | None = None
    begins: Begins | None = None


class Failed(msgspec.Struct, frozen=True):
    """A task's failure: a States Language error name and its cause; None where neither was given.

    `trace` are the lines of where it happened, innermost last, for whoever tells them (Lambda's error JSON does).
    """

    error: str | None
    cause: str | None
    trace: tuple[str, ...] = ()


class Submitted(msgspec.Struct, frozen=True):
    """The request was performed (`output` and `text` as in Succeeded) and has begun a job whose end is the answer.

    `job` is what the job is known by, as a JSON value: it is kept with the execution, so that any worker can go on
    asking for it. It wants to be asked in `poll_after` seconds.
    """

    output: Json
    job: Json
    poll_after: float
    text: str | None = None
    begins: Begins | None = None


class Pending(msgspec.Struct, frozen=True):
    """A job still runs; it wants to be asked again in `poll_after` seconds."""

    poll_after: float


Answer = Succeeded | Failed | Submitted


class Cancel(Protocol):
    """The cancel signal of one task: set when its time is up, its execution was stopped, or the worker must end."""

    def is_set(self) -> bool: ...

    def wait(self, timeout: float | None = None) -> bool: ...


def _no_heartbeat() -> None:
    return None


class TaskCall(msgspec.Struct, frozen=True):
    """One attempt of one task, as an integration gets it.

    `resource` is the Resource as written, `input` the effective input (after Parameters or Arguments). `token` is new
    for every attempt; `idempotency_key` is the same across Retry and crashes of one visit of the state. `attempt`
    counts from 0. `deadline` is in milliseconds since 1970 (None: no time-out). `context` is the Context object.
    `heartbeat()` resets HeartbeatSeconds. `cancel` tells a task to give up.
    """

    resource: str
    input: Json
    token: str
    idempotency_key: str
    attempt: int
    deadline: int | None
    context: Mapping[str, Json]
    cancel: Cancel
    heartbeat: Callable[[], None] = _no_heartbeat
    credentials: Json = None
    """The evaluated Credentials field, or None."""


class Integration(Protocol):
    """What performs the tasks of a Resource."""

    def perform(self, call: TaskCall) -> Answer | None:
        """Do it and answer; None: the answer comes later, by token. Called on a thread of the worker's pool.

        Must not raise: an exception here is a defect of the integration and fails the task as States.TaskFailed.
        """
        ...


@runtime_checkable
class Jobs(Protocol):
    """What an integration that answers Submitted can do besides. Neither may raise."""

    def poll(self, call: TaskCall, job: Json, polls: int) -> Succeeded | Failed | Pending:
        """How the job stands, asked for the `polls`-th time (from 1). `call` is the task's own, its token too."""
        ...

    def stop(self, call: TaskCall, job: Json) -> Failed | None:
        """Nobody waits for the job any more: stop it, as best can be. Failed: it may go on."""
        ...


class Integrations(Protocol):
    """Knows what performs the tasks of each Resource."""

    def check(self, uses: Iterable[Use]) -> None:
        """Raises UnboundResource where a Resource that a definition names is performed by nobody."""
        ...

    def find(self, resource: str, input: Json) -> Integration | None:
        """What performs a task; None: somebody elsewhere, who answers by token. Raises UnboundResource: nobody."""
        ...

    def objects(self, bucket: str) -> Objects:
        """Where the objects of a bucket are. Raises ObjectError: nowhere that can be reached."""
        ...


class NewExecution(msgspec.Struct, frozen=True):
    """An execution to be made: what it is, its definition's text, its first step and those it has made already.

    `source` is empty where the definition is in the store already, with the execution that begins this one.
    """

    started: Started
    source: str
    step: Step
    more: Sequence[Step] = ()

    @property
    def steps(self) -> Sequence[Step]:
        """All its steps so far."""
        return (self.step, *self.more)


class Begins(msgspec.Struct, frozen=True):
    """An execution that an answer begins, as the machine made it."""

    new: NewExecution
    execution: Execution
    program: Program


class Lease(msgspec.Struct, frozen=True):
    """The right to drive one execution: every commit is conditional on its epoch. `key` is the store's own."""

    execution: str
    key: int
    epoch: int


class Queued(msgspec.Struct, frozen=True):
    """A task for whoever polls an activity: its ARN, the token of the answer, and the input as JSON text."""

    activity: str
    execution: str
    token: str
    input: str


class Commit(msgspec.Struct, frozen=True):
    """What is to be written of one execution: its steps since the last commit, in order (none: only what follows).

    `posts` are the numbers of the posts these steps consumed, `swept` those of frames that are gone. `release`: give
    the lease back; the execution is then due at `due` (milliseconds since 1970; None: it waits for a post).

    What concerns others is written in the same transaction. The Map Runs in the steps' `runs` are replaced, all but
    their tallies. `begun` are executions that this one begins: children of a Map Run, or a nested one; they may have
    made steps already, and may have ended. `tallies` are added to those of Map Runs (id -> what to add). `sends` are
    posts to other executions (id, stimulus); one that is not there is passed over. `queued` are tasks of activities.
    """

    lease: Lease
    steps: Sequence[Step]
    posts: Sequence[int] = ()
    swept: Sequence[int] = ()
    release: bool = False
    due: int | None = None
    begun: Sequence[NewExecution] = ()
    tallies: Mapping[str, Tally] = msgspec.field(default_factory=dict)
    sends: Sequence[tuple[str, Posted]] = ()
    queued: Sequence[Queued] = ()


class Post(msgspec.Struct, frozen=True):
    """Something another process wants to happen to an execution."""

    number: int
    execution: str
    stimulus: Posted


class Summary(msgspec.Struct, frozen=True):
    """One execution as lists show it. Times in milliseconds since 1970; `output` is JSON text.

    `due` is when it moves by itself next (None: it does not), `driven` whether some worker holds it now.
    """

    id: str
    machine: str
    status: Status
    started_at: int
    stopped_at: int | None
    due: int | None
    driven: bool
    redrives: int
    error: str | None
    cause: str | None
    digest: str


class Store(Protocol):
    """Where executions live. One instance serves one worker; reading is safe from other threads.

    Every method raises StoreError, or a subclass that says which trouble it is (StoreFull, StoreReadOnly, …).
    `poll_ms` is how often it is worth asking what other processes have written, in milliseconds.
    """

    poll_ms: int

    def create(self, executions: Sequence[NewExecution]) -> Sequence[Lease | None]:
        """Make executions, all or none, synced to disk. The maker holds their leases.

        None stands for one that exists already with the same definition, machine and input. Raises ExecutionExists
        where one exists with others.
        """
        ...

    def claim(self, execution: str) -> Lease | None:
        """Take a running execution over; None where a live worker holds it or it does not run."""
        ...

    def reopen(self, execution: str) -> Lease | None:
        """Take an execution that has ended without success over, to redrive it; None as for `claim`."""
        ...

    def load(self, lease: Lease) -> tuple[Execution, Sequence[Post]]:
        """The execution as it was last committed, and what was posted to it. Raises UnreadableCheckpoint."""
        ...

    def commit(self, commits: Sequence[Commit], *, sync: bool) -> Sequence[Lease | None]:
        """Write all of them in one transaction, synced to disk if asked. Raises LeaseLost; nothing is written then.

        Returns the leases of what was `begun`, in order, which the committer holds (those of what has ended already
        are of no use); None for one whose id existed, which is left as it is. A store whose transactions are small
        may write what was begun first, some at a time, and the commit that begins it last: ids of children are fixed,
        so that a commit that is repeated finds them. Their tallies go with the last of these writes.

        A store on a network may write several executions side by side. Where a lease is lost meanwhile it passes over
        what was written when the rest is committed again.
        """
        ...

    def post(self, execution: str, stimulus: Posted) -> None:
        """Leave a stimulus for whoever drives the execution, synced to disk. Raises ExecutionNotFound."""
        ...

    def posts(self) -> Sequence[Post]:
        """What was posted to the executions this worker holds, if anything was written since the last call."""
        ...

    def due(self, now: int, limit: int) -> Sequence[str]:
        """Executions nobody drives that can move at `now`: a timer is due, something was posted, their driver died."""
        ...

    def next_due(self) -> int | None:
        """The time at which an execution nobody drives is due next, in milliseconds since 1970."""
        ...

    def read(self, execution: str) -> Execution:
        """The execution as it was last committed, without a lease. Raises ExecutionNotFound."""
        ...

    def summary(self, execution: str) -> Summary:
        """What lists show of one execution. Raises ExecutionNotFound."""
        ...

    def summaries(
        self,
        *,
        machine: str | None = None,
        status: str | None = None,
        limit: int = 100,
        before: int | None = None,
        map_run: str | None = None,
    ) -> Sequence[Summary]:
        """Executions, the newest first; `before`: started before that time.

        The children of a Map Run are listed with its id alone, in the order of their index.
        """
        ...

    def map_run(self, id: str) -> tuple[MapRun, Tally]:
        """A Map Run as it was last committed. Raises MapRunNotFound."""
        ...

    def map_runs(self, execution: str) -> Sequence[tuple[MapRun, Tally]]:
        """The Map Runs of an execution, the oldest first."""
        ...

    def members(
        self, map_run: str, statuses: Collection[Status], *, first: int = 0, limit: int = 1_000
    ) -> Sequence[tuple[int, str]]:
        """Children of a Map Run that stand so, from index `first` on: (index, id), in the order of their index."""
        ...

    def children(self, map_run: str, *, first: int = 0, limit: int = 1_000) -> Sequence[tuple[Started, Head]]:
        """Children of a Map Run from index `first` on, with input and output, in the order of their index."""
        ...

    def take(self, activity: str, started: Callable[[str], Posted]) -> Queued | None:
        """Take the oldest task of an activity off its queue, synced to disk; None where there is none.

        In the same transaction `started(token)` is posted to its execution. Tasks of an execution that has ended are
        not given out.
        """
        ...

    def records(self, execution: str, after: int = 0) -> tuple[Sequence[Record], Callable[[int], str]]:
        """The records whose events come after event number `after`, and the text of any value by its number."""
        ...

    def definition(self, digest: str) -> str:
        """The text of a definition that some execution pins."""
        ...

    def sweep(self, limit: int) -> int:
        """Remove up to `limit` frames that are gone, when there is time; returns how many are left."""
        ...

    def close(self) -> None:
        """Give back every lease; the store is not used afterwards."""
        ...


class Care(Protocol):
    """A store looked after, while workers may be using it. Raises StoreError."""

    def info(self) -> dict[str, object]:
        """What is in it: sizes in bytes, executions by status."""
        ...

    def check(self) -> list[str]:
        """What is wrong with it; nothing where all is well."""
        ...

    def backup(self, target: str) -> None:
        """Copy it to a new file, as it is at one moment."""
        ...

    def prune(self, before: int) -> int:
        """Remove the executions that ended before a time (milliseconds since 1970); returns how many."""
        ...
