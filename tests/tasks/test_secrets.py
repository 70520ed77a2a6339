"""Secrets by reference: read when they are needed, from where they are, and never told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from statelang import Failed, InvalidSettings, Jobs, Pending, Submitted, Succeeded, TaskCall, read_bindings
from statelang.tasks.secrets import Secrets, WithSecrets, has_references, is_reference
from statelang.values import Json
from tests.tasks.calls import call


@pytest.mark.parametrize("value", [{"env": "A"}, {"file": "a"}, {"secret": "a"}, {"secret": "a", "key": "k"}])
def test_references(value: Any) -> None:
    assert is_reference(value)
    assert has_references({"deep": [{"in": value}]})


@pytest.mark.parametrize("value", ["env", {"env": "A", "x": 1}, {}, [], None, {"key": "k"}])
def test_what_is_no_reference(value: Any) -> None:
    assert not is_reference(value)


def test_revealed_and_learnt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", "first-secret")
    (tmp_path / "two").write_text("second-secret\r\n")
    secrets = Secrets(tmp_path)
    assert secrets.reveal({"a": [{"env": "ONE"}], "b": {"file": "two"}, "c": 1}) == {
        "a": ["first-secret"],
        "b": "second-secret",
        "c": 1,
    }
    assert secrets.hide("x first-secret y second-secret z") == "x *** y *** z"
    assert "secret" not in repr(secrets)


def test_every_spelling_is_hidden() -> None:
    secrets = Secrets()
    secrets.learn('a"b\\c ü/&')
    for told in (
        'a"b\\c ü/&',
        json.dumps('a"b\\c ü/&'),
        json.dumps('a"b\\c ü/&', ensure_ascii=False),
        "a%22b%5Cc%20%C3%BC%2F%26",
        "a%22b%5Cc+%C3%BC%2F%26",
        "YSJiXGMgw7wvJg==",
    ):
        assert secrets.hide(f"<{told}>").strip('<">') == "***", told


def test_answers_are_cleaned_and_kept_exactly_where_they_told_nothing() -> None:
    secrets = Secrets()
    secrets.learn("swordfish")
    kept = Succeeded({"a": 1.0}, '{"a": 1.0}')
    assert secrets.clean(kept) is kept
    assert secrets.clean(Succeeded({"a swordfish": ["swordfish"]}, "x")) == Succeeded({"a ***": ["***"]})
    assert secrets.clean(Failed("E", "swordfish!", ("at swordfish",))) == Failed("E", "***!", ("at ***",))
    assert secrets.clean(Submitted("swordfish", {"id": 1}, 2, "x")) == Submitted("***", {"id": 1}, 2)
    assert secrets.clean(None) is None


def test_what_is_too_short_to_be_a_secret_tears_no_text_apart() -> None:
    secrets = Secrets()
    secrets.learn("a")
    assert secrets.hide("banana") == "banana"


def test_what_cannot_be_read_is_said_without_it(tmp_path: Path) -> None:
    for reference in ({"env": "NO_SUCH_VARIABLE"}, {"file": "none"}):
        with pytest.raises(InvalidSettings, match=r"NO_SUCH_VARIABLE|none"):
            Secrets(tmp_path).reveal(reference)


def test_a_program_gets_a_secret_in_its_environment_and_cannot_tell_it(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("swordfish")
    (tmp_path / "tell.sh").write_text(
        '#!/bin/sh\nif [ "$1" = fail ]; then echo "no $KEY" >&2; exit 3; fi\necho "\\"$KEY\\""\n'
    )
    (tmp_path / "tell.sh").chmod(0o755)
    (tmp_path / "b.yaml").write_text(
        "resources:\n"
        "  tell: {target: 'exec:./tell.sh', env: {KEY: {file: key}}}\n"
        "  fail: {target: 'exec:./tell.sh fail', env: {KEY: {file: key}}}\n"
    )
    bindings = read_bindings(tmp_path / "b.yaml")
    told = bindings.bound["tell"].integration.perform(call({}))
    assert told == Succeeded("***")
    failed = bindings.bound["fail"].integration.perform(call({}))
    assert isinstance(failed, Failed)
    assert failed.cause is not None
    assert "no ***" in failed.cause
    (tmp_path / "key").unlink()
    missing = bindings.bound["tell"].integration.perform(call({}))
    assert isinstance(missing, Failed)
    assert missing.error == "States.Runtime"


def test_jobs_and_clients_are_there_behind_secrets(tmp_path: Path) -> None:
    """`aws: {role: {env: …}}` must not cost AWS its jobs, nor send who reads buckets to another account."""

    class Performs:
        clients = "clients"

        def perform(self, call: TaskCall) -> Submitted:
            return Submitted({}, "job", 1)

        def poll(self, call: TaskCall, job: Json, polls: int) -> Pending | Succeeded:
            return Pending(1) if polls == 1 else Succeeded([job, "swordfish"])

        def stop(self, call: TaskCall, job: Json) -> Failed:
            return Failed("E", "swordfish would not")

    (tmp_path / "key").write_text("swordfish")
    hidden = WithSecrets({"role": {"file": "key"}}, lambda options: Performs(), tmp_path)
    assert isinstance(hidden, Jobs)
    assert hidden.clients == "clients"
    assert hidden.poll(call({}), "job", 1) == Pending(1)
    assert hidden.poll(call({}), "job", 2) == Succeeded(["job", "***"])
    assert hidden.stop(call({}), "job") == Failed("E", "*** would not")
    (tmp_path / "key").unlink()
    assert isinstance(hidden.poll(call({}), "job", 2), Failed)
    assert isinstance(hidden.stop(call({}), "job"), Failed)
