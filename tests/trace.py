"""System calls of a real process, by ptrace: which syncs happen, and when, seen from outside.

    for call in trace([sys.executable, "program.py"]): ...

Rule: Linux only (5.3 or newer, x86-64 and arm64); `can_trace` says whether this machine allows it. Who traces waits for
every child it has, so that a process of its own does it, which has no others.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

CALLS: Final = {
    "x86_64": {1: "write", 18: "write", 74: "sync", 75: "sync"},
    "aarch64": {64: "write", 68: "write", 82: "sync", 83: "sync"},
}
"""Machine -> number of a system call -> what it is here; all others are passed over."""

_TRACEME, _CONT_TO_CALL, _SETOPTIONS, _GET_INFO = 0, 24, 0x4200, 0x420E
_OPTIONS: Final = 0x1 | 0x2 | 0x4 | 0x8 | 0x100000  # calls marked; forks, vforks and threads followed; ended with us
_ENTRY: Final = 1

REFUSED: Final = 3
"""The exit status of a tracer that may not trace."""
_ALL: Final = 0x40000000


class _Info(ctypes.Structure):
    _fields_ = (
        ("op", ctypes.c_uint8),
        ("pad", ctypes.c_uint8 * 3),
        ("arch", ctypes.c_uint32),
        ("ip", ctypes.c_uint64),
        ("sp", ctypes.c_uint64),
        ("number", ctypes.c_uint64),
        ("arguments", ctypes.c_uint64 * 6),
    )


class Call(NamedTuple):
    """One system call: "sync" or "write", and the file it is about."""

    kind: str
    file: int


def can_trace() -> bool:
    """Whether processes can be traced here."""
    try:
        return sys.platform == "linux" and any(
            True for _ in trace([sys.executable, "-c", "import os; os.write(1, b'')"])
        )
    except OSError:
        return False


def trace(words: Sequence[str]) -> Iterator[Call]:
    """Run a program and tell its syncs and writes as they begin. Raises OSError where that is not allowed."""
    ours, theirs = os.pipe()
    tracer = subprocess.Popen([sys.executable, __file__, str(theirs), *words], pass_fds=[theirs])
    os.close(theirs)
    try:
        with open(ours, encoding="utf-8") as told:
            for line in told:
                kind, file = line.split()
                yield Call(kind, int(file))
    except GeneratorExit:  # nobody listens any more: the program ends with who traces it
        tracer.kill()
        raise
    finally:
        status = tracer.wait()
    if status == REFUSED:
        raise OSError("processes cannot be traced here")


def _follow(words: Sequence[str]) -> Iterator[Call]:
    known = CALLS[platform.machine()]
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
    child = os.fork()
    if child == 0:
        libc.ptrace(_TRACEME, 0, None, None)
        os.execvp(words[0], list(words))
    os.waitpid(child, _ALL)
    if libc.ptrace(_SETOPTIONS, child, None, ctypes.c_void_p(_OPTIONS)) != 0:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, _ALL)
        raise OSError(ctypes.get_errno(), "processes cannot be traced here")
    libc.ptrace(_CONT_TO_CALL, child, None, None)
    yield from _calls(libc, known)


def _calls(libc: ctypes.CDLL, known: Mapping[int, str]) -> Iterator[Call]:
    info = _Info()
    while True:
        try:
            process, status = os.waitpid(-1, _ALL)
        except ChildProcessError:
            return
        if not os.WIFSTOPPED(status):
            continue
        number, passed_on = os.WSTOPSIG(status), 0
        if number == signal.SIGTRAP | 0x80:
            size = ctypes.c_void_p(ctypes.sizeof(info))
            libc.ptrace(_GET_INFO, process, size, ctypes.byref(info))
            if info.op == _ENTRY and info.number in known:
                yield Call(known[info.number], info.arguments[0])
        elif number not in (signal.SIGTRAP, signal.SIGSTOP):
            passed_on = number
        libc.ptrace(_CONT_TO_CALL, process, None, ctypes.c_void_p(passed_on))


def main(pipe: int, words: Sequence[str]) -> None:
    """Trace a program, and write a line per call to a pipe that the program does not inherit."""
    os.set_inheritable(pipe, False)
    try:
        for call in _follow(words):
            os.write(pipe, f"{call.kind} {call.file}\n".encode())
    except OSError:
        sys.exit(REFUSED)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
