"""The fork server: imports Copier and reads the templates once, then forks a process for each job.

A process of its own, because the one that leads a run has threads, and a fork takes only one
along. It lives in a session of its own, so that Ctrl-C in a terminal reaches the leading process
alone, and it ends with that one: see `forkserver`.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pickle
import selectors
import signal
import socket
import sys
import time
import traceback
from dataclasses import dataclass, field
from typing import NoReturn

from tvmplug.errors import FleetError, TvmplugError
from tvmplug.fleet.forkserver_child import run_child
from tvmplug.fleet.frames import Frame, Kind, Unpacker
from tvmplug.fleet.processes import adopt_orphans, exit_words, kill_children, kill_group, reap

_PATIENCE_S = 10.0  # for what was killed and is still there
_CHUNK = 1 << 18


@dataclass(kw_only=True)
class _Child:
    """A job's process.

    Attributes:
        ticket: The job's number.
        pid: The process, which leads a group of its own.
        answers: What it sends.
        kill_at: When it is killed, by `time.monotonic`; None for no limit.
        why: Why it is being ended, when it is: `stop` or `limit`.
        last: What it sent about its end, held back until the process is gone.
    """

    ticket: int
    pid: int
    answers: int
    kill_at: float | None
    why: str | None = None
    last: Frame | None = None
    unpacker: Unpacker = field(default_factory=Unpacker)


class _Server:
    """The server's loop: one thread, and nothing that waits but the selector."""

    def __init__(
        self, control: socket.socket, life: int, limit_s: float | None, grace_s: float
    ) -> None:
        self._control = control
        self._life = life
        self._limit_s = limit_s
        self._grace_s = grace_s
        self._unpacker = Unpacker()
        self._outgoing = bytearray()
        self._children: dict[int, _Child] = {}  # by process
        self._ending = False
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        for descriptor in (self._wake_read, self._wake_write):
            os.set_blocking(descriptor, False)
        control.setblocking(False)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _signal, _frame: None)
        self._selector.register(control, selectors.EVENT_READ)
        self._selector.register(self._wake_read, selectors.EVENT_READ)

    def serve(self) -> None:
        """Work until the leading process ends the run, or is gone."""
        while not (self._ending and not self._children and not self._outgoing):
            writes = selectors.EVENT_WRITE if self._outgoing else 0
            self._selector.modify(self._control, selectors.EVENT_READ | writes)
            for key, _ in self._selector.select(self._patience()):
                if key.fileobj is self._control:
                    if not self._talk():
                        return
                elif key.fd == self._wake_read:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._wake_read, _CHUNK)
                else:
                    self._listen(key.data)
            self._reap()
            self._enforce()

    def end(self) -> None:
        """Kill all that still runs, and wait for it: the fleet's lock is held until then."""
        for child in self._children.values():
            kill_group(child.pid)
        kill_children(_PATIENCE_S)

    def _patience(self) -> float | None:
        times = [child.kill_at for child in self._children.values() if child.kill_at is not None]
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _talk(self) -> bool:
        """Exchange messages with the leading process; False when it is gone."""
        try:
            if self._outgoing:
                with contextlib.suppress(BlockingIOError):
                    del self._outgoing[: self._control.send(self._outgoing)]
            data = self._control.recv(_CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        for frame in self._unpacker.feed(data):
            self._obey(frame)
        return bool(data)

    def _obey(self, frame: Frame) -> None:
        if frame.kind is Kind.WARM:
            self._outgoing += Frame(Kind.WARMED, frame.ticket, _warm(frame.body)).packed()
        elif frame.kind is Kind.JOB:
            self._start(frame)
        elif frame.kind is Kind.STOP:
            for child in self._children.values():
                if child.ticket == frame.ticket:
                    self._stop(child, "stop")
        elif frame.kind is Kind.END:
            self._ending = True

    def _start(self, frame: Frame) -> None:
        try:
            # Here, so that what the function's module imports is imported once.
            function, job = pickle.loads(frame.body)  # noqa: S301, from the leading process
        except Exception as error:
            traceback.print_exc()
            self._died(frame.ticket, f"its job cannot be read: {error!r}", None)
            return
        read, write = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(read)
            os.close(write)
            self._died(frame.ticket, f"no process could be made: {error.strerror}", None)
            return
        if pid == 0:
            self._leave()
            os.close(read)
            run_child(frame.ticket, function, job, answers=write, life=self._life)
        os.close(write)
        os.set_blocking(read, False)
        with contextlib.suppress(OSError):  # the child does it too: whoever is first
            os.setpgid(pid, pid)
        limit = None if self._limit_s is None else time.monotonic() + self._limit_s
        child = _Child(ticket=frame.ticket, pid=pid, answers=read, kill_at=limit)
        self._children[pid] = child
        self._selector.register(read, selectors.EVENT_READ, child)

    def _leave(self) -> None:
        """In a child: let go of all that is the server's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        self._control.close()
        for descriptor in (self._wake_read, self._wake_write):
            os.close(descriptor)
        for other in self._children.values():
            os.close(other.answers)

    def _listen(self, child: _Child) -> bool:
        """Take what a child sent; False when there is no more."""
        try:
            data = os.read(child.answers, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            with contextlib.suppress(KeyError):
                self._selector.unregister(child.answers)
            return False
        for frame in child.unpacker.feed(data):
            if frame.kind is Kind.STEP:
                self._outgoing += frame.packed()
            else:
                child.last = frame
        return True

    def _reap(self) -> None:
        for pid, status in reap().items():
            if pid in self._children:
                self._bury(self._children.pop(pid), status)

    def _bury(self, child: _Child, status: int) -> None:
        """Tell how a job ended, when nothing that it started is left to write anything."""
        kill_group(child.pid)
        while self._listen(child):
            pass
        with contextlib.suppress(KeyError):
            self._selector.unregister(child.answers)
        os.close(child.answers)
        if child.last is not None:
            self._outgoing += child.last.packed()
        else:
            self._died(child.ticket, *_why(child, status, self._limit_s))

    def _died(self, ticket: int, message: str, mend: str | None, stopped: bool = False) -> None:
        self._outgoing += Frame(Kind.DIED, ticket, pickle.dumps((message, mend, stopped))).packed()

    def _enforce(self) -> None:
        now = time.monotonic()
        for child in self._children.values():
            if child.kill_at is not None and child.kill_at <= now:
                if child.why is None:
                    self._stop(child, "limit")
                else:
                    child.kill_at = None
                    kill_group(child.pid)

    def _stop(self, child: _Child, why: str) -> None:
        """Have a job clean up and end; its programs are ended by what waits for them."""
        child.why = child.why or why
        child.kill_at = time.monotonic() + self._grace_s
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGTERM)


def _why(child: _Child, status: int, limit_s: float | None) -> tuple[str, str | None, bool]:
    """Return the message, the mend, and whether the job was stopped with its run."""
    if child.why == "stop":
        return "it was stopped", "`tvmplug fleet resume` does it again", True
    if child.why == "limit":
        return f"it did not end within {limit_s:g} s", "Its log says what it was at", False
    out_of_memory = "The machine may be out of memory: say a lower number of --jobs"
    mend = out_of_memory if os.WIFSIGNALED(status) and os.WTERMSIG(status) == 9 else "See its log"
    return f"its process {exit_words(status)} before the job was done", mend, False


def _warm(body: bytes) -> bytes:
    """Do what children then need not do; what fails here fails again, and better, in a job."""
    error: TvmplugError | None = None
    try:
        module, function, argument = pickle.loads(body)  # noqa: S301, from the leading process
        warm = getattr(importlib.import_module(module), function)
        warm(argument)
    except TvmplugError as failed:
        error = failed
    except Exception as failed:
        traceback.print_exc()
        error = FleetError(f"{type(failed).__name__}: {failed}")
    # The pages of what is there now stay shared with the children, and are not searched again.
    gc.collect()
    gc.freeze()
    return pickle.dumps(error)


def _without_collections_in_the_background() -> None:
    """Git must not tidy up a repository in a process of its own when a job is long done."""
    count = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    for key in ("gc.auto", "maintenance.auto"):
        os.environ[f"GIT_CONFIG_KEY_{count}"] = key
        os.environ[f"GIT_CONFIG_VALUE_{count}"] = "0"
        count += 1
    os.environ["GIT_CONFIG_COUNT"] = str(count)


def main(argument: str) -> NoReturn:
    """Serve, then end.

    Args:
        argument: JSON: the descriptors `control`, `life`, `gone` and `hold`; the seconds
            `limit_s` and `grace_s`.
    """
    told = json.loads(argument)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("control", "life", "gone", "hold"):
        if told[name] is not None:
            os.set_inheritable(told[name], False)  # forks have them, programs do not
    adopt_orphans()
    _without_collections_in_the_background()
    server = _Server(
        socket.socket(fileno=told["control"]), told["life"], told["limit_s"], told["grace_s"]
    )
    try:
        server.serve()
    finally:
        server.end()
        sys.stderr.flush()
    os._exit(0)
