"""What is found while a definition is read and built: texts that cannot be read, fields that cannot be.

Rule: these rows have no function; their code is said where the thing is read, with the severity that stands here.
"""

from __future__ import annotations

from typing import Any, Final

from statelang.compiler.problems import (
    DUPLICATE_KEY,
    EMBEDDED,
    INVALID_JSON,
    NO_SUBSTITUTION,
    NUMBER,
    SCHEMA,
    TOO_DEEP,
    UNKNOWN_CODE,
    UNRESOLVED,
    UNUSED_SUBSTITUTION,
)
from statelang.compiler.rules.rule import LAMBDA, Rule, machine, one, state


def template(properties: dict[str, Any]) -> dict[str, Any]:
    """An example: a SAM template with one state machine."""
    return {"Resources": {"Work": {"Type": "AWS::Serverless::StateMachine", "Properties": properties}}}


ROWS: Final = (
    Rule(
        INVALID_JSON,
        "ERROR",
        "The text is neither JSON nor YAML: a comma, a quote or a bracket is missing or left over where it says.",
        '{"StartAt": "Work" "States": {}}',
        one("Pass"),
    ),
    Rule(
        SCHEMA,
        "ERROR",
        "A field is missing, is not known here, or has a value that it cannot have. Which fields a state has depends "
        "on its Type and its QueryLanguage.",
        machine({"Work": state("Wait", Second=5)}),
        machine({"Work": state("Wait", Seconds=5)}),
    ),
    Rule(
        TOO_DEEP,
        "ERROR",
        "The definition nests deeper than 100 levels.",
        "[" * 101,
        one("Pass", Result=[[[]]]),
    ),
    Rule(
        DUPLICATE_KEY,
        "WARNING",
        "An object has the same key twice, and only the last of them counts. In YAML, and where states have the same "
        "name, it is an error.",
        '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Type": "Pass", "End": true}}}',
        '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}',
    ),
    Rule(
        UNRESOLVED,
        "ERROR",
        "A placeholder has no value, so that nothing can run. Give one with --set or in the bindings file. A "
        "definition that is only validated may have open placeholders.",
        one("Task", Resource="${Work}"),
        one("Task", Resource=LAMBDA),
    ),
    Rule(
        NUMBER,
        "ERROR",
        "A number has more digits than can be held exactly.",
        '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": 1e999, "End": true}}}',
        '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": 1e9, "End": true}}}',
    ),
    Rule(
        EMBEDDED,
        "INFO",
        "A template names its definition in a way that only a deployment can follow, or the file that it names is not "
        "there. What it holds was not checked.",
        template({"DefinitionUri": "there-is-no-such-file.asl.json"}),
        template({"Definition": one("Pass")}),
    ),
    Rule(
        NO_SUBSTITUTION,
        "WARNING",
        "DefinitionSubstitutions gives no value to this placeholder: CloudFormation leaves it in the definition as it "
        "stands.",
        template({"Definition": one("Task", Resource="${Work}"), "DefinitionSubstitutions": {"Wrk": LAMBDA}}),
        template({"Definition": one("Task", Resource="${Work}"), "DefinitionSubstitutions": {"Work": LAMBDA}}),
    ),
    Rule(
        UNUSED_SUBSTITUTION,
        "INFO",
        "DefinitionSubstitutions gives a value to a placeholder that is not in the definition.",
        template({"Definition": one("Pass"), "DefinitionSubstitutions": {"Work": LAMBDA}}),
        template({"Definition": one("Task", Resource="${Work}"), "DefinitionSubstitutions": {"Work": LAMBDA}}),
    ),
    Rule(
        UNKNOWN_CODE,
        "WARNING",
        "A comment silences a code that there is not.",
        one("Pass", Comment="statelang: ignore SL0010"),
        one("Pass", Comment="statelang: ignore SL010"),
    ),
)
"""The rows of this subject."""
