"""`.sync`: begin, ask how it stands, stop. One pattern, and one row per job that AWS Step Functions waits for.

A job is known by the parameters of its describing and its stopping, made when it begins and kept with the execution.
Its describing tells a status; a status that is neither good nor bad means that it still runs.

Rule: a new job is a row of `JOBS`. Polling is a request among others: what passes (throttling, a server's trouble, no
network) is asked again, what does not ends the task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from statelang.values import Json

Standing = Literal["done", "failed", "runs"]

FIRST_SECONDS: Final = 1.0
"""When a job is asked for the first time."""

MOST_SECONDS: Final = 30.0
"""The longest pause between two questions; they grow by half from the first one."""


@dataclass(frozen=True, slots=True)
class Job:
    """How a job is followed.

    `describe` is the operation that tells how it stands and `ask` its parameters, each found at a path that begins
    with `in` (the state's parameters) or `out` (the answer to the request that began it); a name that ends with `[]`
    makes a list of one. `status` is where the status stands in what it tells, `done` and `failed` the ones that end
    the job. `result` is where the state's result stands. `stop` and `stop_with` are the operation that stops it and
    its parameters (None: `ask`). `gone`: a job that cannot be found any more is done. `judge` stands instead of the
    statuses where one word does not tell.
    """

    describe: str
    ask: Mapping[str, str]
    status: str = ""
    done: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    result: str = ""
    stop: str | None = None
    stop_with: Mapping[str, str] | None = None
    gone: bool = False
    judge: Callable[[Json], Standing] | None = None

    def standing(self, told: Json) -> Standing:
        """How a job stands, from what its describing told."""
        if self.judge is not None:
            return self.judge(told)
        status = at(told, self.status)
        return "done" if status in self.done else "failed" if status in self.failed else "runs"


def pause(polls: int) -> float:
    """Seconds until the next question, after so many."""
    return min(MOST_SECONDS, FIRST_SECONDS * 1.5 ** min(polls, 20))


def at(value: Json, path: str) -> Json:
    """What stands at a path of names and numbers; None where nothing does."""
    for part in path.split(".") if path else ():
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def filled(template: Mapping[str, str], given: Json, output: Json) -> dict[str, Json] | None:
    """The parameters of a template; None where the answer tells of no job."""
    found: dict[str, Json] = {}
    for name, path in template.items():
        source, _, rest = path.partition(".")
        value = path.removeprefix("=") if path.startswith("=") else at(output if source == "out" else given, rest)
        if value is None and source == "out":
            return None
        if value is not None:
            found[name.removesuffix("[]")] = [value] if name.endswith("[]") else value
    return found


def _containers(told: Json) -> Standing:
    """An ECS task is done when it has stopped, and well if it did start and no container says otherwise."""
    tasks = told.get("Tasks") or []
    if not tasks:
        return "failed" if told.get("Failures") else "runs"
    task = tasks[0]
    if task.get("LastStatus") != "STOPPED":
        return "runs"
    codes = [container.get("ExitCode") for container in task.get("Containers") or []]
    started = task.get("StopCode") != "TaskFailedToStart"
    return "done" if started and all(code == 0 for code in codes) else "failed"


def _named(kind: str, name: str, status: str, stop: str | None) -> Job:
    """A SageMaker job: described and stopped by its name."""
    ask = {name: f"in.{name}"}
    return Job(f"Describe{kind}", ask, status, ("Completed",), ("Failed", "Stopped"), stop=stop)


def _build(what: str, describe: str, ids: str, stop: str) -> Job:
    """A CodeBuild build or batch."""
    status = f"{what}{'es' if what.endswith('Batch') else 's'}.0.{what}Status"
    bad = ("FAILED", "FAULT", "TIMED_OUT", "STOPPED")
    return Job(
        describe, {f"{ids}[]": f"out.{what}.Id"}, status, ("SUCCEEDED",), bad, "", stop, {"Id": f"out.{what}.Id"}
    )


def _application(state: str, *beyond: str, bad: tuple[str, ...] = ()) -> Job:
    """An EMR Serverless application on its way to a state; it may be `beyond` it already when it is asked for."""
    failed = ("TERMINATED", *bad) if state != "TERMINATED" else bad
    where = "out.ApplicationId" if state == "CREATED" else "in.ApplicationId"
    ask = {"ApplicationId": where}
    return Job("GetApplication", ask, "Application.State", (state, *beyond), failed, gone=state == "TERMINATED")


def _eks(kind: str, ask: Mapping[str, str], *bad: str, made: bool) -> Job:
    """A cluster, or a part of one, that is being made, or deleted: then it is done when it cannot be found."""
    return Job(f"Describe{kind}", ask, f"{kind}.Status", ("ACTIVE",) if made else (), bad, gone=not made)


_EXECUTION: Final = Job(
    "DescribeExecution",
    {"ExecutionArn": "out.ExecutionArn"},
    "Status",
    ("SUCCEEDED",),
    ("FAILED", "TIMED_OUT", "ABORTED"),
    stop="StopExecution",
)
_EMR_RUN: Final = {"ApplicationId": "in.ApplicationId", "JobRunId": "out.JobRunId"}
_GROUP: Final = {"ClusterName": "in.ClusterName", "NodegroupName": "in.NodegroupName"}
_PROFILE: Final = {"ClusterName": "in.ClusterName", "FargateProfileName": "in.FargateProfileName"}
_GLUE_RUN: Final = {"JobName": "in.JobName", "RunId": "out.JobRunId"}
_STEP: Final = {"ClusterId": "in.ClusterId", "StepId": "out.StepId"}

JOBS: Final[Mapping[tuple[str, str], Job]] = {
    ("athena", "startQueryExecution"): Job(
        "GetQueryExecution",
        {"QueryExecutionId": "out.QueryExecutionId"},
        "QueryExecution.Status.State",
        ("SUCCEEDED",),
        ("FAILED", "CANCELLED"),
        stop="StopQueryExecution",
    ),
    ("batch", "submitJob"): Job(
        "DescribeJobs",
        {"Jobs[]": "out.JobId"},
        "Jobs.0.Status",
        ("SUCCEEDED",),
        ("FAILED",),
        "Jobs.0",
        "TerminateJob",
        {"JobId": "out.JobId", "Reason": "=The state machine does not wait for it any more"},
    ),
    ("bedrock", "createModelCustomizationJob"): Job(
        "GetModelCustomizationJob",
        {"JobIdentifier": "out.JobArn"},
        "Status",
        ("Completed",),
        ("Failed", "Stopped"),
        stop="StopModelCustomizationJob",
    ),
    ("codebuild", "startBuild"): _build("Build", "BatchGetBuilds", "Ids", "StopBuild"),
    ("codebuild", "startBuildBatch"): _build("BuildBatch", "BatchGetBuildBatches", "Ids", "StopBuildBatch"),
    ("codebuild", "retryBuildBatch"): _build("BuildBatch", "BatchGetBuildBatches", "Ids", "StopBuildBatch"),
    ("databrew", "startJobRun"): Job(
        "DescribeJobRun",
        {"Name": "in.Name", "RunId": "out.RunId"},
        "State",
        ("SUCCEEDED",),
        ("FAILED", "STOPPED", "TIMEOUT"),
        stop="StopJobRun",
    ),
    ("ecs", "runTask"): Job(
        "DescribeTasks",
        {"Cluster": "in.Cluster", "Tasks[]": "out.Tasks.0.TaskArn"},
        result="Tasks.0",
        stop="StopTask",
        stop_with={"Cluster": "in.Cluster", "Task": "out.Tasks.0.TaskArn"},
        judge=_containers,
    ),
    ("eks", "createCluster"): _eks("Cluster", {"Name": "in.Name"}, "FAILED", made=True),
    ("eks", "deleteCluster"): _eks("Cluster", {"Name": "in.Name"}, "FAILED", made=False),
    ("eks", "createNodegroup"): _eks("Nodegroup", _GROUP, "CREATE_FAILED", "DEGRADED", made=True),
    ("eks", "deleteNodegroup"): _eks("Nodegroup", _GROUP, "DELETE_FAILED", made=False),
    ("eks", "createFargateProfile"): _eks("FargateProfile", _PROFILE, "CREATE_FAILED", made=True),
    ("eks", "deleteFargateProfile"): _eks("FargateProfile", _PROFILE, "DELETE_FAILED", made=False),
    ("elasticmapreduce", "createCluster"): Job(
        "DescribeCluster",
        {"ClusterId": "out.ClusterId"},
        "Cluster.Status.State",
        ("WAITING", "RUNNING"),
        ("TERMINATED", "TERMINATED_WITH_ERRORS"),
        stop="TerminateJobFlows",
        stop_with={"JobFlowIds[]": "out.ClusterId"},
    ),
    ("elasticmapreduce", "terminateCluster"): Job(
        "DescribeCluster",
        {"ClusterId": "in.ClusterId"},
        "Cluster.Status.State",
        ("TERMINATED", "TERMINATED_WITH_ERRORS"),
    ),
    ("elasticmapreduce", "addStep"): Job(
        "DescribeStep",
        _STEP,
        "Step.Status.State",
        ("COMPLETED",),
        ("FAILED", "CANCELLED", "INTERRUPTED"),
        stop="CancelSteps",
        stop_with={"ClusterId": "in.ClusterId", "StepIds[]": "out.StepId"},
    ),
    ("emr-containers", "startJobRun"): Job(
        "DescribeJobRun",
        {"VirtualClusterId": "in.VirtualClusterId", "Id": "out.Id"},
        "JobRun.State",
        ("COMPLETED",),
        ("FAILED", "CANCELLED"),
        stop="CancelJobRun",
    ),
    ("emr-containers", "deleteVirtualCluster"): Job(
        "DescribeVirtualCluster",
        {"Id": "in.Id"},
        "VirtualCluster.State",
        ("TERMINATED",),
        ("ARRESTED",),
        gone=True,
    ),
    ("emr-serverless", "createApplication"): _application("CREATED", "STARTING", "STARTED", "STOPPING", "STOPPED"),
    ("emr-serverless", "startApplication"): _application("STARTED", bad=("STOPPED",)),
    ("emr-serverless", "stopApplication"): _application("STOPPED"),
    ("emr-serverless", "deleteApplication"): _application("TERMINATED"),
    ("emr-serverless", "startJobRun"): Job(
        "GetJobRun", _EMR_RUN, "JobRun.State", ("SUCCESS",), ("FAILED", "CANCELLED"), stop="CancelJobRun"
    ),
    ("emr-serverless", "cancelJobRun"): Job(
        "GetJobRun",
        {"ApplicationId": "in.ApplicationId", "JobRunId": "in.JobRunId"},
        "JobRun.State",
        ("CANCELLED", "SUCCESS", "FAILED"),
    ),
    ("glue", "startJobRun"): Job(
        "GetJobRun",
        _GLUE_RUN,
        "JobRun.JobRunState",
        ("SUCCEEDED",),
        ("FAILED", "TIMEOUT", "STOPPED", "ERROR", "EXPIRED"),
        "JobRun",
        "BatchStopJobRun",
        {"JobName": "in.JobName", "JobRunIds[]": "out.JobRunId"},
    ),
    ("mediaconvert", "createJob"): Job(
        "GetJob", {"Id": "out.Job.Id"}, "Job.Status", ("COMPLETE",), ("ERROR", "CANCELED"), stop="CancelJob"
    ),
    ("sagemaker", "createTrainingJob"): _named(
        "TrainingJob", "TrainingJobName", "TrainingJobStatus", "StopTrainingJob"
    ),
    ("sagemaker", "createTransformJob"): _named(
        "TransformJob", "TransformJobName", "TransformJobStatus", "StopTransformJob"
    ),
    ("sagemaker", "createProcessingJob"): _named(
        "ProcessingJob", "ProcessingJobName", "ProcessingJobStatus", "StopProcessingJob"
    ),
    ("sagemaker", "createLabelingJob"): _named(
        "LabelingJob", "LabelingJobName", "LabelingJobStatus", "StopLabelingJob"
    ),
    ("sagemaker", "createHyperParameterTuningJob"): _named(
        "HyperParameterTuningJob",
        "HyperParameterTuningJobName",
        "HyperParameterTuningJobStatus",
        "StopHyperParameterTuningJob",
    ),
    ("states", "startExecution"): _EXECUTION,
}
"""(service, action) -> how its job is followed."""
