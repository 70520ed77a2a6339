"""The optimized integrations: `arn:…:states:::SERVICE:ACTION`, with the names, results and errors that AWS gives them.

Rule: a service is a row of `SERVICES`; an action needs one in `ACTIONS` only where more happens than calling the
operation of its name. How a job is followed is a row of `jobs.JOBS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from statelang.errors import Fault, InvalidInput
from statelang.ports import Answer, Failed, Pending, Submitted, Succeeded, TaskCall
from statelang.tasks.aws import errors, names, shapes
from statelang.tasks.aws.clients import Clients
from statelang.tasks.aws.errors import Speech
from statelang.tasks.aws.jobs import JOBS, Job, at, filled, pause
from statelang.tasks.aws.request import Request, guarded, idempotency_token
from statelang.tasks.aws.transport import transport
from statelang.values import Json, decode, encode

Prepare = Callable[["Optimized", TaskCall, dict[str, Json]], dict[str, Json]]
"""The parameters of the state -> those of the operation; it may ask the service first."""

Finish = Callable[[Json], Json | Failed]
"""What the operation told -> the result of the task."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service: botocore's name of it and how it speaks of errors; `transport`: results tell of the transport."""

    boto: str
    speech: Speech
    transport: bool = True


@dataclass(frozen=True, slots=True)
class Action:
    """One action that is more than the operation of its name."""

    operation: str | None = None
    prepare: Prepare | None = None
    finish: Finish | None = None
    boto: str | None = None
    """botocore's name of the service, where it is another one than the service's own."""
    waits: Callable[[Json], Failed | None] | None = None
    """What is wrong with what the operation told, where the state waits for more than that."""
    began: Callable[[TaskCall, Json, Failed], Json] | None = None
    """What a lost request of the same attempt has begun already, where a refusal tells so; None: nothing."""


SERVICES: Final[Mapping[str, Service]] = {
    "athena": Service("athena", Speech("Athena", "AmazonAthena", "AmazonAthenaException")),
    "batch": Service("batch", Speech("Batch", "AWSBatch", "AWSBatchException")),
    "bedrock": Service("bedrock", Speech("Bedrock", "Bedrock", "BedrockException"), transport=False),
    "codebuild": Service("codebuild", Speech("CodeBuild", "AWSCodeBuild", "AWSCodeBuildException")),
    "databrew": Service("databrew", Speech("DataBrew", "AWSGlueDataBrew", "AWSGlueDataBrewException")),
    "dynamodb": Service("dynamodb", Speech("DynamoDB", "AmazonDynamoDBv2", "AmazonDynamoDBException")),
    "ecs": Service("ecs", Speech("ECS", "AmazonECS", "AmazonECSException")),
    "eks": Service("eks", Speech("EKS", "AmazonEKS", "AmazonEKSException")),
    "elasticmapreduce": Service("emr", Speech("EMR", "AmazonElasticMapReduce", "AmazonElasticMapReduceException")),
    "emr-containers": Service(
        "emr-containers", Speech("EMRContainers", "AmazonEMRContainers", "AmazonEMRContainersException")
    ),
    "emr-serverless": Service(
        "emr-serverless", Speech("EMRServerless", "EMRServerless", "EMRServerlessException"), transport=False
    ),
    "events": Service("events", Speech("EventBridge", "AmazonEventBridge", "AmazonEventBridgeException"), False),
    "glue": Service("glue", Speech("Glue", "AWSGlue", "AWSGlueException")),
    "mediaconvert": Service("mediaconvert", Speech("MediaConvert", "AWSMediaConvert", "AWSMediaConvertException")),
    "sagemaker": Service("sagemaker", Speech("SageMaker", "AmazonSageMaker", "AmazonSageMakerException")),
    "sns": Service("sns", Speech("SNS", "AmazonSNS", "AmazonSNSException", "code")),
    "sqs": Service("sqs", Speech("SQS", "AmazonSQS", "AmazonSQSException", "service")),
    "states": Service("stepfunctions", Speech("StepFunctions", "AWSStepFunctions", "AWSStepFunctionsException")),
}
"""Service of a Resource -> its row. Lambda, HTTP, API Gateway and `eks:call` have modules of their own.

Where the names of errors are from: DynamoDB, SQS, SNS, StepFunctions, EventBridge are recorded. Athena, Batch, Bedrock,
CodeBuild, ECS, EMR, EMRServerless, Glue, MediaConvert, SageMaker stand in the Retry of machines that run on AWS.
DataBrew, EKS and EMRContainers follow the pattern of the others, and nobody was found who tells.
"""


def _events(action: Optimized, call: TaskCall, given: dict[str, Json]) -> dict[str, Json]:
    """Every entry names the machine and the execution that it came from (recorded)."""
    context: Any = call.context
    ours = [context["StateMachine"]["Id"], context["Execution"]["Id"]] if context else []
    entries = given.get("Entries")
    if not isinstance(entries, list):
        return given
    told = [
        {**entry, "Resources": [*(entry.get("Resources") or ()), *ours]} if isinstance(entry, dict) else entry
        for entry in entries
    ]
    return {**given, "Entries": told}


def _name(action: Optimized, call: TaskCall, given: dict[str, Json]) -> dict[str, Json]:
    """An execution without a name is named after the attempt, so that a request that is made again begins no other."""
    return given if given.get("Name") is not None else {**given, "Name": idempotency_token(call)}


def _began(call: TaskCall, given: Json, failed: Failed) -> Json:
    """The execution that an earlier request of this attempt began, whose answer was lost; it has ended by now."""
    mine = given.get("Name") == idempotency_token(call)
    if not mine or failed.error != "StepFunctions.ExecutionAlreadyExistsException":
        return None
    machine = str(given.get("StateMachineArn")).replace(":stateMachine:", ":execution:")
    return {"ExecutionArn": f"{':'.join(machine.split(':')[:7])}:{given['Name']}"}


def _all_entries(told: Json) -> Json | Failed:
    return Failed("EventBridge.FailedEntry", encode(told)) if told.get("FailedEntryCount") else told


def _placed(told: Json) -> Failed | None:
    """ECS answers well though it could not place a task; a state that would wait for it fails (developer guide)."""
    return Failed("AmazonECS.Unknown", encode(told)) if told.get("Failures") else None


def _flow(action: Optimized, call: TaskCall, given: dict[str, Json]) -> dict[str, Json]:
    """EMR's older operations call a cluster a job flow and take lists."""
    steps = {"Steps": [given["Step"]]} if "Step" in given else {}
    rest = {name: value for name, value in given.items() if name not in ("ClusterId", "Step", "ExecutionRoleArn")}
    role = {"ExecutionRoleArn": given["ExecutionRoleArn"]} if "ExecutionRoleArn" in given else {}
    return {**rest, "JobFlowId": given.get("ClusterId"), **steps, **role}


def _flows(action: Optimized, call: TaskCall, given: dict[str, Json]) -> dict[str, Json]:
    rest = {name: value for name, value in given.items() if name != "ClusterId"}
    return {**rest, "JobFlowIds": [given.get("ClusterId")]}


def _cancel_step(action: Optimized, call: TaskCall, given: dict[str, Json]) -> dict[str, Json]:
    return {"ClusterId": given.get("ClusterId"), "StepIds": [given.get("StepId")]}


def _cluster(told: Json) -> Json:
    rest = {name: value for name, value in told.items() if name != "JobFlowId"}
    return {"ClusterId": told.get("JobFlowId"), **rest}


def _step(told: Json) -> Json:
    rest = {name: value for name, value in told.items() if name != "StepIds"}
    return {"StepId": at(told, "StepIds.0"), **rest}


def _cancelled(told: Json) -> Json:
    return at(told, "CancelStepsInfoList.0") or {}


def _fleet(action: Optimized, call: TaskCall, given: dict[str, Json]) -> dict[str, Json]:
    """A fleet is modified by its id, which its name has to be looked up for."""
    fleets, _ = action.ask(call, "ListInstanceFleets", {"ClusterId": given.get("ClusterId")})
    id = _named(fleets.get("InstanceFleets"), given.get("InstanceFleetName"))
    return {
        "ClusterId": given.get("ClusterId"),
        "InstanceFleet": {**(given.get("InstanceFleet") or {}), "InstanceFleetId": id},
    }


def _group(action: Optimized, call: TaskCall, given: dict[str, Json]) -> dict[str, Json]:
    groups, _ = action.ask(call, "ListInstanceGroups", {"ClusterId": given.get("ClusterId")})
    id = _named(groups.get("InstanceGroups"), given.get("InstanceGroupName"))
    changed = {**(given.get("InstanceGroup") or {}), "InstanceGroupId": id}
    return {"ClusterId": given.get("ClusterId"), "InstanceGroups": [changed]}


def _named(found: Json, name: Json) -> Json:
    id = next((one.get("Id") for one in found or () if one.get("Name") == name), None)
    if id is None:
        raise Fault("States.TaskFailed", f"The cluster has no instance fleet or group named '{name}'.")
    return id


def _answered(told: Json) -> Json:
    """What a model answered, as JSON where it is JSON."""
    return {**told, "Body": _json(told.get("Body"))}


def _parsed(told: Json) -> Json:
    """`.sync:2`: the input and output of a nested execution as JSON, not as text (recorded)."""
    return {name: _json(value) if name in ("Input", "Output") else value for name, value in told.items()}


def _json(text: Json) -> Json:
    """A text as JSON; one that is none is left as it is."""
    try:
        return decode(text) if isinstance(text, str) else text
    except InvalidInput:
        return text


ACTIONS: Final[Mapping[tuple[str, str], Action]] = {
    ("states", "startExecution"): Action(prepare=_name, began=_began),
    ("ecs", "runTask"): Action(waits=_placed),
    ("events", "putEvents"): Action(prepare=_events, finish=_all_entries),
    ("bedrock", "invokeModel"): Action("InvokeModel", finish=_answered, boto="bedrock-runtime"),
    ("elasticmapreduce", "createCluster"): Action("RunJobFlow", finish=_cluster),
    ("elasticmapreduce", "terminateCluster"): Action("TerminateJobFlows", _flows),
    ("elasticmapreduce", "setClusterTerminationProtection"): Action("SetTerminationProtection", _flows),
    ("elasticmapreduce", "addStep"): Action("AddJobFlowSteps", _flow, _step),
    ("elasticmapreduce", "modifyInstanceFleetByName"): Action("ModifyInstanceFleet", _fleet),
    ("elasticmapreduce", "modifyInstanceGroupByName"): Action("ModifyInstanceGroups", _group),
    ("elasticmapreduce", "cancelStep"): Action("CancelSteps", _cancel_step, _cancelled),
}
"""(service, action) -> what happens beyond calling the operation of its name."""

PLAIN: Final = Action()


@dataclass(frozen=True, slots=True)
class Optimized:
    """One optimized action, ready to be performed, asked for and stopped."""

    clients: Clients
    service: str
    action: str
    pattern: str

    @property
    def row(self) -> Service:
        """The service's row."""
        return SERVICES[self.service]

    @property
    def job(self) -> Job | None:
        """How its job is followed, where it has one and the state waits for it."""
        return JOBS.get((self.service, self.action)) if self.pattern.startswith(".sync") else None

    def perform(self, call: TaskCall) -> Answer:
        """Call the operation; where the state waits for the job that it begins, answer with that."""
        action = ACTIONS.get((self.service, self.action), PLAIN)

        given = call.input if isinstance(call.input, dict) else {}

        def work() -> Answer:
            sent = given if action.prepare is None else action.prepare(self, call, given)
            told, response = self.ask(call, action.operation, sent)
            result = told if action.finish is None else action.finish(told)
            if self.pattern and action.waits is not None:
                result = action.waits(result) or result
            if isinstance(result, Failed):
                return result
            whole = {**result, **transport(response)} if self.row.transport else result
            return self._begun(given, result, _sorted(whole))

        answer: Answer = self._guarded(call, work)
        if isinstance(answer, Failed) and action.began is not None and action.prepare is not None:
            earlier = action.began(call, action.prepare(self, call, given), answer)
            return answer if earlier is None else self._begun(given, earlier, earlier)
        return answer

    def _begun(self, given: Json, result: Json, whole: Json) -> Answer:
        if self.job is None:
            return Succeeded(whole)
        ask = filled(self.job.ask, given, result)
        if ask is None:
            return Failed("States.TaskFailed", encode(result))
        stop = ask if self.job.stop_with is None else filled(self.job.stop_with, given, result)
        return Submitted(whole, {"ask": ask, "stop": stop}, pause(0))

    def poll(self, call: TaskCall, known: Json, polls: int) -> Succeeded | Failed | Pending:
        """How the job stands."""
        job = self.job
        assert job is not None
        passing: list[errors.Told] = []

        def refused(told: errors.Told) -> Failed:
            passing.extend([told] if told.passes else [])
            if job.gone and told.code in ("ResourceNotFoundException", "NotFoundException"):
                passing.append(told)
            return errors.optimized_failure(self.row.speech, told)

        told = self._guarded(call, lambda: self.ask(call, job.describe, known["ask"])[0], refused)
        if isinstance(told, Failed):
            if passing and not passing[-1].passes:
                return Succeeded({})
            asks_again = passing or (told.error or "").endswith(".SdkClientException")
            return Pending(pause(polls)) if asks_again else told
        return self._stands(job, told, polls)

    def _stands(self, job: Job, told: Json, polls: int) -> Succeeded | Failed | Pending:
        standing = job.standing(told)
        if standing == "runs":
            return Pending(pause(polls))
        result = at(told, job.result) or told
        if self.pattern == ".sync:2":
            result = _parsed(result)
        return Succeeded(result) if standing == "done" else Failed("States.TaskFailed", encode(result))

    def stop(self, call: TaskCall, known: Json) -> Failed | None:
        """Stop the job, where AWS can; what is being made or deleted goes on, as it does on AWS."""
        job = self.job
        if job is None or job.stop is None or known.get("stop") is None:
            return None
        operation, parameters = job.stop, known["stop"]
        told = self._guarded(call, lambda: self.ask(call, operation, parameters))
        return told if isinstance(told, Failed) else None

    def ask(self, call: TaskCall, operation: str | None, given: Json) -> tuple[Json, dict[str, Any]]:
        """What an operation told, as the state sees it, and botocore's whole response."""
        boto = ACTIONS.get((self.service, self.action), PLAIN).boto or self.row.boto
        model = names.model(boto).operation_model(operation) if operation else names.operation(boto, self.action)
        sent = shapes.parameters(model.input_shape, given, names.raised)
        response = Request(self.clients, call, boto, model).send(sent)
        told = shapes.result(model.output_shape, response, names.raised, shapes.epoch)
        return _sorted(told), response

    def _guarded(
        self, call: TaskCall, work: Callable[[], Any], refused: Callable[[errors.Told], Failed] | None = None
    ) -> Any:
        speech = self.row.speech
        refused = refused or (lambda told: errors.optimized_failure(speech, told))
        return guarded(call, speech.prefix, refused, self.row.boto, work)


def _sorted(told: Json) -> Json:
    """The members in the order of their names, as AWS was recorded writing them."""
    return {name: told[name] for name in sorted(told)}


def optimized(clients: Clients, service: str, action: str, pattern: str) -> Optimized:
    """An action by the parts of its Resource. Raises Fault where there is no such service or action."""
    if service not in SERVICES:
        raise Fault("States.Runtime", f"The service '{service}' has no optimized integration")
    if (service, action) not in ACTIONS:
        names.operation(SERVICES[service].boto, action)
    return Optimized(clients, service, action, pattern)
