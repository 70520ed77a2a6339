"""Processes of a function that start at once: forked from one that has imported what each of them would.

What runs is `awslambdaric` all the same, from reading its environment on. A soak starts a hundred of them.

Rule: the process that forks has one thread and has opened nothing; a fork makes its own clients.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tests.shared import ROOT


class Fork:
    """A forked process, known by a descriptor: its id may be another's once it has ended."""

    def __init__(self, id: int) -> None:
        self._descriptor = os.pidfd_open(id)

    def ended(self) -> bool:
        """Whether it has ended."""
        return _ended(self._descriptor, 0)

    def kill(self) -> None:
        """End it at once, and wait until it has ended."""
        if not self.ended():
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
            _ended(self._descriptor, 10)
        os.close(self._descriptor)


def _ended(descriptor: int, seconds: float) -> bool:
    return bool(select.select([descriptor], [], [], seconds)[0])


class Forks:
    """The process that has imported everything, and forks. Safe from many threads."""

    def __init__(self, imports: list[str]) -> None:
        words = [sys.executable, "-m", "tests.aws.forks", *imports]
        self._process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._guard = threading.Lock()
        self._ask(None)

    def start(self, handler: str, environment: dict[str, str], folder: Path, output: Path) -> Fork:
        """Run `awslambdaric` for a handler; what it says is appended to a file."""
        asked = {"handler": handler, "environment": environment, "folder": str(folder), "output": str(output)}
        return Fork(self._ask(asked))

    def _ask(self, what: object) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._guard:
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()
            return int(self._process.stdout.readline())

    def close(self) -> None:
        """End it; its forks are ended by who started them."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)


def run(handler: str, environment: dict[str, str], folder: str, output: str) -> None:
    """In the fork: become the function."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    file = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    null = os.open(os.devnull, os.O_RDONLY)
    for old, new in ((null, 0), (file, 1), (file, 2)):
        os.dup2(old, new)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    from awslambdaric.__main__ import main

    main(["awslambdaric", handler])


def serve(imports: list[str]) -> None:
    """Import, then fork as often as a line asks for it; `awslambdaric` itself reads its environment when imported."""
    for name in imports:
        __import__(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        asked = json.loads(line)
        id = 0 if asked is None else os.fork()
        if asked is not None and id == 0:
            try:
                run(**asked)
            finally:
                os._exit(1)
        print(id, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1:])
