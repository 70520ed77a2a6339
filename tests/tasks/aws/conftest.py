"""AWS for these tests: moto, and credentials for nothing else."""

from tests.moto import keys, server

__all__ = ["keys", "server"]
