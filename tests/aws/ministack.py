"""MiniStack, several services of AWS in one process, for tests: in a virtual environment of its own, on loopback.

Rule: it is a black box, at a pinned version; what it needs is fetched through pip and kept in the project's `.cache`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.aws.dynoxide import CACHE, free_port, unavailable

VERSION = "1.5.33"
START_SECONDS = 60


def environment() -> Path:
    """The folder of the virtual environment, made once. Functions run in it, as in Lambda's runtime with boto3."""
    place = CACHE / f"ministack-{VERSION}-{sys.version_info.major}.{sys.version_info.minor}"
    CACHE.mkdir(exist_ok=True)
    with (CACHE / ".lock-ministack").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / ".ready").exists():
            shutil.rmtree(place, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(place)], check=True, timeout=300)
            words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"ministack=={VERSION}", "boto3"]
            ran = subprocess.run(
                [str(place / "bin" / "python"), *words], capture_output=True, text=True, timeout=600, check=False
            )
            if ran.returncode:
                unavailable(f"MiniStack could not be fetched through pip: {ran.stderr.strip()[-300:]}")
            (place / ".ready").touch()
    return place


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A MiniStack of its own; its endpoint. What it says goes into `folder`."""
    place, port = environment(), free_port()
    told = {
        "PATH": f"{place / 'bin'}:{os.environ['PATH']}",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "SFTP_PORT": str(free_port()),
        "IOT_MTLS_PORT": str(free_port()),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "STATE_DIR": str(folder / "state"),
    }
    with (folder / "ministack.log").open("wb") as log:
        process = subprocess.Popen([str(place / "bin" / "ministack")], env=told, cwd=folder, stdout=log, stderr=log)
        try:
            _wait_for(f"http://127.0.0.1:{port}/_ministack/health", process, folder)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(url, timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"MiniStack does not answer:\n{(folder / 'ministack.log').read_text()[-3000:]}")
