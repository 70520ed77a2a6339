"""Distributed Maps in the machine: every scenario three ways, its children and its buckets simulated."""

from __future__ import annotations

import json
from typing import Any

import pytest

from statelang.compiler import compile_definition
from statelang.core.execution import Execution
from statelang.core.limits import AWS, Limits
from statelang.core.stimulus import MapRunUpdated, Redriven, RunTask, Stopped
from statelang.program import Program
from statelang.testing.simulation import WAYS, Reply, Simulation, Way, start
from statelang.values import Json, encode
from tests.conformance.buckets import Buckets

WORK = "arn:aws:lambda:us-east-1:111122223333:function:work"
PASS: Json = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
TASK: Json = {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": WORK, "End": True}}}
CSV: Json = {
    "Resource": "arn:aws:states:::s3:getObject",
    "Parameters": {"Bucket": "in", "Key": "data.csv"},
    "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
}
WRITER: Json = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "out", "Prefix": "jobs"}}


def distributed(processor: Json = PASS, **fields: Json) -> Program:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    each = {"Type": "Map", "Label": "each", "ItemProcessor": {"ProcessorConfig": config, **processor}, "End": True}
    return compile_definition(encode({"StartAt": "Each", "States": {"Each": {**each, **fields}}}))


def bucket(**objects: str) -> Buckets:
    return Buckets([{"bucket": "in", "key": key.replace("_", "."), "body": body} for key, body in objects.items()])


def echo(request: RunTask, execution: Execution) -> Reply:
    return Reply(output=request.input.text, after=1_000)


def failing(*values: Json) -> Any:
    """Tasks that fail for these inputs."""

    def reply(request: RunTask, execution: Execution) -> Reply:
        if request.input.json in values:
            return Reply(failed=True, error="Bad", cause="it is bad", after=500)
        return Reply(output=request.input.text, after=1_000)

    return reply


def simulation(program: Program, input: Json, way: Way, replies: Any = echo, buckets: Any = None, **more: Any) -> Any:
    found = buckets or bucket()
    return Simulation(program, start(program, encode(input)), replies, way, find=lambda name: found, **more)


def manifest(buckets: Buckets) -> Json:
    (told,) = [body for (_, key), body in buckets.known.items() if key.endswith("/manifest.json")]
    return json.loads(told)


def types(simulation: Simulation) -> list[str]:
    return [event["type"] for event in simulation.events()]


def inputs(simulation: Simulation) -> list[Json]:
    """What each child was given, in order."""
    (children,) = simulation.runs.children.values()
    return [child.execution.input.json for _, child in sorted(children.items())]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Any:
    return request.param


class TestItems:
    def test_each_item_is_a_child_of_its_own(self, way: Way) -> None:
        simulated = simulation(distributed(TASK), [1, 2, 3], way)
        head = simulated.run().head
        assert head.output is not None
        assert head.output.text == "[1,2,3]"
        (children,) = simulated.runs.children.values()
        first = children[0]
        assert first.started.machine == "machine/each"
        assert first.started.arn.startswith("arn:aws:states:us-east-1:000000000000:execution:machine/each:")
        assert first.started.machine_arn == "arn:aws:states:us-east-1:000000000000:stateMachine:machine/each"
        assert types(first)[:2] == ["ExecutionStarted", "TaskStateEntered"]
        assert len({child.started.id for child in children.values()}) == 3

    def test_no_items_are_an_empty_array(self, way: Way) -> None:
        simulated = simulation(distributed(), [], way)
        assert simulated.run().head.output.text == "[]"

    def test_the_members_of_an_object_have_keys(self, way: Way) -> None:
        selector = {"k.$": "$$.Map.Item.Key", "v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index"}
        simulated = simulation(distributed(ItemSelector=selector), {"a": 1, "b": 2}, way)
        assert simulated.run().head.output.json == [{"k": "a", "v": 1, "i": 0}, {"k": "b", "v": 2, "i": 1}]

    def test_the_selector_sees_the_states_input_and_the_source(self, way: Way) -> None:
        selector = {"all.$": "$.Key", "row.$": "$$.Map.Item.Value", "from.$": "$$.Map.Item.Source"}
        reader = {**CSV, "Parameters": {"Bucket": "in", "Key.$": "$.Key"}}
        simulated = simulation(
            distributed(ItemReader=reader, ItemSelector=selector),
            {"Key": "data.csv"},
            way,
            buckets=bucket(data_csv="a,b\n1,2\n"),
        )
        (told,) = simulated.run().head.output.json
        assert told == {"all": "data.csv", "row": {"a": "1", "b": "2"}, "from": "S3://in/data.csv"}

    def test_children_see_neither_the_variables_nor_the_item(self, way: Way) -> None:
        program = compile_definition(
            encode(
                {
                    "StartAt": "Set",
                    "States": {
                        "Set": {"Type": "Pass", "Assign": {"x": 1}, "Next": "Each"},
                        "Each": {
                            "Type": "Map",
                            "ItemProcessor": {
                                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                                "StartAt": "P",
                                "States": {"P": {"Type": "Pass", "Parameters": {"c.$": "$$.Map"}, "End": True}},
                            },
                            "End": True,
                        },
                    },
                }
            )
        )
        head = simulation(program, [1], way).run().head
        assert head.error == "States.ExceedToleratedFailureThreshold"

    def test_a_selector_that_fails_fails_the_map_run(self, way: Way) -> None:
        simulated = simulation(distributed(ItemSelector={"x.$": "$$.Map.Item.Value.none"}), [{"none": 1}, {}], way)
        head = simulated.run().head
        assert head.error == "States.Runtime"
        assert head.cause.startswith("An error occurred while executing the state 'Each' (entered at the event id #2).")
        assert "MapRunFailed" in types(simulated)


class TestBatches:
    def test_so_many_items_are_one_child(self, way: Way) -> None:
        simulated = simulation(distributed(ItemBatcher={"MaxItemsPerBatch": 2, "BatchInput": {"x": 1}}), [1, 2, 3], way)
        simulated.run()
        assert [encode(given) for given in inputs(simulated)] == [
            '{"BatchInput":{"x":1},"Items":[1,2]}',
            '{"BatchInput":{"x":1},"Items":[3]}',
        ]

    def test_so_many_bytes_are_one_child(self, way: Way) -> None:
        batcher = {"MaxInputBytesPerBatch": len('{"Items":["aaaa","bbbb"]}')}
        simulated = simulation(distributed(ItemBatcher=batcher), ["aaaa", "bbbb", "cccc"], way)
        simulated.run()
        assert inputs(simulated) == [{"Items": ["aaaa", "bbbb"]}, {"Items": ["cccc"]}]

    def test_a_failed_batch_fails_all_its_items(self, way: Way) -> None:
        program = distributed(TASK, ItemBatcher={"MaxItemsPerBatch": 2}, ToleratedFailureCount=1)
        simulated = simulation(program, [1, 2, 3], way, failing({"Items": [1, 2]}))
        assert simulated.run().head.error == "States.ExceedToleratedFailureThreshold"
        (tally,) = simulated.runs.tallies.values()
        assert (tally.failed, tally.items_failed) == (1, 2)


class TestFailures:
    def test_one_failure_fails_the_map_run(self, way: Way) -> None:
        simulated = simulation(distributed(TASK), [1, 2, 3], way, failing(2))
        head = simulated.run().head
        assert (head.status, head.error) == ("FAILED", "States.ExceedToleratedFailureThreshold")
        assert head.cause == "The specified tolerated failure threshold was exceeded"
        assert types(simulated)[-4:] == ["MapRunStarted", "MapRunFailed", "MapStateFailed", "ExecutionFailed"]
        (tally,) = simulated.runs.tallies.values()
        assert (tally.failed, tally.aborted) == (1, 2), "the others are stopped"

    @pytest.mark.parametrize(
        ("limits", "status"),
        [
            ({"ToleratedFailureCount": 2}, "SUCCEEDED"),
            ({"ToleratedFailureCount": 1}, "FAILED"),
            ({"ToleratedFailurePercentage": 50}, "SUCCEEDED"),
            ({"ToleratedFailurePercentage": 49.9}, "FAILED"),
            ({"ToleratedFailurePercentage": 100, "ToleratedFailureCount": 1}, "FAILED"),
        ],
    )
    def test_what_is_tolerated(self, limits: Json, status: str, way: Way) -> None:
        simulated = simulation(distributed(TASK, **limits), [1, 2, 3, 4], way, failing(2, 3))
        head = simulated.run().head
        assert head.status == status
        if status == "SUCCEEDED":
            told = head.output.json
            assert [told[0], told[3]] == [1, 4]
            assert [told[1]["Status"], told[1]["Error"], told[1]["Input"]] == ["FAILED", "Bad", "2"]

    @pytest.mark.parametrize(("percentage", "made"), [(0, 1), (20, 3), (29.9, 3), (30, 10)])
    @pytest.mark.parametrize("source", ["state", "reader"])
    def test_a_percentage_is_judged_as_soon_as_it_is_exceeded(
        self, percentage: float, made: int, source: str, way: Way
    ) -> None:
        """Of all ten items, and not of those that were read: the rest is not begun for nothing."""
        rows: list[Json] = [{"n": str(number)} for number in range(10)]
        fields = {"ToleratedFailurePercentage": percentage, "MaxConcurrency": 1}
        if source == "reader":
            fields["ItemReader"] = CSV
        buckets = bucket(data_csv="n\n" + "".join(f"{row['n']}\n" for row in rows))
        input = rows if source == "state" else {}
        simulated = simulation(distributed(TASK, **fields), input, way, failing(*rows[:3]), buckets)
        assert simulated.run().head.status == ("SUCCEEDED" if made == 10 else "FAILED")
        assert len(inputs(simulated)) == made

    def test_a_source_that_cannot_be_counted_is_read_on(self, way: Way) -> None:
        buckets = bucket(data_csv='n\n0\n1\n2\n3\n4,"\n')
        fields = {"ItemReader": CSV, "ToleratedFailurePercentage": 50, "MaxConcurrency": 1}
        simulated = simulation(distributed(TASK, **fields), {}, way, failing({"n": "0"}, {"n": "1"}), buckets)
        assert simulated.run().head.error == "States.ItemReaderFailed"

    def test_a_retry_begins_a_new_map_run(self, way: Way) -> None:
        retry = [{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "MaxAttempts": 1}]
        simulated = simulation(distributed(TASK, Retry=retry), [1], way, failing(1))
        simulated.run()
        assert types(simulated).count("MapRunStarted") == 2
        assert len(simulated.runs.children) == 2

    def test_a_catcher_takes_it(self, way: Way) -> None:
        catch = [{"ErrorEquals": ["States.ItemReaderFailed"], "Next": "Each2", "ResultPath": "$.error"}]
        config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        each = {
            "Type": "Map",
            "ItemReader": CSV,
            "ItemProcessor": {"ProcessorConfig": config, **PASS},
            "Catch": catch,
            "End": True,
        }
        program = compile_definition(
            encode({"StartAt": "Each", "States": {"Each": each, "Each2": {"Type": "Pass", "End": True}}})
        )
        simulated = simulation(program, {}, way)
        told = simulated.run().head.output.json["error"]
        assert told["Error"] == "States.ItemReaderFailed"
        assert "data.csv" in told["Cause"]

    def test_results_beyond_the_limit_fail_the_map_run(self, way: Way) -> None:
        simulated = simulation(distributed(), ["x" * 100_000] * 2 + ["y" * 70_000], way)
        head = simulated.run().head
        assert head.error == "States.DataLimitExceeded"
        assert "MapRunFailed" in types(simulated)

    def test_a_child_has_no_more_than_the_limit(self, way: Way) -> None:
        rows = "\n".join(["a,b", f"{'x' * 200_000},{'y' * 100_000}"])
        simulated = simulation(distributed(ItemReader=CSV), {}, way, buckets=bucket(data_csv=rows))
        head = simulated.run().head
        assert head.error == "States.DataLimitExceeded"
        assert "300015 bytes" in head.cause


class TestConcurrency:
    def test_no_more_than_so_many_at_once(self, way: Way) -> None:
        simulated = simulation(distributed(TASK, MaxConcurrency=2), list(range(5)), way)
        head = simulated.run().head
        assert head.output.json == list(range(5))
        assert (head.stopped_at - simulated.started.at) // 1_000 == 3

    def test_it_may_be_changed_while_it_runs(self, way: Way) -> None:
        def widen(at: int) -> MapRunUpdated:
            (run,) = simulated.execution.runs.values()
            return MapRunUpdated(at, b"", run.token, max_concurrency=10)

        program = distributed(TASK, MaxConcurrency=1)
        simulated = simulation(program, list(range(5)), way)
        simulated.plan(simulated.now + 1_500, lambda: widen(simulated.now))
        head = simulated.run().head
        assert (head.stopped_at - simulated.started.at) // 500 == 5, "one until 1.5 s, then all"


class TestWriter:
    def test_files_and_a_manifest_stand_for_the_results(self, way: Way) -> None:
        buckets = bucket()
        program = distributed(TASK, ResultWriter=WRITER, ToleratedFailureCount=1)
        simulated = simulation(program, [1, 2, 3], way, failing(2), buckets)
        told = simulated.run().head.output.json
        details = told["ResultWriterDetails"]
        assert details["Bucket"] == "out"
        run = details["Key"].split("/")[1]
        assert told["MapRunArn"].endswith(f":mapRun:machine/each:{run}")
        manifest = json.loads(buckets.known["out", details["Key"]])
        assert manifest["DestinationBucket"] == "out"
        (succeeded,), (failed,) = manifest["ResultFiles"]["SUCCEEDED"], manifest["ResultFiles"]["FAILED"]
        assert succeeded["Key"] == f"jobs/{run}/SUCCEEDED_0.json"
        assert succeeded["Size"] == len(buckets.known["out", succeeded["Key"]])
        records = json.loads(buckets.known["out", succeeded["Key"]])
        assert [(record["Input"], record["Output"], record["Status"]) for record in records] == [
            ("1", "1", "SUCCEEDED"),
            ("3", "3", "SUCCEEDED"),
        ]
        (bad,) = json.loads(buckets.known["out", failed["Key"]])
        assert [bad["Error"], bad["Cause"], bad["RedriveStatus"]] == ["Bad", "it is bad", "REDRIVABLE_BY_MAP_RUN"]

    @pytest.mark.parametrize(
        ("config", "body"),
        [
            ({"Transformation": "COMPACT", "OutputType": "JSON"}, b"[[1,2],[3]]"),
            ({"Transformation": "FLATTEN", "OutputType": "JSON"}, b"[1,2,3]"),
            ({"Transformation": "FLATTEN", "OutputType": "JSONL"}, b"1\n2\n3\n"),
        ],
    )
    def test_what_a_result_is_made_into(self, config: Json, body: bytes, way: Way) -> None:
        buckets = bucket()
        program = distributed(ResultWriter={**WRITER, "WriterConfig": config})
        simulation(program, [[1, 2], [3]], way, buckets=buckets).run()
        (written,) = [body for (_, key), body in buckets.known.items() if "SUCCEEDED_0" in key]
        assert written == body

    @pytest.mark.parametrize("source", ["state", "reader"])
    def test_what_was_not_begun_is_pending(self, source: str, way: Way) -> None:
        """A Map Run that fails tells what its children would have got: after ItemSelector and ItemBatcher."""
        fields = {
            "ItemSelector": {"row.$": "$$.Map.Item.Value.n", "at.$": "$$.Map.Item.Index", "day.$": "$.day"},
            "ItemBatcher": {"MaxItemsPerBatch": 2, "BatchInput": {"x": 1}},
            "ResultWriter": WRITER,
            "MaxConcurrency": 1,
        }
        rows: Json = [{"n": str(number)} for number in range(5)]
        buckets = bucket(data_csv="n\n0\n1\n2\n3\n4\n")
        fields |= {"ItemReader": CSV} if source == "reader" else {"ItemsPath": "$.rows"}
        first = {"BatchInput": {"x": 1}, "Items": [{"row": str(n), "at": n, "day": "Mon"} for n in range(2)]}
        simulated = simulation(distributed(TASK, **fields), {"day": "Mon", "rows": rows}, way, failing(first), buckets)
        assert simulated.run().head.error == "States.ExceedToleratedFailureThreshold"
        files = manifest(buckets)["ResultFiles"]
        assert [len(files[name]) for name in ("SUCCEEDED", "FAILED", "PENDING")] == [0, 1, 1]
        assert files["PENDING"][0]["Key"].endswith("/PENDING_0.json")
        assert files["PENDING"][0]["Size"] == len(buckets.known["out", files["PENDING"][0]["Key"]])
        told = json.loads(buckets.known["out", files["PENDING"][0]["Key"]])
        assert [json.loads(record.pop("Input")) for record in told] == [
            {"BatchInput": {"x": 1}, "Items": [{"row": str(n), "at": n, "day": "Mon"} for n in (2, 3)]},
            {"BatchInput": {"x": 1}, "Items": [{"row": "4", "at": 4, "day": "Mon"}]},
        ]
        assert told == [{"InputDetails": {"Included": True}, "Status": "PENDING"}] * 2

    def test_a_source_that_breaks_off_leaves_what_can_be_read_pending(self, way: Way) -> None:
        buckets = bucket(data_csv='n\n0\n1\n2\n3,"\n')
        fields = {"ItemReader": CSV, "ResultWriter": WRITER, "MaxConcurrency": 1}
        simulated = simulation(distributed(TASK, **fields), {}, way, failing({"n": "0"}), buckets)
        head = simulated.run().head
        assert head.error in ("States.ExceedToleratedFailureThreshold", "States.ItemReaderFailed")

    def test_an_item_that_cannot_be_selected_leaves_the_rest_pending(self, way: Way) -> None:
        fields = {"ItemSelector": {"x.$": "$$.Map.Item.Value.x"}, "ResultWriter": WRITER, "MaxConcurrency": 1}
        buckets = bucket()
        simulated = simulation(distributed(TASK, **fields), [{"x": 1}, {"y": 2}, {"x": 3}], way, buckets=buckets)
        assert simulated.run().head.error == "States.Runtime"
        files = manifest(buckets)["ResultFiles"]
        assert [len(files[name]) for name in ("SUCCEEDED", "FAILED", "PENDING")] == [1, 0, 0]

    def test_without_a_resource_the_results_are_made_into_something_else(self, way: Way) -> None:
        writer = {"WriterConfig": {"Transformation": "FLATTEN", "OutputType": "JSON"}}
        assert simulation(distributed(ResultWriter=writer), [[1, 2], [3]], way).run().head.output.json == [1, 2, 3]


class TestStopAndRedrive:
    def test_a_stop_aborts_the_map_run(self, way: Way) -> None:
        simulated = simulation(distributed(TASK), [1, 2], way, posts=[(500, lambda at, execution: Stopped(at))])
        assert simulated.run().head.status == "ABORTED"
        (run,) = simulated.execution.runs.values()
        assert run.status == "ABORTED"

    def test_a_redrive_runs_only_what_has_not_succeeded(self, way: Way) -> None:
        bad = [2]
        program = distributed(TASK, MaxConcurrency=1)

        def reply(request: RunTask, execution: Execution) -> Reply:
            return failing(*bad)(request, execution)  # type: ignore[no-any-return]

        simulated = simulation(program, [1, 2, 3], way, reply)
        assert simulated.run().head.status == "FAILED"
        asked = {index: len(child.requests) for index, child in next(iter(simulated.runs.children.values())).items()}
        assert asked == {0: 1, 1: 1}
        bad.clear()
        simulated.deliver(Redriven(simulated.now, 1))
        head = simulated.run().head
        assert head.status == "SUCCEEDED"
        assert head.output.json == [1, 2, 3]
        told = types(simulated)
        assert told.count("MapRunStarted") == 1
        after = told[told.index("ExecutionRedriven") :]
        assert after == [
            "ExecutionRedriven",
            "MapRunRedriven",
            "MapRunSucceeded",
            "MapStateSucceeded",
            "MapStateExited",
            "ExecutionSucceeded",
        ]
        (children,) = simulated.runs.children.values()
        assert {index: len(child.requests) for index, child in children.items()} == {0: 1, 1: 2, 2: 1}

    @pytest.mark.parametrize(("kind", "asked"), [("STANDARD", ["A", "B", "B"]), ("EXPRESS", ["A", "B", "A", "B"])])
    def test_an_express_child_begins_anew(self, kind: str, asked: list[str], way: Way) -> None:
        """A Standard one goes on from where it failed (asl.md 9.4)."""
        bad = ["B"]

        def reply(request: RunTask, execution: Execution) -> Reply:
            state = execution.frames[request.frame].state
            calls.append(state)
            return Reply(failed=state in bad, error="Bad", output='{"a":1}', after=10)

        calls: list[str] = []
        tasks = {name: {"Type": "Task", "Resource": WORK} for name in "AB"}
        tasks["A"] |= {"Next": "B", "Assign": {"seen": True}}
        processor = {"StartAt": "A", "States": {"A": tasks["A"], "B": {**tasks["B"], "End": True}}}
        config = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}}
        each = {"Type": "Map", "ItemProcessor": {**config, **processor}, "End": True}
        program = compile_definition(encode({"StartAt": "Each", "States": {"Each": each}}))
        simulated = simulation(program, [5], way, reply)
        assert simulated.run().head.status == "FAILED"
        bad.clear()
        simulated.deliver(Redriven(simulated.now, 1))
        assert simulated.run().head.output.json == [{"a": 1}]
        assert calls == asked
        (children,) = simulated.runs.children.values()
        told = types(children[0])
        assert told[told.index("ExecutionRedriven") + 1] == (
            "TaskStateEntered" if kind == "EXPRESS" else "LambdaFunctionScheduled"
        )

    def test_a_map_within_a_map_is_redriven_where_it_failed(self, way: Way) -> None:
        bad = [[3]]
        config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        inner = {"Type": "Map", "ItemProcessor": {"ProcessorConfig": config, **TASK}, "End": True}
        program = distributed({"StartAt": "Inner", "States": {"Inner": inner}})

        def reply(request: RunTask, execution: Execution) -> Reply:
            return failing(*(value[0] for value in bad))(request, execution)  # type: ignore[no-any-return]

        simulated = simulation(program, [[1, 2], [3, 4]], way, reply)
        assert simulated.run().head.error == "States.ExceedToleratedFailureThreshold"
        bad.clear()
        simulated.deliver(Redriven(simulated.now, 1))
        assert simulated.run().head.output.json == [[1, 2], [3, 4]]
        (outer,) = simulated.runs.children.values()
        (second,) = outer[1].runs.children.values()
        assert {index: len(child.requests) for index, child in second.items()} == {0: 2, 1: 2}
        (first,) = outer[0].runs.children.values()
        assert all(len(child.requests) == 1 for child in first.values())

    def test_a_reader_that_failed_reads_on(self, way: Way) -> None:
        buckets = bucket(data_csv='a,b\n1,2\n3,"4\n')
        simulated = simulation(distributed(ItemReader=CSV, MaxConcurrency=1), {}, way, buckets=buckets)
        assert simulated.run().head.error == "States.ItemReaderFailed"
        buckets.known["in", "data.csv"] = b"a,b\n1,2\n3,4\n"
        simulated.deliver(Redriven(simulated.now, 1))
        assert simulated.run().head.output.json == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


@pytest.mark.parametrize("way", WAYS)
class TestAnExpressChildHasFiveMinutes:
    """6: and is timed out then; a STANDARD child is not, nor one of an engine whose limits are lifted."""

    WAIT: Json = {"StartAt": "W", "States": {"W": {"Type": "Wait", "SecondsPath": "$", "End": True}}}

    def run(self, kind: str, way: Way, limits: Limits = AWS) -> Simulation:
        config = {"Mode": "DISTRIBUTED", "ExecutionType": kind}
        each = {"Type": "Map", "ItemProcessor": {"ProcessorConfig": config, **self.WAIT}, "End": True}
        program = compile_definition(encode({"StartAt": "Each", "States": {"Each": each}}))
        done = Simulation(program, start(program, "[1, 299, 400]", limits=limits), echo, way)
        done.run()
        return done

    def test_express(self, way: Way) -> None:
        done = self.run("EXPRESS", way)
        assert done.execution.head.error == "States.ExceedToleratedFailureThreshold"
        (children,) = done.runs.children.values()
        assert [child.execution.head.status for child in children.values()] == ["SUCCEEDED", "SUCCEEDED", "TIMED_OUT"]
        assert done.now == done.started.at + 300_000

    @pytest.mark.parametrize(("kind", "limits"), [("STANDARD", AWS), ("EXPRESS", Limits.lifted())])
    def test_others(self, kind: str, limits: Limits, way: Way) -> None:
        assert self.run(kind, way, limits).execution.head.status == "SUCCEEDED"
