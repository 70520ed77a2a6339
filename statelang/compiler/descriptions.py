"""Descriptions: what each field of the language is for, in the words that an editor shows.

Rule: every field that `fields` knows has a row here (a test holds them together); comparisons are described together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DESCRIPTIONS: Final[Mapping[str, str]] = {
    # the machine
    "StartAt": "The name of the state that is entered first.",
    "States": "The states, by name. A name has 1 to 80 characters and is unique in the whole machine.",
    "Version": "The version of the language: \"1.0\".",
    "Comment": "For people. It may silence a rule: statelang: ignore CODE",
    "QueryLanguage": "How data is read: JSONPath (the default) or JSONata, which a state may choose for itself.",
    "TimeoutSeconds": "How many seconds the execution, or the task, may take before it fails with States.Timeout.",
    # every state
    "Type": "What the state does: Task, Pass, Choice, Wait, Succeed, Fail, Parallel or Map.",
    "Next": "The state that follows. It is in the same States object.",
    "End": "true: the machine, the branch or the iteration ends with this state.",
    "InputPath": "Which part of the state's input it works on. null: an empty object.",
    "OutputPath": "Which part of the outcome is the state's output. null: an empty object.",
    "ResultPath": "Where in the state's input the result is put. $: it replaces the input. null: it is dropped.",
    "ResultSelector": "A template that picks from the raw result; keys that end in .$ are evaluated.",
    "Parameters": "A template for what is passed on; keys that end in .$ are evaluated.",
    "Arguments": "What is passed on; every text {% … %} in it is evaluated.",
    "Output": "The state's output; every text {% … %} in it is evaluated. $states.result is what was answered.",
    "Assign": "Variables to assign, by name. They can be read from the next state on.",
    "Retry": "What to try again, and how often. The first element that names the error is used.",
    "Catch": "Where to go on after an error that is not retried. The first element that names the error is used.",
    # Task
    "Resource": "What performs the task: the ARN of a function, an activity or a service integration, or a URI.",
    "Credentials": "The role to assume for this task.",
    "RoleArn": "The ARN of the role.",
    "RoleArn.$": "Where the ARN of the role is read from.",
    "TimeoutSecondsPath": "Where TimeoutSeconds is read from.",
    "HeartbeatSeconds": "How many seconds may pass between two heartbeats. It is less than TimeoutSeconds.",
    "HeartbeatSecondsPath": "Where HeartbeatSeconds is read from.",
    # Pass, Wait, Fail
    "Result": "The result, taken as it is: nothing in it is evaluated.",
    "Seconds": "How many seconds to wait.",
    "SecondsPath": "Where the number of seconds to wait is read from.",
    "Timestamp": "When to go on, as RFC 3339: 2027-03-14T01:59:00Z.",
    "TimestampPath": "Where the time to go on at is read from.",
    "Error": "The name of the error: what Retry and Catch around it match.",
    "ErrorPath": "Where the name of the error is read from: a path, or an intrinsic call that gives a text.",
    "Cause": "What happened, for people.",
    "CausePath": "Where the cause is read from: a path, or an intrinsic call that gives a text.",
    # Choice
    "Choices": "The rules, tested in order. The first that is true is taken.",
    "Default": "The state that follows where no rule is true. Without it that is an error, States.NoChoiceMatched.",
    "Condition": "true, false, or an expression {% … %} that gives one of them.",
    "Variable": "The path of what is tested.",
    "And": "True where all of these rules are.",
    "Or": "True where any of these rules is.",
    "Not": "True where this rule is not.",
    "IsPresent": "Whether the path leads to anything, null too.",
    "IsNull": "Whether it is null.",
    "IsString": "Whether it is a text.",
    "IsNumeric": "Whether it is a number.",
    "IsBoolean": "Whether it is true or false.",
    "IsTimestamp": "Whether it is a time as RFC 3339 writes it.",
    "StringMatches": "A pattern in which * stands for any characters, and \\\\* for an asterisk.",
    # Parallel and Map
    "Branches": "The branches, which run at once. Each gets the same input; the result is the list of their outputs.",
    "ItemProcessor": "What is done with each item: a machine of its own.",
    "Iterator": "The old name of ItemProcessor.",
    "ItemsPath": "Where the list of items is read from.",
    "Items": "The list of items: an array, an object, or an expression {% … %} that gives one.",
    "ItemSelector": "A template for the input of each iteration.",
    "MaxConcurrency": "How many iterations may run at once. 0: as many as possible.",
    "MaxConcurrencyPath": "Where MaxConcurrency is read from.",
    "ToleratedFailureCount": "How many items of a Distributed Map may fail before it does.",
    "ToleratedFailureCountPath": "Where ToleratedFailureCount is read from.",
    "ToleratedFailurePercentage": "How many items in a hundred of a Distributed Map may fail before it does.",
    "ToleratedFailurePercentagePath": "Where ToleratedFailurePercentage is read from.",
    "Label": "A short name for the runs of a Distributed Map: 1 to 40 characters, unique in the machine.",
    "ProcessorConfig": "How the iterations run.",
    "Mode": "INLINE (the default): inside this execution. DISTRIBUTED: each as an execution of its own.",
    "ExecutionType": "The type of the executions of a Distributed Map.",
    # Distributed Map
    "ItemReader": "Where a Distributed Map reads its items from.",
    "ReaderConfig": "What kind of data is read, and how much of it.",
    "InputType": "The format of the data.",
    "CSVHeaderLocation": "Whether the headers of a CSV are its first row, or given in CSVHeaders.",
    "CSVHeaders": "The headers of a CSV that has none.",
    "CSVDelimiter": "What separates the values of a CSV. COMMA is the default.",
    "ItemsPointer": "A JSON Pointer to the list inside the file.",
    "Transformation": "What is done with the objects that are listed, or with the results.",
    "ManifestType": "The kind of manifest that is read.",
    "MaxItems": "How many items are read at the most.",
    "MaxItemsPath": "Where MaxItems is read from.",
    "ItemBatcher": "Gives several items to each execution of a Distributed Map.",
    "MaxItemsPerBatch": "How many items a batch holds at the most.",
    "MaxItemsPerBatchPath": "Where MaxItemsPerBatch is read from.",
    "MaxInputBytesPerBatch": "How many bytes a batch holds at the most.",
    "MaxInputBytesPerBatchPath": "Where MaxInputBytesPerBatch is read from.",
    "BatchInput": "What every batch is given besides its items.",
    "ResultWriter": "Where a Distributed Map writes its results, and in which form.",
    "WriterConfig": "The form of the results.",
    "OutputType": "The format of the results.",
    # Retry and Catch
    "ErrorEquals": "The names of the errors. States.ALL stands for every one, alone and last.",
    "IntervalSeconds": "The pause before the first new attempt, in seconds. 1 is the default.",
    "MaxAttempts": "How many new attempts there are. 3 is the default, 0 is none.",
    "BackoffRate": "By how much each pause is longer than the one before. 2 is the default.",
    "MaxDelaySeconds": "How long a pause may become, in seconds.",
    "JitterStrategy": "FULL: each pause is a random part of what it would be. NONE is the default.",
}  # fmt: skip
"""Field -> what it is for."""

_KINDS: Final = {
    "String": "text",
    "Numeric": "number",
    "Boolean": "truth value",
    "Timestamp": "time",
}
_TESTS: Final = {
    "Equals": "equals",
    "LessThan": "is less than",
    "GreaterThan": "is greater than",
    "LessThanEquals": "is at most",
    "GreaterThanEquals": "is at least",
}


def description(field: str) -> str:
    """What a field is for."""
    if field in DESCRIPTIONS:
        return DESCRIPTIONS[field]
    plain = field.removesuffix("Path")
    kind = next(name for name in _KINDS if plain.startswith(name))
    test = _TESTS[plain.removeprefix(kind)]
    what = f"what this path leads to, a {_KINDS[kind]}" if field != plain else f"this {_KINDS[kind]}"
    return f"Whether it is a {_KINDS[kind]} and {test} {what}."
