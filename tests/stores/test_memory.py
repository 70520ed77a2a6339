"""The memory store keeps the contract."""

from __future__ import annotations

import pytest

from statelang.ports import Store
from statelang.stores.memory import MemoryStore
from tests.stores.contract import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()

    def again(self, store: Store) -> Store:
        return store
