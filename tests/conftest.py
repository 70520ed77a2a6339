"""What all tests share."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("tests.stores.contract", "tests.machines", "tests.aws.dynoxide")

from tests.aws.dynoxide import CREDENTIALS, serving  # noqa: E402


def pytest_configure() -> None:
    """Whoever runs the suite in the background has its processes ignore Ctrl-C, which some of them are sent."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def dynoxide() -> Iterator[str]:
    """The endpoint of a DynamoDB for this run."""
    with serving() as endpoint:
        yield endpoint


@pytest.fixture
def table(dynoxide: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a table of its own."""
    from statelang.config import table_care

    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    address = f"dynamodb://t{uuid.uuid4().hex[:12]}?region=us-east-1&endpoint={dynoxide}&poll=20"
    table_care(address).create()
    return address
