"""What the older optimized integrations tell of the transport: SdkHttpMetadata and SdkResponseMetadata.

Rule: the names of headers are spelled as AWS was recorded spelling them; botocore gives them in lower case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from statelang.values import Json

SPELLED: Final[Mapping[str, str]] = {
    "content-length": "Content-Length",
    "content-type": "Content-Type",
    "date": "Date",
    "server": "Server",
    "x-amz-executed-version": "X-Amz-Executed-Version",
    "x-amz-log-result": "X-Amz-Log-Result",
    "x-amzn-remapped-content-length": "x-amzn-Remapped-Content-Length",
    "x-amzn-requestid": "x-amzn-RequestId",
    "x-amzn-trace-id": "X-Amzn-Trace-Id",
}


def transport(response: dict[str, Any]) -> dict[str, Json]:
    """The two members, from botocore's ResponseMetadata."""
    metadata = response.get("ResponseMetadata", {})
    headers = {SPELLED.get(name, name): str(value) for name, value in metadata.get("HTTPHeaders", {}).items()}
    return {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": metadata.get("HTTPStatusCode"),
        },
        "SdkResponseMetadata": {"RequestId": metadata.get("RequestId")},
    }
