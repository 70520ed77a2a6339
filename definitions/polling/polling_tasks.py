"""What stands in for the reporting service: bound to its addresses, so that nothing needs to listen."""

from typing import Any

from statelang import TaskError


def order_report(request: dict[str, Any], call: Any) -> dict[str, Any]:
    """Take an order. "busy" is refused once, as a service under load would."""
    if request["kind"] == "busy" and call.attempt == 0:
        raise TaskError("States.Http.StatusCode.503", "come back later")
    return {"id": f"report-{request['kind']}"}


def report_status(request: dict[str, Any]) -> dict[str, Any]:
    """How a report stands: ready at the third look, but for those that break or dawdle."""
    kind = request["id"].removeprefix("report-")
    if kind == "broken":
        return {"state": "broken", "reason": "the data of November is missing"}
    if kind == "slow" or request["polls"] < 2:
        return {"state": "running"}
    return {"state": "ready", "url": f"https://reports.example.com/{request['id']}.pdf"}
