"""What `deploy` writes: files that a person can read, that hold together, and that run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from statelang.aws.deploy import PLATFORMS, bytecode
from statelang.aws.permissions import permissions
from statelang.program import Use
from tests.aws.dynoxide import unavailable
from tests.aws.queue import Queue, serving
from tests.aws.runtime import Environment
from tests.shared import ROOT

QUOTE = ROOT / "definitions" / "quote" / "quote.asl.json"
STATES = "arn:aws:states:::"
HERE = ".".join(map(str, sys.version_info[:2]))


def deploy(*words: str) -> subprocess.CompletedProcess[str]:
    command = str(Path(sys.executable).with_name("statelang"))
    return subprocess.run([command, "deploy", *words], capture_output=True, text=True, check=False, cwd=ROOT)


def built(folder: Path, *words: str) -> Path:
    ran = deploy("lambda", str(QUOTE), "--out", str(folder), *words)
    if "pip could not fetch" in ran.stderr:
        unavailable(ran.stderr)
    assert ran.returncode == 0, ran.stderr
    return folder


@pytest.mark.parametrize("architecture", PLATFORMS)
def test_the_zip_is_for_its_platform_and_the_template_for_the_zip(tmp_path: Path, architecture: str) -> None:
    folder = built(tmp_path, "--arch", architecture, "--table", "runs")
    with zipfile.ZipFile(folder / f"function-{architecture}.zip") as archive:
        names = archive.namelist()
    machine = {"x86_64": "x86_64", "arm64": "aarch64"}[architecture]
    compiled = [name for name in names if name.endswith(".so")]
    assert compiled
    assert all(f"cpython-312-{machine}" in name for name in compiled)
    assert {"app.py", "quote.asl.json", "quote_tasks.py", "statelang/aws/host.py"} <= set(names)
    assert not [name for name in names if name.startswith(("boto3", "click", "tests"))]
    template = YAML(typ="safe").load(folder / "template.yaml")
    function = template["Resources"]["Function"]["Properties"]
    assert function["CodeUri"] == f"function-{architecture}.zip"
    assert function["Architectures"] == [architecture]
    assert template["Parameters"]["TableName"]["Default"] == "runs"
    assert set(function["Events"]) == {"Sweep"}, "SAM gives a function with a queue among its events all queues to read"
    hold(template)


TASK = {"Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:111122223333:function:charge", "End": True}


def test_the_zip_has_all_bindings_the_packages_they_name_and_the_values_that_are_set(tmp_path: Path) -> None:
    for name, text in (("a", "${Word}"), ("b", "plain")):
        machine = {"Comment": text, "StartAt": "A", "States": {"A": TASK}}
        (tmp_path / f"{name}.asl.json").write_text(json.dumps(machine))
        target = {"a": "python:shop.tasks:charge", "b": "python:till:charge"}[name]
        (tmp_path / f"{name}.bindings.json").write_text(json.dumps({"resources": {TASK["Resource"]: target}}))
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "tasks.py").write_text("def charge(data):\n    return 1\n")
    (tmp_path / "till.py").write_text("def charge(data):\n    return 2\n")
    files = [str(tmp_path / f"{name}.asl.json") for name in "ab"]
    ran = deploy("lambda", *files, "--out", str(tmp_path / "out"), "--set", "Word=hello", "--bind", "aws:")
    if "pip could not fetch" in ran.stderr:
        unavailable(ran.stderr)
    assert ran.returncode == 0, ran.stderr
    with zipfile.ZipFile(tmp_path / "out" / "function-x86_64.zip") as archive:
        assert {"a.bindings.json", "b.bindings.json", "shop/tasks.py", "till.py"} <= set(archive.namelist())
    told = (tmp_path / "out" / "app.py").read_text()
    assert "bindings=['a.bindings.json', 'b.bindings.json']," in told
    assert "aws=True," in told
    assert "substitutions={'Word': 'hello'}," in told


def test_what_the_zip_lacks_is_told(tmp_path: Path) -> None:
    """No Python compiles for the function, a module lies elsewhere, a program is not packed."""
    (tmp_path / "a.asl.json").write_text(json.dumps({"StartAt": "A", "States": {"A": TASK}}))
    other = {"*:x": "exec:./x.sh", TASK["Resource"]: "python:tests.aws.machines:task"}
    (tmp_path / "a.bindings.json").write_text(json.dumps({"resources": other}))
    command = Path(sys.executable).with_name("statelang")
    words = [str(command), "deploy", "lambda", str(tmp_path / "a.asl.json"), "--python", "3.14"]
    words += ["--out", str(tmp_path / "out")]
    around = {**os.environ, "PATH": "/nowhere", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path, env=around)
    if "pip could not fetch" in ran.stderr:
        unavailable(ran.stderr)
    assert ran.returncode == 0, ran.stderr
    assert "without bytecode: there is no Python 3.14 here" in ran.stderr
    assert "*:x runs a program (exec:./x.sh), which is not in the zip" in ran.stderr
    assert "the module tests is not beside the bindings" in ran.stderr


def test_folders_in_the_place_of_buckets_are_refused(tmp_path: Path) -> None:
    each = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "P"}
    each |= {"States": {"P": {"Type": "Pass", "End": True}}}
    reader = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "invoices"}}
    state = {"Type": "Map", "ItemProcessor": each, "ItemReader": reader, "End": True}
    (tmp_path / "a.asl.json").write_text(json.dumps({"StartAt": "A", "States": {"A": state}}))
    (tmp_path / "a.bindings.json").write_text(json.dumps({"buckets": {"s3://invoices/": "./data"}}))
    ran = deploy("lambda", str(tmp_path / "a.asl.json"), "--out", str(tmp_path / "out"))
    assert ran.returncode == 2
    assert "s3://invoices/" in ran.stderr
    assert not (tmp_path / "out").exists()


def test_the_zip_has_the_machines_that_are_bound(tmp_path: Path) -> None:
    parameters = {"StateMachineArn": "arn:aws:states:eu-west-1:111122223333:stateMachine:ship"}
    task = {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution", "Parameters": parameters, "End": True}
    (tmp_path / "order.asl.json").write_text(json.dumps({"StartAt": "Ship", "States": {"Ship": task}}))
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "ship.asl.yaml").write_text("StartAt: A\nStates:\n  A: {Type: Pass, End: true}\n")
    bound = {"machines": {"arn:aws:states:*:stateMachine:ship": "below/ship.asl.yaml"}}
    (tmp_path / "order.bindings.json").write_text(json.dumps(bound))
    ran = deploy("lambda", str(tmp_path / "order.asl.json"), "--out", str(tmp_path / "out"))
    if "pip could not fetch" in ran.stderr:
        unavailable(ran.stderr)
    assert ran.returncode == 0, ran.stderr
    with zipfile.ZipFile(tmp_path / "out" / "function-x86_64.zip") as archive:
        names = archive.namelist()
    assert {"order.asl.json", "order.bindings.json", "below/ship.asl.yaml", "ruamel/yaml/main.py"} <= set(names)


def test_bytecode_is_for_its_python_and_never_stale(tmp_path: Path) -> None:
    found = bytecode({"app.py": b"x = 1", "shop/__init__.py": b"", "notes.txt": b"-"}, HERE)
    tag = sys.implementation.cache_tag
    assert set(found) == {f"__pycache__/app.{tag}.pyc", f"shop/__pycache__/__init__.{tag}.pyc"}
    assert bytecode({"app.py": b"x = 1"}, "2.7") == {}
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / f"__pycache__/app.{tag}.pyc").write_bytes(found[f"__pycache__/app.{tag}.pyc"])
    words = [sys.executable, "-B", "-c", "import app; print(app.x, app.f.__code__.co_filename if app.x > 1 else '')"]
    for source, told in ((b"x = 1", "1 "), (b"x = 2\ndef f(): pass", f"2 {tmp_path / 'app.py'}")):
        (tmp_path / "app.py").write_bytes(source)
        ran = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path)
        assert ran.stdout == told + "\n"


def hold(template: Any) -> None:
    """Every reference names a resource, a parameter or a pseudo parameter; nothing may do everything."""
    known = {*template["Resources"], *template["Parameters"]}

    def look(value: Any) -> None:
        if isinstance(value, dict):
            if set(value) == {"Ref"} and not value["Ref"].startswith("AWS::"):
                assert value["Ref"] in known
            if "Fn::GetAtt" in value:
                assert value["Fn::GetAtt"][0] in known
            assert value.get("Action") != "*"
            assert value.get("Resource") != "*"
            for one in value.values():
                look(one)
        if isinstance(value, list):
            for one in value:
                look(one)

    look(template["Resources"])
    kinds = [resource["Type"] for resource in template["Resources"].values()]
    for kind, count in {"AWS::SQS::Queue": 2, "AWS::CloudWatch::Alarm": 3, "AWS::DynamoDB::Table": 1}.items():
        assert kinds.count(kind) == count


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("mine")
    ran = deploy("lambda", str(QUOTE), "--out", str(tmp_path))
    assert (ran.returncode, (tmp_path / "app.py").read_text()) == (2, "mine")
    assert "--force" in ran.stderr


def test_the_zip_runs(table: str, tmp_path: Path) -> None:
    """The handler from the zip, with nothing of this checkout on its path, in the Lambda runtime."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    machine = {"x86_64": "x86_64", "aarch64": "arm64"}[os.uname().machine]
    folder = built(tmp_path / "out", "--arch", machine, "--python", version)
    with zipfile.ZipFile(folder / f"function-{machine}.zip") as archive:
        archive.extractall(tmp_path / "task")
    with serving(Queue()) as told:
        variables = {"STATELANG_STORE": table, "PYTHONPATH": str(tmp_path / "task"), **told}
        with closing(Environment("app.handler", variables, tmp_path / "task")) as environment:
            visit = {"email": "ada@example.com", "clicks": 15, "minutes": 10}
            outcome = environment.invoke(
                {"start": {"name": "q", "input": {"number": 1, "cover": "home", "visit": visit}}}
            )
    assert outcome.kind == "response", outcome
    assert outcome.body["output"]["handedTo"] == {"channel": "adviser", "desk": "north"}


def test_outgrowing_us_is_the_same_definition(tmp_path: Path) -> None:
    ran = deploy("step-functions", str(QUOTE), "--out", str(tmp_path))
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / QUOTE.name).read_bytes() == QUOTE.read_bytes()
    template = YAML(typ="safe").load(tmp_path / "template.yaml")
    machine = template["Resources"]["StateMachine"]["Properties"]
    assert machine["DefinitionUri"] == QUOTE.name
    assert machine["DefinitionSubstitutions"]["Region"] == "eu-west-1"
    (statement,) = [one for one in machine["Policies"][0]["Statement"] if one["Sid"] == "Functions"]
    assert {"Fn::Sub": "arn:aws:lambda:eu-west-1:111122223333:function:price-cover"} in statement["Resource"]


def test_the_role_on_aws_may_do_what_the_resources_tell(tmp_path: Path) -> None:
    place = "arn:aws:states:eu-west-1:111122223333:"
    machine = {"StateMachineArn": f"{place}stateMachine:ship:prod", "Input": {}}
    job = {"Type": "Task", "Resource": f"{STATES}glue:startJobRun.sync", "Parameters": {"JobName": "j"}, "End": True}
    each = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "D"}
    reader = {"Resource": f"{STATES}s3:listObjectsV2", "Parameters": {"Bucket": "b"}}
    states: dict[str, Any] = {
        "A": {"Type": "Task", "Resource": f"{STATES}states:startExecution.sync:2", "Parameters": machine},
        "B": {"Type": "Task", "Resource": f"{STATES}lambda:invoke", "Parameters": {"FunctionName": "${Fn}"}},
        "C": {"Type": "Map", "ItemReader": reader, "ItemProcessor": {**each, "States": {"D": job}}, "End": True},
    }
    states["A"]["Next"], states["B"]["Next"] = "B", "C"
    (tmp_path / "m.asl.json").write_text(json.dumps({"StartAt": "A", "States": states}))
    words = (str(tmp_path / "m.asl.json"), "--set", "Fn=charge", "--out")
    ran = deploy("step-functions", *words, str(tmp_path / "s"))
    assert ran.returncode == 0, ran.stderr
    assert "glue:startJobRun.sync" in ran.stderr.splitlines()[-3]
    assert "Distributed Maps of m" in ran.stderr
    template = YAML(typ="safe").load(tmp_path / "s" / "template.yaml")
    found = template["Resources"]["StateMachine"]["Properties"]
    assert found["DefinitionSubstitutions"] == {"Fn": "charge"}
    may = {one["Sid"]: one for one in found["Policies"][0]["Statement"]}
    assert may["Children"]["Resource"] == [{"Fn::Sub": f"{place}stateMachine:ship:prod"}]
    assert may["ChildrenEnds"]["Resource"] == [{"Fn::Sub": f"{place}execution:ship:*"}]
    assert may["GlueStartjobrunSync"]["Action"] == ["glue:StartJobRun"]
    assert {"ChildrenRules", "Functions", "MapRuns", "MapRunsEnds"} <= set(may)
    kinds = [resource["Type"] for resource in template["Resources"].values()]
    assert kinds.count("AWS::CloudWatch::Alarm") == 2
    ran = deploy("lambda", *words, str(tmp_path / "l"), "--bind", "aws:")
    if "pip could not fetch" in ran.stderr:
        unavailable(ran.stderr)
    assert ran.returncode == 0, ran.stderr
    template = YAML(typ="safe").load(tmp_path / "l" / "template.yaml")
    function = template["Resources"]["Function"]["Properties"]
    may = {one["Sid"]: one for one in function["Policies"][0]["Statement"]}
    assert {"Callers", "Children", "ChildrenEnds", "Functions", "GlueStartjobrunSync"} <= set(may)
    assert "ChildrenRules" not in may, "it asks by itself"
    assert function["DeadLetterQueue"]["TargetArn"] == {"Fn::GetAtt": ["DeadWakes", "Arn"]}


@pytest.mark.parametrize(
    ("resource", "actions", "said"),
    [
        ("sqs:sendMessage.waitForTaskToken", ["sqs:SendMessage"], True),
        ("aws-sdk:cloudwatchlogs:createLogGroup", ["logs:CreateLogGroup"], True),
        ("aws-sdk:sfn:describeExecution", ["states:DescribeExecution"], True),
        ("aws-sdk:s3:listObjectsV2", ["s3:ListBucket"], True),
        ("aws-sdk:rds:describeDBInstances", ["rds:DescribeDBInstances"], True),
        ("aws-sdk:cloudwatch:putMetricData", ["cloudwatch:PutMetricData"], True),
        ("aws-sdk:bedrockruntime:converse", ["bedrock:InvokeModel"], True),
        ("aws-sdk:later:doSomething", ["later:DoSomething"], True),
        ("batch:submitJob.sync", ["batch:SubmitJob"], False),
        ("ecs:runTask", ["ecs:RunTask"], False),
        ("states:startExecution", None, False),
        ("lambda:invoke", None, False),
        ("http:invoke", None, False),
        ("eks:call", None, False),
    ],
)
def test_what_iam_calls_what_a_resource_does(resource: str, actions: list[str] | None, said: bool) -> None:
    statements, unsaid = permissions([Use("A", STATES + resource)], watches=True)
    assert [one["Action"] for one in statements] == ([] if actions is None else [actions])
    assert unsaid == ([] if said else [STATES + resource])


def test_what_aws_would_not_take_is_not_deployed_there(tmp_path: Path) -> None:
    file = tmp_path / "local.asl.json"
    file.write_text('{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "python:a:b", "End": true}}}')
    ran = deploy("step-functions", str(file), "--out", str(tmp_path / "out"))
    assert ran.returncode == 2
    assert "AWS would not take it" in ran.stderr
    assert not (tmp_path / "out").exists()
