"""The order's tasks. What they do is kept nowhere: each answer follows from its input."""

from typing import Any


class OutOfStock(Exception):
    """There is not enough of an item."""


class CardDeclined(Exception):
    """The bank says no."""


class PaymentUnavailable(Exception):
    """The payment service does not answer."""


class NoRoute(Exception):
    """Nobody drives there."""


def reserve_stock(order: dict[str, Any]) -> dict[str, Any]:
    """Set the items aside."""
    if any(item["quantity"] > 100 for item in order["items"]):
        raise OutOfStock("there are only 100")
    return {"reservationId": f"R-{order['orderId']}"}


def charge_card(order: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take the money. The token card "flaky" needs a second attempt; the idempotency key keeps it from paying twice."""
    if order["card"] == "declined":
        raise CardDeclined("insufficient funds")
    if order["card"] == "flaky" and context.attempt == 0:
        raise PaymentUnavailable("try again")
    return {"chargeId": f"C-{order['orderId']}", "amount": order["amount"]}


def book_transport(order: dict[str, Any]) -> dict[str, Any]:
    """Find somebody who drives there."""
    if order["to"] == "the moon":
        raise NoRoute("nobody drives to the moon")
    return {"carrier": "post", "to": order["to"]}


def refund_card(charge: dict[str, Any]) -> dict[str, Any]:
    """Give the money back."""
    return {"refunded": charge["chargeId"]}


def release_stock(reservation: dict[str, Any]) -> dict[str, Any]:
    """Put the items back."""
    return {"released": reservation["reservationId"]}
