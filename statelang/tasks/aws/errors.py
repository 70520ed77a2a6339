"""The errors of AWS's services, under the names and with the texts that AWS Step Functions gives them.

Two families: the AWS SDK integrations speak as the SDK for Java v2 does, the optimized ones as v1 did.

Rule: what boto3 raises becomes a Failed here and nowhere else, and no text of it is made up: what the service said, its
status and the id of the request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from statelang.ports import Failed
from statelang.tasks.aws.names import pascal

TRANSIENT: Final = frozenset((408, 429, 500, 502, 503, 504))
"""HTTP statuses after which it makes sense to ask the same again."""

THROTTLED: Final = frozenset(
    (
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "SlowDown",
        "BandwidthLimitExceeded",
    )
)


@dataclass(frozen=True, slots=True)
class Told:
    """What a service answered where it refused."""

    code: str
    message: str | None
    status: int
    request_id: str | None
    extended_id: str | None = None
    shape: str | None = None
    """The name of the modelled error, where it is one."""

    @property
    def passes(self) -> bool:
        """Whether the same request may be answered otherwise a little later."""
        return self.status in TRANSIENT or self.code in THROTTLED


def told(problem: Any, service: Any) -> Told:
    """What a botocore ClientError says, in the words of the service's model."""
    error = problem.response.get("Error", {})
    metadata = problem.response.get("ResponseMetadata", {})
    headers = metadata.get("HTTPHeaders", {})
    code, query_code = str(error.get("Code") or ""), str(error.get("QueryErrorCode") or "")
    return Told(
        code=code,
        message=error.get("Message") or None,
        status=int(metadata.get("HTTPStatusCode", 0)),
        request_id=metadata.get("RequestId") or headers.get("x-amzn-requestid") or headers.get("x-amz-request-id"),
        extended_id=metadata.get("HostId") or None,
        shape=_modelled(query_code, service) or _modelled(code, service),
    )


def _modelled(code: str, service: Any) -> str | None:
    """The name of the error shape that a code on the wire means: by the shape's own code first, then by its name."""
    if not code:
        return None
    shapes = service.error_shapes
    by_code = next((s.name for s in shapes if s.metadata.get("error", {}).get("code") == code), None)
    return by_code or next((s.name for s in shapes if s.name == code), None)


def exception(shape: str) -> str:
    """How an error shape is named: `DBInstanceNotFoundFault` is `DbInstanceNotFoundException`."""
    name = pascal(shape.removesuffix("Fault")) + "Exception" if shape.endswith("Fault") else pascal(shape)
    return name if name.endswith("Exception") else f"{name}Exception"


def sdk_failure(prefix: str, told: Told) -> Failed:
    """The failure of an AWS SDK integration; `prefix` is the service as errors name it."""
    name = exception(told.shape) if told.shape else f"{prefix}Exception"
    ids = f"Request ID: {told.request_id}"
    if told.extended_id:
        ids += f", Extended Request ID: {told.extended_id}"
    where = f"(Service: {prefix}, Status Code: {told.status}, {ids}) (SDK Attempt Count: 1)"
    return Failed(f"{prefix}.{name}", f"{told.message} {where}")


Naming = Literal["shape", "code", "service"]
"""How an optimized integration names a refusal: by the error's shape where the service models it, by the code on the
wire, or always by the service."""


@dataclass(frozen=True, slots=True)
class Speech:
    """How the optimized integrations with a service speak of errors: `SNS.NotFoundException`, `Service: AmazonSNS`.

    `generic` is the name of a refusal that has no name of its own.
    """

    prefix: str
    service: str
    generic: str
    naming: Naming = "shape"


def optimized_failure(speech: Speech, told: Told) -> Failed:
    """The failure of an optimized integration."""
    name = {"shape": told.shape, "code": told.code, "service": None}[speech.naming]
    name = speech.generic if not name else name if name.endswith("Exception") else f"{name}Exception"
    return Failed(f"{speech.prefix}.{name}", optimized_cause(speech, told))


def optimized_cause(speech: Speech, told: Told) -> str:
    """The text that the SDK for Java v1 made of a refusal."""
    parts = (
        f"Service: {speech.service}",
        f"Status Code: {told.status}",
        f"Error Code: {told.code}",
        f"Request ID: {told.request_id}",
        "Proxy: null",
    )
    return f"{told.message} ({'; '.join(parts)})"


def unreached(prefix: str, problem: BaseException) -> Failed:
    """The failure of a request that no service has answered: no network, no credentials, no region."""
    return Failed(f"{prefix}.SdkClientException", f"{type(problem).__name__}: {problem}")
