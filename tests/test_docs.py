"""The README and the picture of each machine in `definitions/` are what its definition says now."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs import pages
from tests.shared import ROOT


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_is_current(path: Path) -> None:
    assert path.is_file(), "make docs"
    assert path.read_text(encoding="utf-8") == pages()[path], "out of date: make docs"
