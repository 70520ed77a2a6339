"""The pace of a worker: how much one round does, how long it waits, and how much it holds at once.

Rule: times in milliseconds. A number that another module needs stands here once, with what it bounds.
"""

from __future__ import annotations

from typing import Final

FRAMES_PER_ROUND: Final = 256
"""How many frames of one execution move in one round: what one commit may hold."""

BATCH: Final = 256
"""How many transitions may share a checkpoint under `effect`."""

BATCH_MS: Final = 50
"""How long transitions may go without a checkpoint under `effect`, in milliseconds."""

QUIET_MS: Final = 1_000
"""How long it may go unwritten under `effect` that a task has begun, or is alive, if nothing else happens."""

KEEP_MS: Final = 1_000
"""An execution that waits for a timer further away than this is let go."""

ADOPT: Final = 1_000
"""How many executions are taken over at once."""

MAIL_PER_ROUND: Final = 1_000
"""How many messages one round takes."""

MOST: Final = 10_000
"""How many executions a worker that adopts holds at most before it leaves the others to others."""

SWEEP: Final = 256
"""How many dropped frames are removed at once when there is nothing else to write."""

PROGRAMS: Final = 256
"""How many compiled definitions are kept beside those that are being run."""
