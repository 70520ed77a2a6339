"""AWS for the cases that are performed for real."""

from tests.moto import keys, server

__all__ = ["keys", "server"]
