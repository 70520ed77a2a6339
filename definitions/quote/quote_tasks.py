"""The quote's tasks: small functions, as they would stand in Lambda handlers."""

import os
import time
from typing import Any

CUSTOMERS = {
    "ada@example.com": {"id": "C-1815", "segment": "loyal", "discountPercent": 15},
    "grace@example.com": {"id": "C-1906", "segment": "new", "discountPercent": 5},
}
PRICES = {"home": 24_000, "car": 61_000}
"""Yearly list prices, in cents."""


class CustomerUnknown(Exception):
    """Nobody of this address is a customer."""


def _think() -> None:
    """Take as long as a remote call would, where somebody watches (STATELANG_DEMO_SECONDS)."""
    time.sleep(float(os.environ.get("STATELANG_DEMO_SECONDS", "0")))


def identify_customer(quote: dict[str, Any]) -> dict[str, Any]:
    """The customer behind an e-mail address."""
    _think()
    address = quote["visit"].get("email")
    if address not in CUSTOMERS:
        raise CustomerUnknown(f"no customer has the address {address}")
    return CUSTOMERS[address]


def score_intent(visit: dict[str, Any]) -> dict[str, Any]:
    """How likely a visitor is to buy, 0 to 100."""
    _think()
    score = min(100, visit["clicks"] * 4 + visit["minutes"] * 3 + (10 if visit["segment"] == "loyal" else 0))
    return {"score": score, "model": "intent-7"}


def price_cover(request: dict[str, Any]) -> dict[str, Any]:
    """The yearly premium of a cover, in cents."""
    _think()
    price = PRICES[request["cover"]]
    return {"premium": price * (100 - request["discountPercent"]) // 100, "currency": "EUR"}


def send_to_adviser(quote: dict[str, Any]) -> dict[str, Any]:
    """Put the quote on an adviser's desk."""
    _think()
    return {"channel": "adviser", "desk": "north" if quote["customer"]["id"] else "walk-in"}


def visit_state(watched: dict[str, Any]) -> dict[str, Any]:
    """Whether the visitor is still there."""
    _think()
    return {"active": bool(watched["visit"].get("stays"))}


def follow_up(quote: dict[str, Any]) -> dict[str, Any]:
    """Write to somebody who left."""
    _think()
    return {"channel": "e-mail", "about": quote["reference"]}
