"""A cold start looks for no garbage; what comes after it does, but not among what the start has made."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from statelang.aws.cold import uncollected
from tests.shared import ROOT


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_as_it_was(enabled: bool) -> None:
    (gc.enable if enabled else gc.disable)()
    try:
        with uncollected():
            assert not gc.isenabled()
        assert gc.isenabled() is enabled
        assert gc.get_freeze_count() > 0
    finally:
        gc.enable()
        gc.unfreeze()


def test_importing_the_host_collects_nothing() -> None:
    script = """
import gc
seen = []
gc.callbacks.append(lambda phase, told: seen.append(phase))
import statelang.aws
assert len(seen) <= 10, len(seen)  # it was fifty
assert gc.isenabled()
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)
