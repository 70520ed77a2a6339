"""What a frame that waits for a task asks of the world: to perform it, to look after the job it began, to give it up.

Rule: a request is made from the frame alone, so that it can be made again after a crash, the same in every word.
"""

from __future__ import annotations

from statelang.core.execution import Execution
from statelang.core.frame import Frame, RunWait, TaskWait
from statelang.core.resource import classify
from statelang.core.stimulus import Cancel, Command, DriveMapRun, PollTask, RunTask, StopTask
from statelang.program import Program, State, Task


def run(execution: Execution, frame: Frame, node: State) -> RunTask:
    """Perform the task that the frame waits for."""
    waiting = frame.waiting
    assert isinstance(waiting, TaskWait)
    assert isinstance(node, Task)
    resource = classify(node.resource)
    return RunTask(
        frame.id,
        waiting.command,
        waiting.token,
        f"{execution.started.id}.{frame.id}.{frame.entered}",
        node.resource,
        waiting.input,
        frame.attempt,
        waiting.timeout,
        waiting.deadline,
        waiting.credentials,
        resource.submits,
        resource.later,
    )


def poll(execution: Execution, frame: Frame, node: State) -> PollTask:
    """Ask how the job stands that the frame waits for."""
    waiting = frame.waiting
    assert isinstance(waiting, TaskWait)
    assert waiting.job is not None
    return PollTask(run(execution, frame, node), waiting.job, waiting.polls)


def again(execution: Execution, frame: Frame, node: State) -> Command | None:
    """What has to be asked again after a crash; None: the answer, or the time of the next poll, comes by itself."""
    waiting = frame.waiting
    if isinstance(waiting, RunWait):
        return DriveMapRun(waiting.command, waiting.run)
    if not isinstance(waiting, TaskWait):
        return None
    if not waiting.submitted:
        return run(execution, frame, node)
    polling = waiting.job is not None and waiting.poll_at is None
    return poll(execution, frame, node) if polling else None


def give_up(program: Program, execution: Execution, frame: Frame) -> list[Command]:
    """The answer of the frame's command is not wanted any more; a job that was begun is to be stopped."""
    waiting, command = frame.waiting, frame.command
    if command is None:
        return []
    commands: list[Command] = [Cancel(command, waiting.run if isinstance(waiting, RunWait) else "")]
    if isinstance(waiting, TaskWait) and waiting.job is not None:
        commands.append(StopTask(run(execution, frame, program.nodes[frame.state]), waiting.job))
    return commands
