"""Jobs in processes of this machine, each forked from one process that has everything ready.

Three descriptors tie the processes together. `control` carries messages. `life` is a pipe that
only the leading process can write: when it dies, however it dies, all others read its end and end
too. `gone` is one that all others hold: when the leading process reads its end, none is left.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import pickle
import select
import socket
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from tvmplug.errors import FleetError
from tvmplug.fleet.executors import (
    JobDiedError,
    JobStoppedError,
    OnStep,
    ResultT,
    TaskT,
    Tell,
    Warm,
)
from tvmplug.fleet.frames import Frame, Kind, Unpacker

_CHUNK = 1 << 18
_PATIENCE_S = 30
_LAST_LINES = 5
# The path is the leading process's, so that the server finds what that one found.
_BOOT = """\
import sys
sys.path[:] = {path!r}
from tvmplug.fleet.forkserver_main import main
main(sys.argv[1])
"""


@dataclass(frozen=True)
class _Entry:
    future: Future[Any]
    attempt: int
    call: tuple[Callable[..., Any], Any]


class ForkServerExecutor:
    """Runs jobs in processes of this machine.

    Args:
        jobs: How many run at once.
        warm: What is done once in the process that forks all others.
        hold: A descriptor that all processes keep open while they live: the fleet's lock.
        on_step: Told the attempt and what it is at, in a thread of the executor.
        limit_s: Seconds after which a job is ended; None for no limit.
        grace_s: Seconds that a job which is ended has to clean up.

    Attributes:
        warmed: Done when `warm` is; with the error that it ended with, which ends nothing else.
    """

    def __init__(
        self,
        jobs: int,
        *,
        warm: Warm | None = None,
        hold: int | None = None,
        on_step: OnStep | None = None,
        limit_s: float | None = None,
        grace_s: float = 10,
    ) -> None:
        self._jobs = max(1, jobs)
        self._warm = warm
        self._on_step = on_step or (lambda _attempt, _step: None)
        self._guard = threading.RLock()
        self._waiting: deque[tuple[int, _Entry]] = deque()
        self._running: dict[int, _Entry] = {}
        self._warming: dict[int, Future[None]] = {}
        self._tickets = itertools.count(1)
        self._closed = False
        self._ended = False
        self._broken: FleetError | None = None
        self._start(hold, limit_s, grace_s)
        self.warmed: Future[None] = Future()
        self.warmed.set_result(None)
        for argument in warm.arguments if warm else ():
            self.warmed = self.warm_more(argument)

    def submit(self, fn: Callable[[TaskT, Tell], ResultT], /, job: TaskT) -> Future[ResultT]:
        """Have `fn(job, tell)` called in a process of its own: see `Executor.submit`.

        Raises:
            FleetError: The fork server is gone.
            RuntimeError: The executor was shut down.
        """
        entry = _Entry(Future(), job.attempt, (fn, job))
        with self._guard:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            if self._broken is not None:
                raise self._broken
            self._waiting.append((next(self._tickets), entry))
            self._dispatch()
        return entry.future

    def warm_more(self, argument: Any) -> Future[None]:
        """Call the function that `warm` names again, before the jobs submitted after this."""
        done: Future[None] = Future()
        if self._warm is None:
            raise ValueError("nothing was named to warm with")
        body = pickle.dumps((self._warm.module, self._warm.function, argument))
        with self._guard:
            if self._broken is not None:
                raise self._broken
            ticket = next(self._tickets)
            self._warming[ticket] = done
            self._send(Frame(Kind.WARM, ticket, body))
        return done

    def stop(self, future: Future[Any]) -> None:
        """End one job: forget it when it waits, have its process clean up when it runs."""
        if future.cancel():
            return
        with self._guard:
            for ticket, entry in self._running.items():
                if entry.future is future:
                    self._send(Frame(Kind.STOP, ticket))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more jobs: see `Executor.shutdown`."""
        with self._guard:
            self._closed = True
            if cancel_futures:
                for _, entry in self._waiting:
                    entry.future.cancel()
                for ticket in self._running:
                    self._send(Frame(Kind.STOP, ticket))
            self._dispatch()
        if wait and threading.current_thread() is not self._reader:
            self._reader.join()

    def __enter__(self) -> ForkServerExecutor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown(cancel_futures=error is not None)

    def _start(self, hold: int | None, limit_s: float | None, grace_s: float) -> None:
        self._control, control = socket.socketpair()
        life, self._life = os.pipe()
        self._gone, gone = os.pipe()
        told = {
            "control": control.fileno(),
            "life": life,
            "gone": gone,
            "hold": hold,
            "limit_s": limit_s,
            "grace_s": grace_s,
        }
        path = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100, '' is a folder here
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115, as long as the server
        try:
            # Not by `process.run`, which waits: this one serves for the whole run.
            self._server = subprocess.Popen(
                [sys.executable, "-c", _BOOT.format(path=path), json.dumps(told)],
                stdin=subprocess.DEVNULL,
                stdout=self._errors,
                stderr=self._errors,
                pass_fds=[
                    each for each in (control.fileno(), life, gone, hold) if each is not None
                ],
                start_new_session=True,
            )
        except OSError as error:
            raise FleetError(f"the fork server cannot be started: {error}") from error
        finally:
            control.close()
            os.close(life)
            os.close(gone)
        self._reader = threading.Thread(target=self._read, name="fleet jobs", daemon=True)
        self._reader.start()

    def _dispatch(self) -> None:
        """Send jobs while there is room; say goodbye when no job is left and none will come."""
        while self._waiting and len(self._running) < self._jobs:
            ticket, entry = self._waiting.popleft()
            if not entry.future.set_running_or_notify_cancel():
                continue
            try:
                # Not before: a thousand waiting jobs would lie here a second time.
                body = pickle.dumps(entry.call)
            except Exception as error:
                entry.future.set_exception(error)
                continue
            self._running[ticket] = entry
            self._send(Frame(Kind.JOB, ticket, body))
        if self._closed and not self._running and not self._ended:
            self._ended = True
            self._send(Frame(Kind.END, 0))

    def _send(self, frame: Frame) -> None:
        # A server that is gone is noticed by who reads; all futures are told there.
        with contextlib.suppress(OSError):
            self._control.sendall(frame.packed())

    def _read(self) -> None:
        """The thread that takes what the server sends, until the server is gone."""
        unpacker = Unpacker()
        while True:
            try:
                data = self._control.recv(_CHUNK)
            except OSError:
                data = b""
            if not data:
                break
            for frame in unpacker.feed(data):
                try:
                    self._take(frame)
                except Exception:
                    logging.getLogger(__name__).exception("a step or result was not taken")
        self._after_the_server()

    def _take(self, frame: Frame) -> None:
        told = pickle.loads(frame.body)  # noqa: S301, from a process of ours over a private socket
        if frame.kind is Kind.STEP:
            self._on_step(self._running[frame.ticket].attempt, told)
            return
        if frame.kind is Kind.WARMED:
            done = self._warming.pop(frame.ticket)
            done.set_result(None) if told is None else done.set_exception(told)
            return
        with self._guard:
            entry = self._running.pop(frame.ticket)
            self._dispatch()
        if frame.kind is Kind.RESULT:
            entry.future.set_result(told)
        elif frame.kind is Kind.ERROR:
            entry.future.set_exception(told)
        else:
            message, mend, stopped = told
            family = JobStoppedError if stopped else JobDiedError
            entry.future.set_exception(family(message, mend=mend))

    def _after_the_server(self) -> None:
        """End what is left, wait until it is gone, and tell those who wait for a result."""
        os.close(self._life)
        select.select([self._gone], [], [], _PATIENCE_S)
        os.close(self._gone)
        self._control.close()
        code = self._server.wait()
        ended = f"was killed by signal {-code}" if code < 0 else f"ended with exit status {code}"
        error = JobDiedError(
            f"the process that starts the jobs {ended}{self._last_words()}",
            mend="`tvmplug fleet resume` goes on",
        )
        with self._guard:
            self._broken = error
            left = [*self._running.values(), *(entry for _, entry in self._waiting)]
            warming = list(self._warming.values())
            self._running.clear()
            self._waiting.clear()
            self._warming.clear()
        self._errors.close()
        for future in [*(entry.future for entry in left), *warming]:
            if not future.cancelled():
                future.set_exception(error)

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return "".join(f"\n{line}" for line in lines[-_LAST_LINES:])
