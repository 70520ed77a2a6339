"""`deploy`: state machines as a Lambda function that runs them, or as ones of AWS Step Functions.

Rule: it writes files and deploys nothing; `sam deploy` does, or whatever its reader prefers.
"""

from __future__ import annotations

from pathlib import Path

import click

from statelang.compiler import validate
from statelang.errors import InvalidDefinition

from .options import bind_option, bindings, bindings_files, machine_and_bindings, set_option, warn
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
    from statelang.aws.deploy import write_lambda

    machines, found = {}, bindings(bind, beside=files[0])
    for file in files:
        machine, its = machine_and_bindings(file, bind, sets)
        machines[Path(file)], found = machine, its | found
        warn(machine)
        its.check(machine.program.uses)
    used = bindings_files(bind, beside=files[0])
    written = write_lambda(
        Path(out),
        machines,
        bindings=Path(used[0]) if used else None,
        nested=sorted({*found.machines.values()}),
        substitutions=found.substitutions,
        table=table,
        architecture=arch,
        python=python,
        force=force,
    )
    for path in written:
        click.echo(path)
    say(f"deploy it: sam deploy --guided --template-file {written[0]} --capabilities CAPABILITY_IAM")


@deploy_command.command("step-functions")
@click.argument("file", metavar="FILE")
@click.option("--out", default="deploy-step-functions", metavar="DIR", help="[default: deploy-step-functions]")
@click.option("--force", is_flag=True, help="Write over what is there.")
@bind_option
@set_option
def step_functions_command(file: str, out: str, force: bool, bind: tuple[str, ...], sets: tuple[str, ...]) -> None:
    """The same definition as a state machine of AWS Step Functions, after asking what AWS would not take."""
    from statelang.aws.deploy import write_step_functions

    machine, found = machine_and_bindings(file, bind, sets)
    text = Path(file).read_text(encoding="utf-8-sig")
    problems = validate(text, name=file, substitutions=found.substitutions, target="aws")
    for problem in problems:
        say(str(problem))
    if any(problem.severity == "ERROR" for problem in problems):
        raise InvalidDefinition(f"{file}: AWS would not take it", tuple(problems))
    for path in write_step_functions(Path(out), Path(file), machine, found.substitutions, force=force):
        click.echo(path)
    say(f"deploy it: sam deploy --guided --template-file {out}/template.yaml --capabilities CAPABILITY_IAM")
