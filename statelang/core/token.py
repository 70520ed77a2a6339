"""Tokens: `EXECUTION.COMMAND.RANDOM`, what an answer must carry to count. A new one is made for every request.

Rule: what a token is made of is known here alone. A text that is no token belongs to no execution and no command: it
may come from anybody, and reading it never fails.
"""

from __future__ import annotations

from typing import Final

from statelang.language.scope import Entropy

LONGEST_NUMBER: Final = 18
"""How many digits the number of a command may have: a counter never gets there."""


def new_token(execution: str, command: int, entropy: Entropy) -> str:
    """The token of a command of an execution, with 128 random bits."""
    return f"{execution}.{command}.{entropy.block()[:16].hex()}"


def command_of(token: str) -> int:
    """The command that a token answers; -1 for a text that is no token."""
    number = "".join(token.split(".")[-2:-1])
    known = number.isascii() and number.isdigit() and len(number) <= LONGEST_NUMBER
    return int(number) if known else -1


def execution_of(token: str) -> str:
    """The execution that a token belongs to; empty for a text that is no token."""
    return token.rsplit(".", 2)[0] if token.count(".") >= 2 else ""
