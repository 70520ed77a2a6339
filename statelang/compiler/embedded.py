"""Embedded definitions: the state machines inside templates of CloudFormation, SAM, the CDK and the Serverless
Framework, each with its place in the file.

Rule: a definition inside a template is checked like one by itself; what only a deployment can know is an open
placeholder, and what cannot be followed is said.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from statelang.compiler.problems import EMBEDDED, NO_SUBSTITUTION, UNUSED_SUBSTITUTION, Problem, did_you_mean
from statelang.compiler.source import Source, escape, read_source
from statelang.compiler.spelling import Origin, Woven, fixed
from statelang.compiler.substitutions import PLACEHOLDER, is_function, weave
from statelang.values import Json

Read = Callable[[str], str | None]
"""The text of a file by its path, or None where it cannot be read."""

RESOURCES: Final = ("AWS::StepFunctions::StateMachine", "AWS::Serverless::StateMachine")
_FILE: Final = re.compile(r"\$\{file\(([^)]+)\)\}")
_ESCAPED: Final = re.compile(r"\$\{!([^}]*)\}")


@dataclass(slots=True)
class Definition:
    """One definition found in a file: its `source` (None: it cannot be followed), the machine's `type`, the names that
    DefinitionSubstitutions can give values to (None: the text comes from elsewhere), and the template's own problems.
    """

    source: Source | None
    type: str
    asked: frozenset[str] | None = None
    problems: list[Problem] = field(default_factory=list)


def definitions(
    text: str, name: str, *, values: Mapping[str, Json], type: str, read: Read = lambda path: None
) -> Iterator[Definition]:
    """Every definition in a file: those in a template, or the file as one."""
    outer = read_value(text, name, values)
    machines = list(_machines(outer.value))
    if not machines and _is_template(outer.value):
        yield _Template(outer, values, read, type).without_machines()
    elif not machines:
        yield from _alone(outer, type)
    for pointer, properties in machines:
        yield from _Template(outer, values, read, type).machine(pointer, properties)


def read_value(text: str, name: str, values: Mapping[str, Json]) -> Source:
    """A text read, with the values of placeholders in their place."""
    if not values:
        return read_source(text, name)
    woven = weave(text, values)
    source = read_source(woven.text, name)
    source.file_text, source.origin = text, woven.origin
    return source


def _alone(outer: Source, type: str) -> Iterator[Definition]:
    if is_function(outer.value):
        yield from _Template(outer, {}, lambda path: None, type).text("", outer.value, None, type)
    else:
        yield Definition(outer, type)


def _is_template(value: Json) -> bool:
    """Whether a value is a template, and no definition by itself."""
    marks = ("Resources", "AWSTemplateFormatVersion", "Transform", "service", "stepFunctions")
    return isinstance(value, dict) and "States" not in value and any(mark in value for mark in marks)


def _machines(value: Json) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(pointer, properties) of every state machine of a template."""
    if not isinstance(value, dict):
        return
    resources = value.get("Resources")
    for name, resource in resources.items() if isinstance(resources, dict) else ():
        if isinstance(resource, dict) and resource.get("Type") in RESOURCES:
            properties = resource.get("Properties")
            yield f"/Resources/{escape(name)}/Properties", properties if isinstance(properties, dict) else {}
    framework = value.get("stepFunctions")
    machines = framework.get("stateMachines") if isinstance(framework, dict) else None
    for name, properties in machines.items() if isinstance(machines, dict) else ():
        if isinstance(properties, dict):
            yield f"/stepFunctions/stateMachines/{escape(name)}", properties


class _Template:
    """Follows the ways in which a template gives a definition."""

    def __init__(self, outer: Source, values: Mapping[str, Json], read: Read, type: str) -> None:
        self.outer = outer
        self.values = values
        self.read = read
        self.type = type

    def without_machines(self) -> Definition:
        """A template in which no state machine is found."""
        return self._lost("", "No state machine is found in this template", self.type)

    def machine(self, pointer: str, properties: Mapping[str, Any]) -> Iterator[Definition]:
        """The definition of one state machine."""
        kind = properties.get("StateMachineType", properties.get("Type", properties.get("type", self.type)))
        kind = kind if kind in ("STANDARD", "EXPRESS") else self.type
        given = properties.get("DefinitionSubstitutions")
        substitutions = given if isinstance(given, dict) and not is_function(given) else None
        for key in ("Definition", "definition"):
            value = properties.get(key)
            at = f"{pointer}/{key}"
            if isinstance(value, dict) and not is_function(value):
                found = Definition(self._inner(at, value), kind, frozenset(_names(value)))
                yield self._told(found, substitutions, pointer)
                return
            if value is not None:
                yield from self._file_or_text(at, value, substitutions, kind, pointer)
                return
        if "DefinitionString" in properties:
            at = f"{pointer}/DefinitionString"
            for definition in self.text(at, properties["DefinitionString"], substitutions, kind):
                yield self._told(definition, substitutions, pointer)
        elif isinstance(properties.get("DefinitionUri"), str):
            at = f"{pointer}/DefinitionUri"
            yield self._told(self._uri(at, properties["DefinitionUri"], substitutions, kind), substitutions, pointer)
        else:
            yield self._lost(pointer, "The template does not hold the definition itself: it is not checked", kind)

    def _file_or_text(
        self, at: str, value: Json, substitutions: Mapping[str, Json] | None, kind: str, pointer: str
    ) -> Iterator[Definition]:
        match = _FILE.fullmatch(value) if isinstance(value, str) else None
        if match is not None:
            yield self._uri(at, match[1].strip(), substitutions, kind)
            return
        for definition in self.text(at, value, substitutions, kind):
            yield self._told(definition, substitutions, pointer)

    def _inner(self, pointer: str, value: Mapping[str, Json]) -> Source:
        """A definition that is an object of the template."""
        places = dict(self.outer.places)
        return replace(self.outer, value=_plain(value, pointer, places), problems=[], places=places, prefix=pointer)

    def text(
        self, pointer: str, value: Json, substitutions: Mapping[str, Json] | None, kind: str
    ) -> Iterator[Definition]:
        """A definition that is a text of the template."""
        woven = Woven()
        if not self._weave(value, pointer, woven):
            yield self._lost(pointer, "The definition is put together when it is deployed: it is not checked", kind)
            return
        literal = {key: item for key, item in (substitutions or {}).items() if isinstance(item, (str, int, float))}
        put = weave(woven.text, literal)
        source = read_source(put.text, "definition.json" if put.text.lstrip()[:1] == "{" else "definition")
        source.name, source.file_text = self.outer.name, self._file_text
        source.origin = lambda offset: self.outer.origin(woven.origin(put.origin(offset)))
        if not woven.text:
            source.origin = fixed(self.outer.origin(self.outer.offset(pointer) or 0))
        yield Definition(source, kind, frozenset(_names(value)) if isinstance(value, str) else None)

    @property
    def _file_text(self) -> str:
        return self.outer.text if self.outer.file_text is None else self.outer.file_text

    def _weave(self, value: Json, pointer: str, woven: Woven) -> bool:
        """Put a text together from a text, Fn::Sub and Fn::Join; whether it could be."""
        if isinstance(value, str):
            woven.add(value, self._origin(pointer))
            return True
        if not isinstance(value, dict) or not is_function(value):
            return False
        ((name, argument),) = value.items()
        at = f"{pointer}/{escape(name)}"
        if name == "Fn::Sub":
            text, where = (argument, at) if isinstance(argument, str) else (_first(argument), f"{at}/0")
            return isinstance(text, str) and self._weave(text, where, woven)
        if name == "Fn::Join" and isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], list):
            for index, part in enumerate(argument[1]):
                if index and isinstance(argument[0], str):
                    woven.add(argument[0], fixed(self.outer.offset(f"{at}/1/{index}") or 0))
                if not self._weave(part, f"{at}/1/{index}", woven):
                    woven.add(_placeholder(part), fixed(self.outer.offset(f"{at}/1/{index}") or 0))
            return True
        return False

    def _origin(self, pointer: str) -> Origin:
        if pointer not in self.outer.places:
            return fixed(self.outer.offset(pointer) or 0)
        return lambda within: self.outer.character(pointer, within)

    def _uri(self, pointer: str, path: str, substitutions: Mapping[str, Json] | None, kind: str) -> Definition:
        """A definition in a file of its own, beside the template."""
        if path.startswith("s3://"):
            return self._lost(pointer, "The definition is in S3: it is not checked", kind)
        file = posixpath.join(posixpath.dirname(self.outer.name.replace("\\", "/")), path)
        text = self.read(file)
        if text is None:
            return self._lost(pointer, f"The file {file} cannot be read: the definition is not checked", kind)
        literal = {key: item for key, item in (substitutions or {}).items() if isinstance(item, (str, int, float))}
        return Definition(read_value(text, file, {**literal, **self.values}), kind, frozenset(_names(text)))

    def _lost(self, pointer: str, message: str, kind: str) -> Definition:
        problem = self.outer.locate(Problem(EMBEDDED, message, pointer, pointer, "INFO", on_key=True))
        return Definition(None, kind, problems=[problem])

    def _told(self, definition: Definition, substitutions: Mapping[str, Json] | None, pointer: str) -> Definition:
        """The definition, with what DefinitionSubstitutions leaves open or gives in vain."""
        if substitutions is None or definition.source is None or definition.asked is None:
            return definition
        source, asked = definition.source, definition.asked or frozenset()
        for name in sorted(asked):
            if name not in substitutions and name not in self.values:
                at = source.text.find(f"${{{name}}}", source.offset("") or 0)
                message = f"DefinitionSubstitutions gives no value to ${{{name}}}"
                hint = did_you_mean(name, list(substitutions))
                problem = Problem(NO_SUBSTITUTION, message, severity="WARNING", hint=hint, offset=max(at, 0))
                definition.problems.append(source.locate(problem))
        for name in substitutions:
            if name not in asked:
                definition.problems.append(self._unused(name, f"{pointer}/DefinitionSubstitutions/{escape(name)}"))
        return definition

    def _unused(self, name: str, pointer: str) -> Problem:
        message = f"The definition has no placeholder ${{{name}}}"
        return self.outer.locate(Problem(UNUSED_SUBSTITUTION, message, pointer, pointer, "INFO", on_key=True))


def _names(value: Json) -> Iterator[str]:
    """The placeholders in the texts of a value, CloudFormation's own functions left out."""
    if isinstance(value, str):
        yield from (match[1] for match in PLACEHOLDER.finditer(value))
    elif isinstance(value, list):
        for item in value:
            yield from _names(item)
    elif isinstance(value, dict) and not is_function(value):
        for key, item in value.items():
            yield from _names(key)
            yield from _names(item)


def _first(value: Json) -> Json:
    return value[0] if isinstance(value, list) and value else None


def _placeholder(value: Json) -> str:
    """A placeholder for what one of CloudFormation's functions will give."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, argument),) = value.items()
        if name == "Ref" and isinstance(argument, str):
            return f"${{{argument}}}"
        if name == "Fn::GetAtt" and isinstance(argument, list) and all(isinstance(part, str) for part in argument):
            return f"${{{'.'.join(argument)}}}"
        return f"${{{re.sub('[^A-Za-z0-9]', '_', name)}}}"
    return "${value}"


def _plain(value: Json, pointer: str, places: dict[str, int]) -> Json:
    """A value of a template as the definition will have it: functions as texts with placeholders."""
    if isinstance(value, list):
        return [_plain(item, f"{pointer}/{index}", places) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if not is_function(value):
        return {key: _plain(item, f"{pointer}/{escape(key)}", places) for key, item in value.items()}
    ((name, argument),) = value.items()
    text = _first(argument) if isinstance(argument, list) else argument
    if name == "Fn::Sub" and isinstance(text, str):
        inner = f"{pointer}/Fn::Sub" + ("/0" if isinstance(argument, list) else "")
        places[pointer] = places.get(inner, places.get(pointer, 0))
        return _ESCAPED.sub(r"${\1}", text)
    if name == "Fn::Join" and isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], list):
        parts = [part if isinstance(part, str) else _placeholder(part) for part in argument[1]]
        return str(argument[0]).join(parts)
    return _placeholder(value)
