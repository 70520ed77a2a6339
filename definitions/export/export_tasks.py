"""A query service that takes its time: what an integration looks like that begins jobs and is asked for them."""

from statelang import Failed, Pending, Submitted, Succeeded, TaskCall
from statelang.values import Json, encode


class Query:
    """Begins a query, tells how it stands, and stops it when nobody waits for it any more.

    All that is known of a query is in its job, which is kept with the execution: another process can go on asking.
    """

    def perform(self, call: TaskCall) -> Submitted:
        """Begin the query that the state asks for."""
        day = call.input["QueryString"].rpartition("=")[2].strip(" '")
        id = f"query-{call.token.rpartition('.')[2][:8]}"
        return Submitted({"QueryExecutionId": id}, job={"id": id, "day": day}, poll_after=1)

    def poll(self, call: TaskCall, job: Json, polls: int) -> Succeeded | Failed | Pending:
        """How the query stands: done at the third look, unless it is broken."""
        if job["day"] == "never":
            status = {"State": "FAILED", "StateChangeReason": "there is no such day"}
            return Failed("States.TaskFailed", encode({"QueryExecution": {"Status": status}}))
        if polls < 3:
            return Pending(poll_after=2 * polls)
        location = f"s3://exports/sales-{job['day']}.csv"
        status = {"State": "SUCCEEDED"}
        return Succeeded({"QueryExecution": {"Status": status, "ResultConfiguration": {"OutputLocation": location}}})

    def stop(self, call: TaskCall, job: Json) -> None:
        """Nothing runs that could be stopped."""


QUERY = Query()
