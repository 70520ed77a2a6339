"""Tasks: from the Resource of a state to what performs it, one integration per module.

Rule: a new kind of target is one module and one row of `statelang.tasks.targets.TARGETS`. No integration raises: what
goes wrong is an answer with a States Language error.
"""

from statelang.tasks.bindings import Bindings, read_bindings
from statelang.tasks.python import LATER, TaskError

__all__ = ["LATER", "Bindings", "TaskError", "read_bindings"]
