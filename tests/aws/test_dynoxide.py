"""Where a DynamoDB for tests comes from."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

import pytest

from tests.aws import dynoxide


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(dynoxide, "CACHE", tmp_path)
    monkeypatch.setenv("CI", "true")


def test_where_there_is_no_package_a_test_skips_in_ci_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(pytest.skip.Exception, match="no package for aarch64"):
        dynoxide.binary()


def test_where_there_is_one_that_cannot_be_fetched_ci_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(pytest.fail.Exception, match="npm"):
        dynoxide.binary()
