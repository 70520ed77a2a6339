"""Bindings: from Resources, with `*` patterns, to what performs them, so that the definition of AWS runs unchanged.

A bindings file is YAML or JSON:

    resources:
      arn:aws:lambda:*:function:charge: python:shop.tasks:charge
      arn:aws:lambda:*:function:report:
        target: exec:./report.sh
        env: {REGION: north}
    aws: true
    connections:
      crm:
        basic: {username: shop, password: {env: CRM_PASSWORD}}
    substitutions:
      Region: eu-west-1
    buckets:
      s3://invoices/: ./data/invoices
    machines:
      arn:aws:states:*:stateMachine:ship: ship.asl.yaml

`aws` lets AWS itself perform what is a Resource of AWS and not bound otherwise: `true`, or a mapping of options
(region, endpoint, endpoints, profile, role). Nothing reaches an account that nobody has named this way. `connections`
are those of `http:invoke` (see `statelang.tasks.connections`), which is then performed from here.

Rule: the most specific pattern wins: an exact name, then the one with the most characters that are no `*`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from statelang.compiler.source import read_source
from statelang.core.resource import classify
from statelang.errors import InvalidSettings, ObjectError, UnboundResource
from statelang.objects import Objects
from statelang.ports import Integration
from statelang.program import Use
from statelang.tasks import lambda_function
from statelang.tasks.python import python_task
from statelang.tasks.targets import is_aws, is_target, make
from statelang.values import Json

if TYPE_CHECKING:
    from statelang.tasks.http_invoke import HttpInvoke

HTTP: Final = re.compile(r"arn:[^:]*:states:[^:]*:[^:]*:http:invoke")

START_EXECUTION: Final = re.compile(
    r"arn:[^:]*:states:[^:]*:[^:]*:(?P<service>states|aws-sdk:sfn):startExecution"
    r"(?P<pattern>\.sync(?::2)?|\.waitForTaskToken)?"
)
"""A Resource that starts an execution; the engine performs it where `machines` binds the state machine."""

MOST_FOUND: Final = 1_000
"""How many answers are remembered: function names may be computed without end."""

KEYS: Final = ("resources", "substitutions", "aws", "connections", "buckets", "machines")

ASK_AWS: Final = (
    "AWS itself performs its own Resources only where it is asked to: --bind aws:, `aws: true` in the bindings file "
    "or in statelang.toml, or Engine(aws=True)"
)


@dataclass(frozen=True, slots=True)
class Bound:
    """One binding: what performs the Resource, and how it is shown (`python:shop.tasks:charge`).

    A binding to AWS itself performs a Lambda Resource as it is; any other stands in for the function.
    """

    integration: Integration
    target: str

    @property
    def is_aws(self) -> bool:
        """Whether AWS itself performs it."""
        return self.target.partition(":")[0] == "aws"


@dataclass(frozen=True, slots=True)
class Bindings:
    """What performs which Resource. `folder` is where targets in Resources themselves are relative to.

    `buckets` are folders in the place of S3 buckets, `machines` the definitions of nested executions: pattern -> path.
    `aws` is AWS itself, for its own Resources that are not bound otherwise (None: it is not to be asked); `connections`
    are those of `http:invoke`, by name, ARN or pattern.
    """

    bound: Mapping[str, Bound] = field(default_factory=dict)
    substitutions: Mapping[str, Json] = field(default_factory=dict)
    folder: Path | None = None
    buckets: Mapping[str, Path] = field(default_factory=dict)
    machines: Mapping[str, Path] = field(default_factory=dict)
    aws: Bound | None = None
    connections: Mapping[str, Json] = field(default_factory=dict)
    _found: dict[tuple[str, str | None], Bound | None] = field(default_factory=dict, compare=False, repr=False)

    @staticmethod
    def of(tasks: Mapping[str, object], folder: Path | None = None, aws: object = None) -> Bindings:
        """Bindings made in Python: pattern -> a callable, a target, or an integration. Raises InvalidSettings.

        `aws`: True, or a mapping of options, lets AWS itself perform its Resources that are not bound.
        """
        bound = {pattern: _bind(pattern, value, folder) for pattern, value in tasks.items()}
        return Bindings(bound, {}, folder, aws=_aws(aws, folder))

    def __or__(self, other: Bindings) -> Bindings:
        """Both; where both bind the same pattern or placeholder, the other's word counts."""
        return Bindings(
            bound={**self.bound, **other.bound},
            substitutions={**self.substitutions, **other.substitutions},
            folder=other.folder or self.folder,
            buckets={**self.buckets, **other.buckets},
            machines={**self.machines, **other.machines},
            aws=other.aws or self.aws,
            connections={**self.connections, **other.connections},
        )

    def check(self, uses: Iterable[Use]) -> None:
        """Raises UnboundResource, naming every state whose Resource nothing here performs."""
        missing = []
        for use in uses:
            if lambda_function.INVOKE.fullmatch(use.resource) and use.function is None:
                continue
            if self._runs(use):
                continue
            if classify(use.resource).family != "Activity" and self._find(use.resource, use.function) is None:
                missing.append(use)
        if missing:
            lines = [f"state {use.state!r}: nothing here performs {use.function or use.resource}" for use in missing]
            raise UnboundResource("\n".join([*lines, self._hint(missing[0].function or missing[0].resource)]))

    def find(self, resource: str, input: Json) -> Integration | None:
        """What performs a task; None for an activity that is not bound: its workers poll. Raises UnboundResource."""
        invoked = lambda_function.INVOKE.fullmatch(resource) is not None
        function = str(input.get("FunctionName")) if invoked and isinstance(input, dict) else None
        bound = self._find(resource, function)
        if bound is None:
            if classify(resource).family == "Activity":
                return None
            name = function or resource
            raise UnboundResource(f"nothing here performs {name}\n{self._hint(name)}")
        if not bound.is_aws and (invoked or lambda_function.DIRECT.fullmatch(resource)):
            return lambda_function.LambdaTask(bound.integration)
        return bound.integration

    def objects(self, bucket: str) -> Objects:
        """Where the objects of a bucket are: a folder bound to it, or S3 where AWS may be asked. Raises ObjectError."""
        from statelang.tasks.objects import FolderObjects, S3Objects

        for pattern in sorted(self.buckets, key=_exactness, reverse=True):
            if _glob(pattern.removeprefix("s3://").rstrip("/"))(bucket):
                return FolderObjects(self.buckets[pattern])
        if self.aws is None:
            raise ObjectError(f"s3://{bucket}: no folder is bound in its place. {ASK_AWS}")
        return S3Objects(self._s3)

    def _s3(self) -> Any:
        """The client of S3 where AWS is."""
        from statelang.tasks.objects import s3_client

        clients = getattr(self.aws and self.aws.integration, "clients", None)
        return s3_client() if clients is None else clients.client("s3", seconds=65, role=clients.place.role)

    def machine(self, arn: str) -> Path | None:
        """The definition that is run in the place of a state machine; None: none is bound to it.

        The version or alias that an ARN names counts only where the pattern names one.
        """
        place, _, qualified = arn.rpartition(":stateMachine:")
        name = qualified.partition(":")[0]
        spellings = (arn, qualified, f"{place}:stateMachine:{name}", name)
        for pattern in sorted(self.machines, key=_exactness, reverse=True):
            if any(map(_glob(pattern), spellings)):
                return self.machines[pattern]
        return None

    def asks_aws(self, use: Use) -> bool:
        """Whether AWS itself performs a state's task, as far as can be told before its input is there."""
        found = None if self._runs(use) else self._find(use.resource, use.function)
        return found is not None and found.is_aws

    def _runs(self, use: Use) -> bool:
        """Whether a state starts an execution of a machine that is bound; of which, only its input may tell."""
        if START_EXECUTION.fullmatch(use.resource) is None or not self.machines:
            return False
        return use.machine is None or self.machine(use.machine) is not None

    def _find(self, resource: str, function: str | None) -> Bound | None:
        key = resource, function
        try:
            return self._found[key]
        except KeyError:  # asked and cleared by many threads
            found = self._search(resource, function)
        if len(self._found) > MOST_FOUND:
            self._found.clear()
        self._found[key] = found
        return found

    def _search(self, resource: str, function: str | None) -> Bound | None:
        candidates = [p for p in self.bound if matches(p, resource, function)]
        if candidates:
            return self.bound[max(candidates, key=_exactness)]
        if is_target(resource):
            return Bound(make(resource, {}, self.folder), resource)
        if HTTP.fullmatch(resource) and (self.connections or self.aws):
            return Bound(self._http_invoke(), "http:invoke")
        return self.aws if is_aws(resource) else None

    def _http_invoke(self) -> HttpInvoke:
        from statelang.tasks.connections import Connections
        from statelang.tasks.http_invoke import HttpInvoke

        clients = None if self.aws is None else getattr(self.aws.integration, "clients", None)
        return HttpInvoke(Connections(self.connections, self.folder, clients))

    def _hint(self, name: str) -> str:
        aws = f"\n{ASK_AWS}" if self.aws is None and (is_aws(name) or not name.partition(":")[1]) else ""
        if not self.bound:
            others = [key for key in ("machines", "buckets", "connections") if getattr(self, key)]
            what = f"only {' and '.join(others)} are bound, and no Resource" if others else "nothing is bound at all"
            how = "name it under `resources` in a bindings file (--bind), or give tasks={…} to the Engine"
            return f"{what}: {how}{aws}"
        import difflib

        near = difflib.get_close_matches(name, self.bound, n=1, cutoff=0.6)
        question = f"; did you mean {near[0]}?" if near else ""
        return "bound are: " + ", ".join(sorted(self.bound)) + question + aws


def matches(pattern: str, resource: str, function: str | None) -> bool:
    """Whether a binding's pattern means a Resource; `function` is the FunctionName of a lambda:invoke."""
    if _glob(pattern)(resource):
        return True
    if function is None:
        function = resource if lambda_function.DIRECT.fullmatch(resource) else None
        return function is not None and _means(pattern, function)
    return bool(_glob(pattern)(function)) or _means(pattern, function)


def _means(pattern: str, function: str) -> bool:
    """Whether a pattern, which may be a bare name or an ARN, means a function named by a name or an ARN.

    Region, account and qualifier count only where both name them.
    """
    if pattern.startswith("arn:") and function.startswith("arn:"):
        return bool(_glob(pattern)(":".join(function.split(":")[:7])))
    if ":" in pattern and "function:" not in pattern:
        return False
    account = function.rpartition(":function:")[0].rpartition(":")[2]
    known = pattern.rpartition(":function:")[0]
    if account and known and "*" not in known and not known.endswith(account):
        return False
    return bool(_glob(lambda_function.function_of(pattern))(lambda_function.function_of(function)))


def _exactness(pattern: str) -> tuple[bool, int, str]:
    return "*" not in pattern, len(pattern.replace("*", "")), pattern


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> Callable[[str], Any]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL).fullmatch


def _aws(options: object, folder: Path | None) -> Bound | None:
    """What `aws` says: True, or a mapping of options; None or False: AWS is not to be asked."""
    if options is None or options is False:
        return None
    if options is not True and not isinstance(options, Mapping):
        raise InvalidSettings(f"aws must be true or a mapping of options, not {options!r}")
    return Bound(make("aws:", {} if options is True else options, folder), "aws:")


def _bind(pattern: str, value: Any, folder: Path | None) -> Bound:
    if isinstance(value, str):
        return Bound(make(value, {}, folder), value)
    if isinstance(value, Mapping):
        target = value.get("target")
        if not isinstance(target, str):
            raise InvalidSettings(f"the binding of {pattern} has no target")
        return Bound(make(target, {key: item for key, item in value.items() if key != "target"}, folder), target)
    if hasattr(value, "perform"):
        return Bound(value, type(value).__name__)
    if callable(value):
        name = f"{getattr(value, '__module__', '')}:{getattr(value, '__qualname__', repr(value))}"
        return Bound(python_task(value), f"python:{name}")
    raise InvalidSettings(f"the binding of {pattern} is neither a function nor a target but {value!r}")


def read_bindings(path: str | Path) -> Bindings:
    """The bindings of a file; Python modules and programs are looked for beside it.

    Raises InvalidSettings with the file and what is wrong in it.
    """
    file = Path(path)
    value, folder = _read(file), file.parent.resolve()
    try:
        made = Bindings.of(value["resources"], folder, value["aws"])
        if value["connections"]:
            from statelang.tasks.connections import check_connections

            check_connections(value["connections"])
        buckets, machines = (_paths(value[key], key, folder) for key in ("buckets", "machines"))
        given = value["substitutions"], folder, buckets, machines
        return Bindings(made.bound, *given, aws=made.aws, connections=value["connections"])
    except InvalidSettings as problem:
        raise InvalidSettings(f"{file}: {problem}") from problem


def _paths(given: Mapping[str, Json], key: str, folder: Path) -> Mapping[str, Path]:
    for pattern, path in given.items():
        if not isinstance(path, str):
            raise InvalidSettings(f"{key}: {pattern} must be bound to a path, not {path!r}")
        if key == "buckets" and "/" in pattern.removeprefix("s3://").rstrip("/"):
            raise InvalidSettings(f"{key}: {pattern} is no bucket: a folder stands for a whole one, its keys are paths")
    return {pattern: folder / path for pattern, path in given.items()}


def read_substitutions(path: str | Path) -> Mapping[str, Json]:
    """The substitutions of a bindings file alone: nothing it binds is imported. Raises InvalidSettings."""
    found: Mapping[str, Json] = _read(Path(path))["substitutions"]
    return found


def _read(file: Path) -> Mapping[str, Any]:
    """What the keys of a bindings file hold."""
    try:
        source = read_source(file.read_text(encoding="utf-8-sig"), str(file))
    except UnicodeDecodeError as problem:
        raise InvalidSettings(f"{file}: is not UTF-8 text (byte {problem.start})") from None
    except OSError as problem:
        raise InvalidSettings(f"{file}: {problem.strerror or problem}") from None
    if source.problems:
        raise InvalidSettings("\n".join(str(source.locate(problem)) for problem in source.problems))
    value = {} if source.value is None else source.value
    unknown = [key for key in value if key not in KEYS] if isinstance(value, dict) else ["it"]
    if unknown:
        raise InvalidSettings(f"{file}: {unknown[0]!r} is none of its keys, which are {', '.join(KEYS)}")
    found = {key: value.get(key) or {} for key in KEYS}
    if not all(isinstance(part, dict) for key, part in found.items() if key != "aws"):
        raise InvalidSettings(f"{file}: {' and '.join(key for key in KEYS if key != 'aws')} must be mappings")
    return {**found, "aws": value.get("aws") if isinstance(value, dict) else None}
