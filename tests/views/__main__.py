"""Write the golden files anew: `python -m tests.views`. Look at the difference before it is committed."""

from __future__ import annotations

from tests.views.parcel import GOLDEN
from tests.views.test_golden import outputs

for name, text in outputs().items():
    (GOLDEN / name).write_text(text, encoding="utf-8")
