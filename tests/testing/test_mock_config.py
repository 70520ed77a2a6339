"""AWS's MockConfigFile.json, read as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from statelang.testing.mock_config import read_mock_config
from statelang.testing.reading import Faulty
from statelang.testing.suite import mocked_suite, open_suite

CONFIG = {
    "StateMachines": {
        "Order": {
            "TestCases": {
                "Happy": {"Charge card": "Charged", "Ship": "Shipped"},
                "SecondAttempt": {"Charge card": "BusyTwice", "Ship": "Shipped"},
                "Declined": {"Charge card": "Declined"},
            }
        },
        "Other": {"TestCases": {"Happy": {}}},
    },
    "MockedResponses": {
        "Charged": {"0": {"Return": {"StatusCode": 200, "Payload": {"chargeId": "C-1"}}}},
        "BusyTwice": {
            "0-1": {"Throw": {"Error": "Lambda.TooManyRequestsException", "Cause": "slow down"}},
            "2": {"Return": {"StatusCode": 200, "Payload": {"chargeId": "C-3"}}},
        },
        "Declined": {"0": {"Throw": {"Error": "CardDeclined", "Cause": "no funds"}}},
        "Shipped": {"0": {"Return": {"ok": True}}},
    },
}
DEFINITION = {
    "StartAt": "Charge card",
    "States": {
        "Charge card": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "charge", "Payload.$": "$"},
            "ResultSelector": {"chargeId.$": "$.Payload.chargeId"},
            "Retry": [{"ErrorEquals": ["Lambda.TooManyRequestsException"], "IntervalSeconds": 1}],
            "Next": "Ship",
        },
        "Ship": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {}, "End": True},
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Order.asl.json").write_text(json.dumps(DEFINITION))
    (tmp_path / "MockConfigFile.json").write_text(json.dumps(CONFIG, indent=2))
    return tmp_path


def test_its_test_cases_run_by_name(folder: Path) -> None:
    suite = mocked_suite(folder / "Order.asl.json", folder / "MockConfigFile.json")
    verdicts = {case.name: suite.run(case) for case in suite.cases}
    assert {name: verdict.happened.status for name, verdict in verdicts.items()} == {
        "Order#Happy": "SUCCEEDED",
        "Order#SecondAttempt": "SUCCEEDED",
        "Order#Declined": "FAILED",
    }
    assert len(verdicts["Order#SecondAttempt"].happened.calls) == 4
    assert verdicts["Order#Declined"].happened.cause == "no funds"


def test_a_case_of_ours_takes_its_mocks(folder: Path) -> None:
    (folder / "Order.cases.yaml").write_text(
        "cases:\n  declined:\n    mock-config: MockConfigFile.json#Order#Declined\n    error: CardDeclined\n"
    )
    suite = open_suite(folder / "Order.cases.yaml")
    assert suite.run(suite.cases[0]).holds


def test_a_case_that_is_not_there_is_told(folder: Path) -> None:
    config = read_mock_config(folder / "MockConfigFile.json")
    with pytest.raises(Faulty, match="did you mean Order#Happy"):
        config.find("Order#Hapy")
    assert config.find("Declined", "Order") == config.find("Order#Declined")
    assert list(config.cases()) == ["Order#Happy", "Order#SecondAttempt", "Order#Declined", "Other#Happy"]


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("MockedResponses", "Charged"), {"x": {"Return": 1}}, "is no range of calls"),
        (("MockedResponses", "Charged"), {"0": {"Return": 1, "Throw": {}}}, "has one of Return and Throw"),
        (("MockedResponses", "Charged"), {"0": {"Retrun": 1}}, "did you mean 'Return'"),
        (("StateMachines", "Order", "TestCases", "Happy"), {"Charge card": "Chargd"}, "did you mean 'Charged'"),
        (("Machines",), {}, "unknown key 'Machines'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, place: tuple[str, ...], value: Any, message: str) -> None:
    config: Any = json.loads(json.dumps(CONFIG))
    inner = config
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    file = tmp_path / "MockConfigFile.json"
    file.write_text(json.dumps(config, indent=2))
    with pytest.raises(Faulty, match=rf"MockConfigFile\.json:\d+:\d+: .*{message}"):
        read_mock_config(file)
