"""Where the recorded truth lies: `STATELANG_SHARED`, by default `../shared` beside the project.

Rule: nothing recorded is copied into the project. Without the data a test skips and says so; under `CI=true` that
skip fails.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def shared(*parts: str) -> Path:
    """The path of a file or folder of the recorded data; skips (fails under CI=true) where it is absent."""
    path = Path(os.environ.get("STATELANG_SHARED") or ROOT.parent / "shared").joinpath(*parts)
    if not path.exists():
        message = f"recorded data not found at {path} (set STATELANG_SHARED)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path
