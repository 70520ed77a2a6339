"""`make demo-lambda`: the quote inside a Lambda function, killed in the middle of it, resumed, with its history.

The function runs in the real Lambda runtime, against its Runtime API, a DynamoDB and a queue on loopback.
"""

from __future__ import annotations

import json
import os
import random
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from statelang.config import table_care
from tests.aws import dynoxide
from tests.aws.queue import Queue
from tests.aws.queue import serving as services
from tests.aws.runtime import Environment

START: Any = {
    "start": {
        "name": "quote-7",
        "input": {
            "number": 7,
            "cover": "car",
            "visit": {"email": "grace@example.com", "clicks": 6, "minutes": 8},
        },
    }
}


def say(text: str) -> None:
    print(text, flush=True)


def where(environment: Environment) -> dict[str, Any]:
    found: dict[str, Any] = environment.invoke({"describe": "quote-7"}).body
    return found


def main() -> None:
    """Start, kill, resume, tell."""
    os.environ.update(dynoxide.CREDENTIALS)
    queue = Queue()
    with dynoxide.serving() as endpoint, services(queue) as told:
        address = f"dynamodb://demo?region=us-east-1&endpoint={endpoint}&lease=2000"
        table_care(address).create()
        variables = {"STATELANG_STORE": address, "STATELANG_DEMO_SECONDS": "0.6", **told}
        with closing(Environment("tests.aws.quote_app.handler", variables)) as environment:
            run(environment, queue)


def run(environment: Environment, queue: Queue) -> None:
    environment.invoke({"list": {}})  # a warm start
    say("invoke      start quote-7, and kill -9 the function after a second")
    say(f"            {environment.invoke(START, kill_after=1.0).kind}")
    told = where(environment)
    say(f"describe    {told['status']}, in {', '.join(told['states'])}; nothing that was committed is lost")
    time.sleep(2.2)
    say(f"sweep       {environment.invoke({'sweep': True}).body['due']} execution is due, and nobody drives it")
    while (told := where(environment))["status"] == "RUNNING":
        deliver(environment, queue)
    say(f"describe    {told['status']}: {json.dumps(told['output'])}")
    say("\nhistory")
    for event in environment.invoke({"history": "quote-7"}).body["events"]:
        at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
        details: Any = next((value for value in event.values() if isinstance(value, dict)), {})
        say(f"{event['id']:>4}  {at}  {event['type']:<28}{details.get('name') or details.get('resource', '')}")
    say(f"\n{environment.cold_starts} processes, {queue.sent} wake-ups")


def deliver(environment: Environment, queue: Queue) -> None:
    """Deliver what is visible in the queue."""
    found = queue.receive(10, 30, random.Random(0))
    if not found:
        time.sleep(0.1)
        return
    say(f"wake-up     {', '.join(message.body for message in found)}")
    environment.invoke(queue.event(found), seconds=10)
    for message in found:
        queue.delete(message.id)


if __name__ == "__main__":
    main()
