"""The quote of `definitions/` as a Lambda function."""

from __future__ import annotations

import statelang.aws
from statelang.tasks import read_bindings
from tests.shared import ROOT

FOLDER = ROOT / "definitions" / "quote"
BINDINGS = FOLDER / "quote.bindings.yaml"

handler = statelang.aws.handler(
    FOLDER / "quote.asl.json",
    bindings=BINDINGS,
    substitutions=read_bindings(BINDINGS).substitutions,
    reserve_ms=500,
    expected_ms=1_000,
)
