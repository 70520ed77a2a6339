"""`eks:call` and `eks:runJob`: requests to the API of a Kubernetes cluster of EKS, as the role of the task.

Rule: a token of the cluster is made for one request, is good for a minute, and is told nowhere.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from statelang.ports import Answer, Failed, Pending, Submitted, Succeeded, TaskCall
from statelang.tasks.aws.clients import Clients, role_of
from statelang.tasks.aws.errors import TRANSIENT
from statelang.tasks.aws.jobs import at, pause
from statelang.tasks.aws.request import guarded, idempotency_token
from statelang.tasks.aws.shapes import BadParameters
from statelang.tasks.exchange import NoAnswer, Reply, exchange, seconds_left
from statelang.tasks.http_invoke import content, with_query
from statelang.values import Json, encode

TOKEN_SECONDS: Final = 60

NEEDED: Final = ("ClusterName", "CertificateAuthority", "Endpoint")

JOBS: Final = "/apis/batch/v1/namespaces/{}/jobs"


@dataclass(frozen=True, slots=True)
class CallApi:
    """Performs `eks:call`."""

    clients: Clients

    def perform(self, call: TaskCall) -> Answer:
        """Send the request and answer with what comes back."""

        def work() -> Answer:
            given = _given(call, "Method", "Path")
            path = with_query(given["Path"], given.get("QueryParameters") or {})
            reply = _send(self.clients, call, given["Method"], path, given.get("RequestBody"))
            return _refusal(reply) or Succeeded(_told(reply))

        answer: Answer = _guarded(call, work)
        return answer


@dataclass(frozen=True, slots=True)
class RunJob:
    """Performs `eks:runJob`: makes the Job and, where the state waits for it, follows it."""

    clients: Clients

    def perform(self, call: TaskCall) -> Answer:
        """Make the Job; it is named after the attempt where it has no name, so that it is made once."""

        def work() -> Answer:
            given = _given(call, "Job")
            jobs = JOBS.format(given.get("Namespace") or "default")
            job = _named(given["Job"], call)
            reply = _send(self.clients, call, "POST", jobs, job)
            refused = _refusal(reply)
            if refused is not None:
                return refused
            if ".sync" not in call.resource:
                return Succeeded(_told(reply))
            name = at(content(reply), "metadata.name") or job["metadata"].get("name")
            return Submitted(_told(reply), {"path": f"{jobs}/{name}"}, pause(0))

        answer: Answer = _guarded(call, work)
        return answer

    def poll(self, call: TaskCall, job: Json, polls: int) -> Succeeded | Failed | Pending:
        """How the Job stands: a condition Complete or Failed ends it."""

        def work() -> Succeeded | Failed | Pending:
            reply = _send(self.clients, call, "GET", job["path"], None)
            if reply.status in TRANSIENT:
                return Pending(pause(polls))
            return _refusal(reply) or _standing(content(reply), polls)

        told: Succeeded | Failed | Pending = _guarded(call, work)
        unreached = isinstance(told, Failed) and told.error == "EKS.SdkClientException"
        return Pending(pause(polls)) if unreached else told

    def stop(self, call: TaskCall, job: Json) -> Failed | None:
        """Delete the Job and its pods."""
        body = {"propagationPolicy": "Background"}
        told = _guarded(call, lambda: _refusal(_send(self.clients, call, "DELETE", job["path"], body)))
        return told if isinstance(told, Failed) else None


def _named(job: Any, call: TaskCall) -> dict[str, Any]:
    metadata = dict(job.get("metadata") or {})
    if not metadata.get("name") and not metadata.get("generateName"):
        metadata["name"] = f"job-{idempotency_token(call)}"
    return {**job, "metadata": metadata}


def _standing(job: Json, polls: int) -> Succeeded | Failed | Pending:
    ended = [c.get("type") for c in at(job, "status.conditions") or () if c.get("status") == "True"]
    if "Complete" in ended:
        return Succeeded(job)
    return Failed("States.TaskFailed", encode(job)) if "Failed" in ended else Pending(pause(polls))


def _guarded(call: TaskCall, work: Any) -> Any:
    def asked() -> Any:
        try:
            return work()
        except NoAnswer as problem:
            return Failed("EKS.SdkClientException", str(problem))

    return guarded(call, "EKS", lambda told: Failed(f"EKS.{told.code}", told.message), "sts", asked)


def _given(call: TaskCall, *needed: str) -> Mapping[str, Any]:
    given = call.input if isinstance(call.input, dict) else {}
    for name in (*NEEDED, *needed):
        if given.get(name) is None:
            raise BadParameters(f"The field '{name}' is required but was missing")
    return given


def _send(clients: Clients, call: TaskCall, method: str, path: str, body: Json) -> Reply:
    given: Any = call.input
    try:
        authority = base64.b64decode(given["CertificateAuthority"], validate=True).decode()
    except ValueError:
        raise BadParameters("The value of the field 'CertificateAuthority' has an invalid format") from None
    headers = {"Authorization": f"Bearer {token(clients, role_of(call), given['ClusterName'])}"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    url = f"{str(given['Endpoint']).rstrip('/')}{path}"
    return exchange(
        method, url, headers, None if body is None else encode(body).encode(), seconds_left(call), authority
    )


def token(clients: Clients, role: str | None, cluster: str) -> str:
    """What a cluster of EKS takes for who we are: a signed request to STS that it may send."""
    from botocore.auth import SigV4QueryAuth
    from botocore.awsrequest import AWSRequest

    credentials, region = clients.signing(role)
    url = f"https://sts.{region}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15"
    request = AWSRequest("GET", url, {"x-k8s-aws-id": cluster})
    SigV4QueryAuth(credentials, "sts", region, expires=TOKEN_SECONDS).add_auth(request)
    return "k8s-aws-v1." + base64.urlsafe_b64encode(request.url.encode()).decode().rstrip("=")


def _refusal(reply: Reply) -> Failed | None:
    if reply.status // 100 == 2:
        return None
    reason = at(content(reply), "reason")
    return Failed(f"EKS.{reason if isinstance(reason, str) else reply.status}", reply.text or reply.reason)


def _told(reply: Reply) -> Json:
    return {
        "ResponseBody": content(reply),
        "StatusCode": reply.status,
        "StatusText": reply.reason,
    }
