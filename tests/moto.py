"""moto's server over HTTP, started once for all tests of a process, on a free port of loopback.

A folder's conftest imports the fixtures it wants. Lambda functions echo: real ones would need Docker.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that answers for AWS, as the account of the recordings."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("moto") / "log"
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    address = f"http://127.0.0.1:{port}"
    with log.open("wb") as out:
        around = {**os.environ, **KEYS, "MOTO_ACCOUNT_ID": ACCOUNT}
        process = subprocess.Popen(words, stdout=out, stderr=out, env=around)
    try:
        _await(address, process, log)
        reset(address)
        yield address
    finally:
        process.kill()
        process.wait()


KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
ACCOUNT = "111111111111"


def _await(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/moto-api/", timeout=5).close()
            return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"moto's server did not start: {log.read_text(errors='replace')[-2000:]}")


def reset(address: str) -> None:
    """Have nothing in it."""
    _post(f"{address}/moto-api/reset", {})
    _post(f"{address}/moto-api/config", {"lambda": {"use_docker": False}})


def _post(address: str, value: Any) -> None:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, json.dumps(value).encode(), headers, method="POST")
    urllib.request.urlopen(request, timeout=10).close()


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Credentials for moto alone: nothing of whoever runs the tests is used."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
