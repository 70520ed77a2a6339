"""What mocks, answers by token, stops and redrives do, seen from Python through `simulate`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from statelang.testing import Happened, Mock, simulate
from statelang.testing.reading import Faulty

CHARGE = "arn:aws:lambda:eu-west-1:111122223333:function:charge"
INVOKE = "arn:aws:states:::lambda:invoke"
ASK = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"


def task(resource: str = CHARGE, **more: Any) -> dict[str, Any]:
    return {"StartAt": "Do", "States": {"Do": {"Type": "Task", "Resource": resource, "End": True, **more}}}


def kinds(happened: Happened) -> list[str]:
    return [event["type"] for event in happened.events]


def test_a_return_is_the_output_and_costs_no_time() -> None:
    happened = simulate(task(), {"n": 1}, mocks={"Do": {"return": {"charged": True}}})
    assert (happened.status, happened.output, happened.took) == ("SUCCEEDED", {"charged": True}, 0)
    assert [(call.state, call.input, call.attempt) for call in happened.calls] == [("Do", {"n": 1}, 0)]


def test_a_throw_fails_and_retry_asks_again() -> None:
    retry = [{"ErrorEquals": ["Busy"], "IntervalSeconds": 10, "BackoffRate": 2, "MaxAttempts": 5}]
    mocks = {"Do": [{"throw": {"error": "Busy", "cause": "later"}, "times": 2}, {"return": 7}]}
    happened = simulate(task(Retry=retry), mocks=mocks)
    assert (happened.output, happened.took) == (7, 30_000)
    assert [call.attempt for call in happened.calls] == [0, 1, 2]


def test_a_time_out_takes_as_long_as_the_state_allows() -> None:
    happened = simulate(task(TimeoutSeconds=3600), mocks={"Do": {"timeout": True}})
    assert (happened.status, happened.error, happened.took) == ("FAILED", "States.Timeout", 3_600_000)
    assert "LambdaFunctionTimedOut" in kinds(happened)


def test_a_state_without_a_limit_cannot_time_out() -> None:
    with pytest.raises(Faulty, match="neither TimeoutSeconds nor HeartbeatSeconds"):
        simulate(task(), mocks={"Do": {"timeout": True}})


def test_who_never_answers_leaves_the_execution_running() -> None:
    assert simulate(task(), mocks={"Do": {"never": True}}).status == "RUNNING"


def test_heartbeats_keep_a_task_alive() -> None:
    machine = task(ASK, HeartbeatSeconds=60)
    beating = {"return": 1, "after": "10m", "heartbeats": {"every": "50s"}}
    assert simulate(machine, mocks={"Do": beating}).output == 1
    stopping = {"return": 1, "after": "10m", "heartbeats": ["50s", 90]}
    happened = simulate(machine, mocks={"Do": stopping})
    assert (happened.error, happened.took) == ("States.Timeout", 150_000)


def test_a_year_of_waiting_costs_nothing() -> None:
    machine = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 31_536_000, "End": True}}}
    assert simulate(machine).took == 31_536_000_000


def test_an_answer_by_token_comes_after_the_request() -> None:
    happened = simulate(task(ASK), mocks={"Do": {"submitted": {"MessageId": "1"}, "return": "yes", "after": "2d"}})
    assert (happened.output, happened.took) == ("yes", 172_800_000)
    (submitted,) = [event for event in happened.events if event["type"] == "TaskSubmitted"]
    assert submitted["taskSubmittedEventDetails"]["output"] == '{"MessageId":"1"}'


def test_others_answer_stop_and_redrive_meanwhile() -> None:
    meanwhile = [
        {"after": "1h", "stop": {"error": "Maintenance"}},
        {"after": "2h", "redrive": True},
        {"after": "3h", "answer": "Do", "heartbeat": True},
        {"after": "4h", "answer": "Do", "throw": {"error": "Declined"}},
    ]
    happened = simulate(task(ASK), mocks={"Do": {"never": True}}, meanwhile=meanwhile)
    assert (happened.status, happened.error, happened.took) == ("FAILED", "Declined", 14_400_000)
    assert [k for k in kinds(happened) if k[9:] in ("Aborted", "Redriven")] == ["ExecutionAborted", "ExecutionRedriven"]


def test_an_answer_nobody_waits_for_is_told() -> None:
    meanwhile = [{"after": "1h", "answer": "Do", "return": 1}]
    with pytest.raises(Faulty, match="1h after the start nobody waits for an answer to Do"):
        simulate(task(ASK), mocks={"Do": {"return": 1, "after": "30m"}}, meanwhile=meanwhile)


MAP = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "ItemProcessor": task(Retry=[{"ErrorEquals": ["Lost"], "IntervalSeconds": 1}]),
            "End": True,
        }
    },
}


def test_mocks_know_iterations_by_their_input_and_attempts_by_their_number() -> None:
    mocks = [
        {"when": {"height": 1080}, "attempt": 0, "throw": "Lost"},
        {"when": {"height": 1080}, "return": "big", "times": "always"},
        {"return": "small", "times": "always"},
    ]
    happened = simulate(MAP, [{"height": 480}, {"height": 1080}, {"height": 720}], mocks={"Do": mocks})
    assert happened.output == ["small", "big", "small"]
    assert sorted(call.attempt for call in happened.calls) == [0, 0, 0, 1]


def test_mocks_by_number_of_the_call_as_aws_has_them() -> None:
    mocks = {"0": {"return": 0}, "1-2": {"return": 1}, "3-": {"return": 3}}
    assert simulate(MAP, [1, 2, 3, 4, 5], mocks={"Do": mocks}).output == [0, 1, 1, 3, 3]


def test_mocks_by_resource_and_the_state_wins() -> None:
    assert simulate(task(), mocks={"arn:aws:lambda:*:function:charge": {"return": 1}}).output == 1
    assert simulate(task(), mocks={"arn:aws:lambda:*": {"return": 1}, "Do": {"return": 2}}).output == 2
    machine = task(INVOKE, Parameters={"FunctionName": "charge", "Payload": {}})
    happened = simulate(machine, mocks={"charge": {"payload": {"n": 1}}})
    assert (happened.output["Payload"], happened.output["StatusCode"]) == ({"n": 1}, 200)


@pytest.mark.parametrize(
    ("resource", "why"), [(CHARGE, "no lambda:invoke"), (f"{INVOKE}.waitForTaskToken", "by token")]
)
def test_a_payload_is_what_only_lambda_invoke_answers(resource: str, why: str) -> None:
    with pytest.raises(Faulty, match=f"{why}: its mock needs `return` instead of `payload`"):
        simulate(task(resource, Parameters={"FunctionName": "f"}), mocks={"Do": {"payload": 1}})


def test_a_mock_may_be_a_function_or_a_target() -> None:
    assert simulate(task(), {"n": 2}, mocks={"Do": lambda data: data["n"] * 2}).output == 4
    assert simulate(task(), [3, 1], mocks={"Do": {"perform": "python:builtins:sorted"}}).output == [1, 3]
    assert simulate(task(), mocks={"Do": Mock("return", 5)}).output == 5


def test_what_is_not_mocked_is_performed_by_the_bindings_in_virtual_time() -> None:
    seen: list[Any] = []

    def charge(data: Any, call: Any) -> Mapping[str, Any]:
        seen.append((call.attempt, call.deadline, call.context["State"]["Name"]))
        return {"done": data}

    happened = simulate(task(TimeoutSeconds=5), 1, tasks={"*charge": charge})
    assert happened.output == {"done": 1}
    assert seen == [(0, happened.events[0]["timestamp"] + 5_000, "Do")]


def test_what_nobody_performs_is_told_with_the_history_around_it() -> None:
    with pytest.raises(Faulty, match=r"Do has no mock.*(?s:.*)> +3 .*LambdaFunctionScheduled"):
        simulate(task(), {"n": 1})


def test_mocks_that_are_used_up_are_told() -> None:
    with pytest.raises(Faulty, match=r"call 2 of the mocks of 'Do' \(attempt 0\) fits none of them: 2"):
        simulate(MAP, [1, 2], mocks={"Do": [{"return": 1}]})


def test_a_mock_of_nothing_is_a_mistake() -> None:
    with pytest.raises(Faulty, match=r"'Doo' is neither a state nor a Resource.*did you mean 'Do'"):
        simulate(task(), mocks={"Doo": {"return": 1}})


@pytest.mark.parametrize(
    ("mock", "message"),
    [
        ({}, "a mock does one of"),
        ({"return": 1, "throw": "X"}, "return and throw"),
        ({"retrun": 1}, "did you mean 'return'"),
        ({"return": 1, "after": "soon"}, "must be seconds, or a duration"),
        ({"return": 1, "heartbeats": {"every": "1s"}}, "need a time above 0, and `after`"),
        ({"return": 1, "attempt": -1}, "must be a whole number"),
        ({"0-x": {"return": 1}}, "is no range of calls"),
        ({"perform": 3}, "perform is true"),
        (7, "must be a mapping"),
    ],
)
def test_a_wrong_mock_is_told(mock: Any, message: str) -> None:
    with pytest.raises(Faulty, match=message):
        simulate(task(), mocks={"Do": mock})


def test_the_same_trial_is_the_same_history() -> None:
    machine = {
        "StartAt": "P",
        "States": {"P": {"Type": "Pass", "Parameters": {"id.$": "States.UUID()"}, "Next": "Do"}, **task()["States"]},
    }
    first, second = (simulate(machine, mocks={"Do": lambda data: data}) for _ in range(2))
    assert first.events == second.events
    assert first.output != simulate(machine, mocks={"Do": lambda data: data}, name="other").output


DISTRIBUTED = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "ToleratedFailureCount": 1,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                **task(Retry=[{"ErrorEquals": ["Busy"], "IntervalSeconds": 30}], TimeoutSeconds=60),
            },
            "Next": "Done",
        },
        "Done": {"Type": "Succeed"},
    },
}


def test_the_children_of_a_distributed_map_take_mocks() -> None:
    mocks = [
        {"when": 2, "attempt": 0, "throw": "Busy"},
        {"when": 3, "timeout": True},
        {"return": "ok", "times": "always"},
    ]
    happened = simulate(DISTRIBUTED, [1, 2, 3], mocks={"Do": mocks})
    assert (happened.status, happened.path, happened.took) == ("SUCCEEDED", ("Each", "Done"), 60_000)
    assert happened.output[:2] == ["ok", "ok"]
    assert happened.output[2]["Error"] == "States.Timeout"
    assert [(call.input, call.attempt) for call in happened.calls] == [(1, 0), (2, 0), (2, 1), (3, 0)]


def test_a_child_without_a_mock_is_told_where_its_map_stands() -> None:
    with pytest.raises(Faulty, match=r"Do has no mock.*\nin the state 'Each', entered with \[1\]"):
        simulate(DISTRIBUTED, [1])


def test_items_come_from_a_folder_in_the_place_of_a_bucket_and_never_from_s3(tmp_path: Path) -> None:
    (tmp_path / "items").mkdir()
    (tmp_path / "items" / "all.json").write_text("[7, 8]")
    (tmp_path / "m.bindings.yaml").write_text("buckets: {items: items}\n")
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": "items", "Key": "all.json"},
    }
    each = {**DISTRIBUTED["States"]["Each"], "ItemReader": reader}  # type: ignore[index]
    machine = {**DISTRIBUTED, "States": {**DISTRIBUTED["States"], "Each": each}}  # type: ignore[dict-item]
    mocks = {"Do": {"return": 1}}
    bindings = tmp_path / "m.bindings.yaml"
    assert [call.input for call in simulate(machine, mocks=mocks, bindings=bindings).calls] == [7, 8]
    bindings.write_text("{}")
    assert simulate(machine, mocks=mocks, bindings=bindings).error == "States.ItemReaderFailed"


def test_jsonata_machines_need_nothing_special() -> None:
    states = {
        "Do": {
            "Type": "Task",
            "Resource": CHARGE,
            "Arguments": {"n": "{% $states.input.n + 1 %}"},
            "Assign": {"x": "{% $states.result.v %}"},
            "Next": "Which",
        },
        "Which": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $x > 3 %}", "Next": "Big"}],
            "Default": "Small",
        },
        "Big": {"Type": "Pass", "Output": "{% $x %}", "End": True},
        "Small": {"Type": "Succeed"},
    }
    happened = simulate(
        {"QueryLanguage": "JSONata", "StartAt": "Do", "States": states}, {"n": 1}, mocks={"Do": {"return": {"v": 5}}}
    )
    assert (happened.output, happened.path, happened.calls[0].input) == (5, ("Do", "Which", "Big"), {"n": 2})
