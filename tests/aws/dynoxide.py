"""Dynoxide, a DynamoDB in one binary, for tests: fetched through npm at a pinned version, served on loopback.

Rule: what is fetched is kept in the project's `.cache`, which git ignores. Without network a test skips and says so;
under `CI=true` that skip fails. Where there is no package for the architecture, a test skips in CI too: nothing that is
done there could change it.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.shared import ROOT

VERSION = "1.2.1"
PACKAGES = {"x86_64": "@dynoxide/linux-x64"}
CACHE = ROOT / ".cache"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_SESSION_TOKEN": "",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


def unavailable(message: str) -> None:
    """Skip; under CI=true fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def binary() -> Path:
    """The binary of this machine, fetched once."""
    place = CACHE / f"dynoxide-{VERSION}" / "dynoxide"
    CACHE.mkdir(exist_ok=True)
    with (CACHE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            _fetch(place)
    return place


def _fetch(place: Path) -> None:
    package = PACKAGES.get(platform.machine())
    if package is None:
        pytest.skip(
            f"dynoxide {VERSION} has no package for {platform.machine()}: there is nothing to fetch, with or without "
            f"network, so this is skipped in CI too"
        )
    if shutil.which("npm") is None:
        unavailable("dynoxide is fetched through npm, which is missing")
    folder = place.parent.with_suffix(".partial")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    words = ["npm", "pack", "--silent", f"{package}@{VERSION}"]
    ran = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    archives = list(folder.glob("*.tgz"))
    if ran.returncode or not archives:
        unavailable(f"dynoxide could not be fetched through npm: {ran.stderr.strip()[-300:]}")
    with tarfile.open(archives[0]) as archive:
        member = archive.extractfile("package/dynoxide")
        assert member is not None
        (folder / "dynoxide").write_bytes(member.read())
    (folder / "dynoxide").chmod(0o755)
    shutil.rmtree(place.parent, ignore_errors=True)
    folder.rename(place.parent)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def serving(database: Path | None = None) -> Iterator[str]:
    """A DynamoDB of its own; its endpoint."""
    words, port = [str(binary())], free_port()
    words += ["--port", str(port), *(["--db-path", str(database)] if database else [])]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()  # it loses nothing by that, and on a SIGTERM it waits for connections that are still open
        process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.02)
    raise RuntimeError("dynoxide does not answer")
