"""The parameters of `http:invoke` (asl.md 8.4): what AWS would not start a task with.

Rule: nothing here asks who performs the task; what is missing is told by whoever needs it.
"""

from __future__ import annotations

import re
from typing import Final

from statelang.values import Json

METHODS: Final = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD")

BANNED: Final = re.compile(
    r"a-im|accept-charset|accept-datetime|accept-encoding|authorization|cache-control|connection|content-encoding|"
    r"content-md5|date|expect|forwarded|from|host|http2-settings|if-.*|max-forwards|origin|pragma|proxy-authorization|"
    r"referer|server|te|trailer|transfer-encoding|upgrade|via|warning|x-forwarded-.*|x-amz-.*|x-amzn-.*",
    re.IGNORECASE,
)
"""Headers that a definition may not set."""

_ENDPOINT: Final = re.compile(r"https?:.+", re.IGNORECASE | re.DOTALL)


def problem_with(given: Json) -> str | None:
    """What is wrong with a field that is there, as AWS words it; None: nothing."""
    if not isinstance(given, dict):
        return None
    headers, transform = given.get("Headers"), given.get("Transform") or {}
    endpoint = given.get("ApiEndpoint", "https://")
    good = {
        "ApiEndpoint": isinstance(endpoint, str) and _ENDPOINT.fullmatch(endpoint),
        "Method": given.get("Method", "GET") in METHODS,
        "Headers": headers is None or (isinstance(headers, dict) and not any(map(BANNED.fullmatch, headers))),
        "QueryParameters": isinstance(given.get("QueryParameters") or {}, dict),
        "Transform": isinstance(transform, dict)
        and transform.get("RequestBodyEncoding", "NONE") in ("NONE", "URL_ENCODED"),
    }
    bad = next((field for field, holds in good.items() if not holds), None)
    return None if bad is None else f"The value of the field '{bad}' has an invalid format"
