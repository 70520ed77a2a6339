"""Names of executions and state machines, by the rules of AWS (asl.md 9.1).

Rule: a name that AWS would refuse is refused here, so that what runs here can move there.
"""

from __future__ import annotations

import re
import uuid
from typing import Final

from statelang.errors import InvalidSettings

BANNED: Final = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")
LONGEST: Final = 80


def check_name(name: str, what: str = "execution") -> str:
    """The name itself. Raises InvalidSettings: 1 to 80 characters, none of AWS's banned ones."""
    if not 1 <= len(name) <= LONGEST:
        raise InvalidSettings(f"the {what} name {name!r} has {len(name)} characters; it needs 1 to {LONGEST}")
    banned = BANNED.search(name)
    if banned is not None:
        raise InvalidSettings(f"the {what} name {name!r} holds {banned[0]!r}, which AWS does not allow in names")
    return name


def new_name() -> str:
    """A name nobody else has: a UUID."""
    return str(uuid.uuid4())


def name_from(text: str) -> str:
    """A name made of any text: what is not allowed becomes a hyphen."""
    return BANNED.sub("-", text)[:LONGEST] or "machine"
