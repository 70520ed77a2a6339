"""The settlement's tasks. Amounts are in cents, as integers: they must add up exactly."""

from typing import Any


class ControlTotalsDiffer(Exception):
    """The trailer of the file promises something else than its records hold."""


class FileDamaged(Exception):
    """A record of the file cannot be read."""


class BankBusy(Exception):
    """The bank asks to come back later."""


def control_totals(request: dict[str, Any]) -> dict[str, int]:
    """Count and add up the records, and hold them against the trailer."""
    records, trailer = request["file"]["records"], request["file"]["trailer"]
    total = sum(_amount(record) for record in records)
    if (len(records), total) != (trailer["count"], trailer["total"]):
        raise ControlTotalsDiffer(
            f"{len(records)} records of {total} cents, but the trailer says {trailer['count']} of {trailer['total']}"
        )
    return {"count": len(records), "total": total}


def _amount(record: str) -> int:
    bank, _, amount = record.partition(";")
    if not bank or not amount.isdigit():
        raise FileDamaged(f"not a record: {record!r}")
    return int(amount)


def transform(request: dict[str, Any]) -> list[dict[str, Any]]:
    """One payment for each bank, in the order in which the banks appear."""
    amounts: dict[str, int] = {}
    for record in request["records"]:
        bank = record.partition(";")[0]
        amounts[bank] = amounts.get(bank, 0) + _amount(record)
    return [{"bank": bank, "amount": amount} for bank, amount in amounts.items()]


def hand_over(payment: dict[str, Any], call: Any) -> dict[str, Any]:
    """Give a bank its payment. WEST is busy at first; the idempotency key keeps a repetition from paying twice."""
    if payment["bank"] == "WEST" and call.attempt == 0:
        raise BankBusy("come back in a second")
    return {"bank": payment["bank"], "amount": payment["amount"], "receipt": f"{payment['day']}/{payment['bank']}"}


def escalate(trouble: dict[str, Any]) -> dict[str, str]:
    """Wake somebody up."""
    return {"page": "settlement-on-call", "about": f"{trouble['day']}: {trouble['error']}"}
