"""One job in a process of its own, forked from the fork server."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from tvmplug.errors import FleetError
from tvmplug.files import file_errors
from tvmplug.fleet.executors import Task, Tell
from tvmplug.fleet.frames import Frame, Kind


class _Stopped(BaseException):
    """The run ends. Not an Exception, so that no job takes it for a failure of its own."""


def run_child(
    ticket: int, function: Callable[[Any, Tell], Any], job: Task, *, answers: int, life: int
) -> NoReturn:
    """Do one job, send what came of it, and end the process.

    Args:
        ticket: Its number.
        function: What to call.
        job: What to call it with.
        answers: The descriptor to send to.
        life: A descriptor that nobody writes to; it ends with the process that leads the run.
    """
    status = 1
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, _stop)
        threading.Thread(target=_end_with, args=(life,), daemon=True).start()
        _send(answers, _done(ticket, function, job, answers))
        status = 0
    except _Stopped:
        pass
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(status)  # nothing of the server's is to be cleaned up here


def _done(ticket: int, function: Callable[[Any, Tell], Any], job: Task, answers: int) -> Frame:
    guard = threading.Lock()

    def tell(step: str) -> None:
        with guard:
            _send(answers, Frame(Kind.STEP, ticket, pickle.dumps(step)))

    try:
        _log_to(job.log)
        result = function(job, tell)
        return Frame(Kind.RESULT, ticket, pickle.dumps(result))
    except _Stopped:
        raise
    except BaseException as error:
        traceback.print_exc()
        return Frame(Kind.ERROR, ticket, _pickled(error))


def _pickled(error: BaseException) -> bytes:
    """Return what the leading process can certainly read, and raise without ending itself."""
    try:
        if not isinstance(error, Exception):
            raise TypeError  # SystemExit, ...
        pickled = pickle.dumps(error)
        pickle.loads(pickled)  # noqa: S301, made here; many errors can be written and not read
    except Exception:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        pickled = pickle.dumps(FleetError(text, mend="See its log"))
    return pickled


def _send(answers: int, frame: Frame) -> None:
    data = memoryview(frame.packed())
    # The server may be gone: then this process is about to be killed.
    with contextlib.suppress(BrokenPipeError):
        while data:
            data = data[os.write(answers, data) :]


def _stop(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once: what cleans up is not to be stopped
    raise _Stopped


def _end_with(life: int) -> None:
    """Wait until the leading process is gone, and end this one with all that it started."""
    os.read(life, 1)
    os.killpg(0, signal.SIGKILL)


class _Log(io.TextIOWrapper):
    """A log whose full disk fails no job: what the job writes itself will say so better."""

    def write(self, text: str, /) -> int:
        with contextlib.suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            super().flush()


def _log_to(log: Path) -> None:
    """Send all that this process and its programs print to a file, and give them no input."""
    with file_errors(log):
        log.parent.mkdir(parents=True, exist_ok=True)
        target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, descriptor in ((nothing, 0), (target, 1), (target, 2)):
        os.dup2(source, descriptor)
    os.close(target)
    os.close(nothing)
    sys.stdout, sys.stderr = _stream(1), _stream(2)


def _stream(descriptor: int) -> Any:
    raw = io.FileIO(descriptor, "w", closefd=False)
    return _Log(
        io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True
    )
