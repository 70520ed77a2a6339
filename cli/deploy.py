"""`deploy`: state machines as a Lambda function that runs them, or as ones of AWS Step Functions.

Rule: it writes files and deploys nothing; `sam deploy` does, or whatever its reader prefers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click

from statelang.compiler import validate
from statelang.errors import InvalidDefinition, InvalidSettings
from statelang.program import Distributed, Map
from statelang.state_machine import StateMachine
from statelang.tasks import Bindings

from .options import AWS, bind_option, bindings_files, machine_and_bindings, set_option, settings, values_of, warn
from .output import say


@click.group("deploy")
def deploy_command() -> None:
    """Write what it takes to deploy state machines."""


@deploy_command.command("lambda")
@click.argument("files", metavar="FILE…", nargs=-1, required=True)
@click.option("--out", default="deploy", metavar="DIR", help="Where to. [default: deploy]")
@click.option("--table", default="statelang", help="The DynamoDB table. [default: statelang]")
@click.option("--arch", type=click.Choice(["x86_64", "arm64"]), default="x86_64", help="[default: x86_64]")
@click.option("--python", default="3.12", metavar="VERSION", help="The function's Python. [default: 3.12]")
@click.option("--force", is_flag=True, help="Write over what is there.")
@bind_option
@set_option
def lambda_command(
    files: tuple[str, ...],
    out: str,
    table: str,
    arch: str,
    python: str,
    force: bool,
    bind: tuple[str, ...],
    sets: tuple[str, ...],
) -> None:
    """One Lambda function that runs the machines of FILE…: SAM template, handler, and zip."""
    from statelang.aws.deploy import has_bytecode, write_lambda
    from statelang.aws.permissions import permissions

    machines: dict[Path, StateMachine] = {}
    found, used = Bindings(), dict[str, None]()
    for file in files:
        machine, its = machine_and_bindings(file, bind, sets)
        machines[Path(file)], found = machine, its | found
        used.update(dict.fromkeys(bindings_files(bind, beside=file)))
        warn(machine)
        its.check(machine.program.uses)
    _check_buckets(machines, found)
    own = [Path(file) for file in used if file != AWS]
    uses = [use for machine in machines.values() for use in machine.program.uses if found.asks_aws(use)]
    may = permissions(uses, watches=False)
    written = write_lambda(
        Path(out),
        machines,
        bindings=own,
        nested=sorted({*found.machines.values()}),
        modules=_modules(found),
        substitutions={**found.substitutions, **values_of(sets)},
        aws=True if AWS in used else settings().aws,
        table=table,
        architecture=arch,
        python=python,
        statements=may.statements,
        force=force,
    )
    for path in written:
        click.echo(path)
    if not has_bytecode(written[-1]):
        say(
            f"without bytecode: there is no Python {python} here that compiles for the function, so every cold start "
            f"compiles all of it; install it, or choose another with --python"
        )
    _tell_missing(found, own)
    _tell_unsaid(may.unsaid, machines.values() if found.aws is not None else ())
    say(f"deploy it: sam deploy --guided --template-file {written[0]} --capabilities CAPABILITY_IAM")


def _modules(found: Bindings) -> list[str]:
    """The top-level names of the Python modules that perform tasks."""
    targets = [bound.target for bound in found.bound.values() if bound.target.startswith("python:")]
    return list(dict.fromkeys(target.split(":")[1].partition(".")[0] for target in targets))


def _tell_missing(found: Bindings, used: Sequence[Path]) -> None:
    """What the function will not find in its zip."""
    for pattern, bound in found.bound.items():
        if bound.target.startswith("exec:"):
            say(f"{pattern} runs a program ({bound.target}), which is not in the zip: add what it needs")
    for name in _modules(found):
        if not any((path.parent / f"{name}.py").is_file() or (path.parent / name).is_dir() for path in used):
            say(f"the module {name} is not beside the bindings, and so not in the zip: add it, or a layer that has it")


def _tell_unsaid(resources: Sequence[str], machines: Iterable[StateMachine]) -> None:
    """What the role in the template may not do, and its machines need."""
    if resources:
        say(f"the role may not do yet all that these need: {', '.join(resources)}; add it to its Policies")
    names = [machine.name for machine in machines if _has_objects(machine)]
    if names:
        say(
            f"the role may not read and write objects yet: add the buckets of the Distributed Maps "
            f"of {', '.join(names)}"
        )


def _distributed(machine: StateMachine) -> list[Distributed]:
    """The Distributed Maps of a machine."""
    maps = [node.distributed for node in machine.program.nodes.values() if isinstance(node, Map)]
    return [one for one in maps if one is not None]


def _has_objects(machine: StateMachine) -> bool:
    """Whether Distributed Maps read or write objects."""
    return any(one.reader or one.writer for one in _distributed(machine))


def _check_buckets(machines: Mapping[Path, StateMachine], found: Bindings) -> None:
    """A folder of this machine is none of the function's. Raises InvalidSettings."""
    for path, machine in machines.items():
        if found.buckets and _has_objects(machine):
            where = ", ".join(f"{bucket} ({folder})" for bucket, folder in found.buckets.items())
            raise InvalidSettings(
                f"{path}: its Distributed Map reads or writes objects, and the bindings put folders of this machine in "
                f"the place of buckets: {where}. The function has no such folders: give it bindings without `buckets`, "
                f"and with `aws: true` for S3, by --bind"
            )


@deploy_command.command("step-functions")
@click.argument("file", metavar="FILE")
@click.option("--out", default="deploy-step-functions", metavar="DIR", help="[default: deploy-step-functions]")
@click.option("--force", is_flag=True, help="Write over what is there.")
@bind_option
@set_option
def step_functions_command(file: str, out: str, force: bool, bind: tuple[str, ...], sets: tuple[str, ...]) -> None:
    """The same definition as a state machine of AWS Step Functions, after asking what AWS would not take."""
    from statelang.aws.deploy import write_step_functions
    from statelang.aws.permissions import map_runs, permissions

    machine, found = machine_and_bindings(file, bind, sets)
    text = Path(file).read_text(encoding="utf-8-sig")
    given = {**found.substitutions, **values_of(sets)}
    problems = validate(text, name=file, substitutions=given, target="aws")
    for problem in problems:
        say(str(problem))
    if any(problem.severity == "ERROR" for problem in problems):
        raise InvalidDefinition(f"{file}: AWS would not take it", tuple(problems))
    may = permissions(machine.program.uses, watches=True)
    statements = [*may.statements, *(map_runs(machine.name) if _distributed(machine) else ())]
    for path in write_step_functions(Path(out), Path(file), machine, given, statements=statements, force=force):
        click.echo(path)
    _tell_unsaid(may.unsaid, [machine])
    say(f"deploy it: sam deploy --guided --template-file {out}/template.yaml --capabilities CAPABILITY_IAM")
