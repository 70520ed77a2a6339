"""From a definition to the nodes of a Program, every field compiled on the way.

Rule: one function per type of state and one row in BUILDERS. What cannot be compiled is said to Findings; what comes
out of a definition with problems is never run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from statelang.compiler import fields
from statelang.compiler.findings import Findings, Place
from statelang.compiler.handlers import catchers, choice_rules, retriers
from statelang.compiler.maps import map_fields
from statelang.compiler.resources import check_resource
from statelang.compiler.source import escape
from statelang.compiler.substitutions import Open, opened
from statelang.language import paths
from statelang.language.intrinsics import is_intrinsic
from statelang.language.problems import Malformed
from statelang.language.scope import ABSENT
from statelang.language.templates import (
    compile_credentials,
    compile_dynamic,
    compile_jsonata_field,
    compile_jsonata_integer,
    compile_jsonata_template,
    compile_jsonata_timestamp,
    compile_template,
    is_query,
)
from statelang.language.timestamps import parse_timestamp
from statelang.program import (
    Choice,
    Expression,
    Fail,
    Map,
    Parallel,
    Pass,
    QueryLanguage,
    State,
    States,
    Succeed,
    Task,
    Use,
    Wait,
)
from statelang.values import Json

Given = Mapping[str, Json]

_AS_WRITTEN: Final = ("Branches", "ItemProcessor", "Iterator", "Resource", "Comment")
"""Fields in which open placeholders stay as they are: states inside a state are opened one by one."""


WAITS: Final = ("Seconds", "SecondsPath", "Timestamp", "TimestampPath")


class Builder:
    """Builds the nodes of one definition."""

    def __init__(
        self, findings: Findings, language: QueryLanguage, *, express: bool, placeholders: bool = False
    ) -> None:
        self.findings = findings
        self.placeholders = placeholders
        self.language = language
        self.express = express
        self.nodes: dict[str, State] = {}
        self.uses: list[Use] = []
        self.main = States("", {})

    def states(self, value: Given, place: Place) -> States:
        """A States object with its StartAt."""
        built: dict[str, State] = {}
        given = value.get("States")
        for name, state in given.items() if isinstance(given, dict) else ():
            at = place / "States" / name
            if not isinstance(state, dict):
                if not self.findings.open(state):
                    self.findings.say("Expected value of type Object", at)
                continue
            node = self.state(name, state, at)
            if node is not None:
                built[name] = self.nodes[name] = node
        return States(str(value.get("StartAt", "")), built)

    def state(self, name: str, state: Given, place: Place) -> State | None:
        """One state, or None where its type is unknown."""
        if self.placeholders:
            state = {key: item if key in _AS_WRITTEN else opened(item) for key, item in state.items()}
        kind = state.get("Type")
        if "Type" not in state:
            self.findings.required(state, ("Type",), place)
            return None
        if self.findings.open(kind):
            return None
        if not isinstance(kind, str) or kind not in BUILDERS:
            known = ", ".join(fields.TYPES)
            self.findings.say(f"The field 'Type' should have one of these values: [{known}]", place / "Type")
            return None
        language = self._language_of(state, place)
        table = fields.JSONATA if language == "JSONata" else fields.JSONPATH
        before = len(self.findings.problems)
        good = self.findings.fields(state, table[kind], place)
        self.findings.required(state, fields.REQUIRED.get(kind, ()), place)
        self._onward(state, kind, place)
        self._exclusive(state, place)
        if kind == "Wait" and sum(name in state for name in WAITS) != 1:
            self.findings.say(f"A Wait state needs exactly one of [{', '.join(WAITS)}]", place)
        well_formed = len(self.findings.problems) == before
        node = BUILDERS[kind](self, good, place, self._common(name, good, place, language), language)
        return node if well_formed else None

    def _language_of(self, state: Given, place: Place) -> QueryLanguage:
        own = state.get("QueryLanguage", self.language)
        if self.language == "JSONata" and own == "JSONPath":
            message = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
            self.findings.say(message, place)
        return "JSONata" if own == "JSONata" else "JSONPath"

    def _onward(self, state: Given, kind: str, place: Place) -> None:
        if kind in ("Choice", "Succeed", "Fail"):
            return
        if state.get("End") is True and "Next" in state:
            self.findings.say("A state may have either Next or End, not both", place)
        elif "Next" not in state and state.get("End") is not True and not self.findings.open(state.get("End")):
            self.findings.say("A state needs either Next or End: true", place)

    def _exclusive(self, state: Given, place: Place) -> None:
        for first, second in fields.EXCLUSIVE:
            if first in state and second in state:
                self.findings.say(f"You cannot specify both '{first}' and '{second}'", place)

    def _common(self, name: str, state: Given, place: Place, language: QueryLanguage) -> dict[str, Any]:
        """The fields that states of every type may have."""
        made: dict[str, Any] = {
            "name": name,
            "pointer": str(place),
            "query_language": language,
            "comment": state.get("Comment"),
            "next": state.get("Next"),
        }
        if language == "JSONata":
            for key in ("Output", "Assign", "Arguments"):
                if key in state:
                    made[key.lower()] = self.query(state[key], place / key, key)
            return made
        for key, field in (("InputPath", "input_path"), ("OutputPath", "output_path")):
            if key in state:
                made[field] = self.path(state[key], place / key)
        if "ResultPath" in state and state["ResultPath"] != "$" and not isinstance(state["ResultPath"], Open):
            value = state["ResultPath"]
            made["result_path"] = self.findings.compiled(lambda: paths.compile_result_path(value), place / "ResultPath")
        keys = [("ResultSelector", "result_selector"), ("Assign", "assign")]
        if state["Type"] != "Map":
            keys.append(("Parameters", "arguments"))
        for key, field in keys:
            if key in state:
                made[field] = self.template(state[key], place / key)
        return made

    def path(self, value: str | None, place: Place) -> Expression | None:
        """InputPath or OutputPath; `$` is nothing to do."""
        if value == "$":
            return None
        return self.findings.compiled(lambda: paths.compile_data_path(value), place)

    def template(self, value: Json, place: Place) -> Expression | None:
        """A JSONPath payload template."""
        return self._every(lambda part: compile_template(part), _dynamic_parts(value), value, place)

    def query(self, value: Json, place: Place, location: str) -> Expression | None:
        """A JSONata template."""
        return self._every(lambda part: compile_jsonata_template(part, location=location), _texts(value), value, place)

    def _every(
        self, make: Callable[[Json], Expression], parts: Iterable[tuple[Json, str]], value: Json, place: Place
    ) -> Expression | None:
        """The expression of a template; where it has none, everything that is wrong with each of its parts is said."""
        try:
            return make(value)
        except Malformed as problem:
            before = len(self.findings.problems)
            for part, pointer in parts:
                self.findings.compiled(partial(make, part), Place(f"{place}{pointer}", place.location))
            if len(self.findings.problems) == before:
                self.findings.malformed(problem, place)
        return None


def _dynamic_parts(value: Json, pointer: str = "") -> Iterator[tuple[Json, str]]:
    """The members of a JSONPath template that are evaluated, each alone, and the pointer of what it is in."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key.endswith(".$"):
                yield {key: item}, pointer
            else:
                yield from _dynamic_parts(item, f"{pointer}/{escape(key)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _dynamic_parts(item, f"{pointer}/{index}")


def _texts(value: Json, pointer: str = "") -> Iterator[tuple[Json, str]]:
    """The texts of a JSONata template, and their pointers."""
    if isinstance(value, str):
        yield value, pointer
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, f"{pointer}/{escape(key)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{pointer}/{index}")


def _pass(builder: Builder, state: Given, place: Place, common: dict[str, Any], language: QueryLanguage) -> State:
    return Pass(**common, result=state.get("Result", ABSENT))


def _task(builder: Builder, state: Given, place: Place, common: dict[str, Any], language: QueryLanguage) -> State:
    findings, resource = builder.findings, state.get("Resource")
    if isinstance(resource, str):
        check_resource(resource, place / "Resource", findings, express=builder.express)
        function = _argument(state, "FunctionName") if ":states:::lambda:invoke" in resource else None
        machine = _argument(state, "StateMachineArn") if ":startExecution" in resource else None
        builder.uses.append(Use(common["name"], resource, function, machine))
    beat, limit = state.get("HeartbeatSeconds"), state.get("TimeoutSeconds")
    if type(beat) is int and type(limit) is int and beat >= limit:
        findings.say("HeartbeatSeconds must be smaller than TimeoutSeconds", place / "HeartbeatSeconds")
    return Task(
        **common,
        resource=str(resource),
        timeout_seconds=_seconds(builder, state, place, "TimeoutSeconds", language),
        heartbeat_seconds=_seconds(builder, state, place, "HeartbeatSeconds", language),
        credentials=_credentials(builder, state, place, language),
        retriers=retriers(state, place, findings),
        catchers=catchers(builder, state, place, language),
    )


def _argument(state: Given, name: str) -> str | None:
    """A text that a task is given under this name, where it is written out."""
    arguments = state.get("Parameters", state.get("Arguments"))
    value = arguments.get(name) if isinstance(arguments, dict) else None
    return value if isinstance(value, str) and not is_query(value) else None


def _seconds(builder: Builder, state: Given, place: Place, field: str, language: QueryLanguage) -> Expression | None:
    """A time-out as an expression, whichever way it is written."""
    path = f"{field}Path"
    if isinstance(state.get(path), str):
        return builder.findings.compiled(lambda: paths.compile_limit_path(state[path], field=path), place / path)
    value = state.get(field)
    if language == "JSONata" and is_query(value):
        return builder.findings.compiled(lambda: compile_jsonata_integer(value, location=field, least=1), place / field)
    return None if value is None else lambda scope: value


def _credentials(builder: Builder, state: Given, place: Place, language: QueryLanguage) -> Expression | None:
    value, at = state.get("Credentials"), place / "Credentials"
    if value is None:
        return None
    if isinstance(value, dict) and not builder.findings.open(value):
        if not {"RoleArn", "RoleArn.$"} & set(value):
            builder.findings.say("The field 'RoleArn' is required but was missing", at)
            return None
        builder.findings.fields(value, fields.CREDENTIALS[language], at)
    made = builder.query(value, at, "Credentials") if language == "JSONata" else builder.template(value, at)
    return None if made is None else compile_credentials(made, language)


def _choice(builder: Builder, state: Given, place: Place, common: dict[str, Any], language: QueryLanguage) -> State:
    rules = choice_rules(builder, state, place, language)
    return Choice(**common, rules=rules, default=state.get("Default"))


def _wait(builder: Builder, state: Given, place: Place, common: dict[str, Any], language: QueryLanguage) -> State:
    findings = builder.findings
    given = [name for name in WAITS if name in state]
    if len(given) != 1:
        return Wait(**common)
    (field,) = given
    value, at = state[field], place / field
    if field == "Seconds":
        if language == "JSONata" and is_query(value):
            make = findings.compiled(lambda: compile_jsonata_integer(value, location=field, least=0), at)
            return Wait(**common, seconds=make)
        return Wait(**common, seconds=lambda scope: value)
    if field == "SecondsPath":
        return Wait(**common, seconds=findings.compiled(lambda: paths.compile_seconds_path(value), at))
    if field == "TimestampPath":
        return Wait(**common, timestamp=findings.compiled(lambda: paths.compile_timestamp_path(value), at))
    if language == "JSONata" and is_query(value):
        return Wait(**common, timestamp=findings.compiled(lambda: compile_jsonata_timestamp(value), at))
    instant = parse_timestamp(value)
    if instant is None and not isinstance(value, Open):
        findings.say(fields.NO_TIMESTAMP, at)
    due = None if instant is None else instant.milliseconds
    return Wait(**common, timestamp=lambda scope: due)


def _succeed(builder: Builder, state: Given, place: Place, common: dict[str, Any], language: QueryLanguage) -> State:
    return Succeed(**common)


def _fail(builder: Builder, state: Given, place: Place, common: dict[str, Any], language: QueryLanguage) -> State:
    made: dict[str, Any] = {}
    for field in ("Error", "Cause"):
        at, path = place / field, f"{field}Path"
        value = state.get(field)
        if path in state:
            made[field.lower()] = _fail_path(builder, state[path], place / path, path)
        elif language == "JSONata" and is_query(value):
            made[field.lower()] = builder.findings.compiled(_text_query(value, field), at)
        elif value is not None:
            made[field.lower()] = _literal(value)
    return Fail(**common, **made)


def _text_query(value: Json, field: str) -> Callable[[], Expression]:
    return lambda: compile_jsonata_field(value, location=field, expected="string")


def _literal(value: Json) -> Expression:
    return lambda scope: value


FAIL_INTRINSICS: Final = tuple(
    f"States.{name}("
    for name in ("ArrayGetItem", "Base64Encode", "Base64Decode", "Format", "JsonToString", "Hash", "UUID")
)


def _fail_path(builder: Builder, value: Json, place: Place, field: str) -> Expression | None:
    if isinstance(value, str) and is_intrinsic(value) and not value.startswith(FAIL_INTRINSICS):
        builder.findings.say(f"{field} may not use this intrinsic function", place)
        return None
    return builder.findings.compiled(lambda: paths.compile_text(compile_dynamic(value, field=field), field), place)


def _parallel(builder: Builder, state: Given, place: Place, common: dict[str, Any], language: QueryLanguage) -> State:
    branches = []
    listed = state.get("Branches")
    for index, branch in enumerate(listed if isinstance(listed, list) else []):
        at = place / "Branches" / index
        if not isinstance(branch, dict):
            if not builder.findings.open(branch):
                builder.findings.say("Expected value of type Object", at)
            continue
        good = builder.findings.fields(branch, fields.BRANCH, at)
        builder.findings.required(branch, ("States", "StartAt"), at)
        branches.append(builder.states(good, at))
    return Parallel(
        **common,
        branches=tuple(branches),
        retriers=retriers(state, place, builder.findings),
        catchers=catchers(builder, state, place, language),
    )


def _map(builder: Builder, state: Given, place: Place, common: dict[str, Any], language: QueryLanguage) -> State:
    return Map(
        **common,
        **map_fields(builder, state, place, language),
        retriers=retriers(state, place, builder.findings),
        catchers=catchers(builder, state, place, language),
    )


BUILDERS: Final[Mapping[str, Callable[..., State]]] = {
    "Pass": _pass,
    "Task": _task,
    "Choice": _choice,
    "Wait": _wait,
    "Succeed": _succeed,
    "Fail": _fail,
    "Parallel": _parallel,
    "Map": _map,
}
"""Type of state -> what builds its node."""
