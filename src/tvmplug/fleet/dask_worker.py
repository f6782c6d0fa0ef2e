"""What runs in the workers of a Dask cluster: each keeps a fork server for the run that uses it.

A Dask task cannot be ended once it runs, and is done again elsewhere when its worker is lost. Both
are wrong for a job that writes, so a task here only waits for a process that can be ended, and a
marker on the disk that all share says which job has begun: none begins twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import pickle
import platform
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvmplug import __version__
from tvmplug.errors import FleetError
from tvmplug.files import file_errors
from tvmplug.fleet.executors import JobDiedError, Tell, Warm
from tvmplug.fleet.forkserver import ForkServerExecutor
from tvmplug.fleet.lock import join

_POLL_S = 0.2
_IDLE_S = 60.0  # a run whose leader was killed says no goodbye


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a worker needs to know of a run.

    Attributes:
        lock: The fleet's lock.
        token: The run's own word in it.
        warm: What is done once in each process that forks others.
        limit_s: Seconds after which a job is ended; None for no limit.
    """

    lock: Path
    token: str
    warm: Warm | None
    limit_s: float | None

    @property
    def topic(self) -> str:
        """What the steps of jobs are told under."""
        return f"tvmplug-{self.token}"

    @property
    def markers(self) -> Path:
        """The folder that says which jobs have begun."""
        return self.lock.with_name(f"{self.lock.name}.dask") / self.token


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """A job on its way to a worker."""

    attempt: int
    log: Path
    function: Callable[[Any, Tell], Any]
    job: Any
    setup: Setup
    marker: Path


def about(setup: Setup) -> tuple[str, str]:
    """Return the versions that must equal the leader's.

    Raises:
        FleetError: The fleet's folder is not the same here as there.
    """
    with join(setup.lock, setup.token):
        return __version__, platform.python_version()


def work(envelope: Envelope) -> tuple[bool, bytes]:
    """Do one job; a Dask task.

    Returns:
        Whether it went well, and the pickle of what it returned or raised.
    """
    from distributed import get_worker  # noqa: PLC0415, an optional package

    worker = get_worker()
    key = worker.get_current_task()
    with _server_for(envelope.setup, worker) as server:
        future = server.submit(_in_the_run, envelope)
        while not wait([future], timeout=_POLL_S).done:
            if not _wanted(worker, key):
                server.stop(future)
    error = future.exception()
    return error is None, pickle.dumps(future.result() if error is None else error)


def close(token: str) -> None:
    """End what a worker keeps for a run."""
    with _GUARD:
        kept = _KEPT.pop(token, None)
    if kept is not None:
        kept.server.shutdown()


def settle(marker: Path, patience_s: float = 30) -> None:
    """Return when a job runs nowhere any more, and will not begin.

    Raises:
        FleetError: Its process is still there.
    """
    deadline = time.monotonic() + patience_s
    with file_errors(marker):
        marker.parent.mkdir(parents=True, exist_ok=True)
        with marker.open("a") as file:
            while True:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    file.write("over\n")
                    return
                if time.monotonic() > deadline:
                    raise FleetError(f"a job on a Dask worker does not end: {marker}")
                time.sleep(_POLL_S)


@dataclass
class _Kept:
    server: ForkServerExecutor
    warmed: int = 0
    users: int = 0
    timer: threading.Timer | None = None


_GUARD = threading.Lock()
_KEPT: dict[str, _Kept] = {}  # by the token of the run


@contextlib.contextmanager
def _server_for(setup: Setup, worker: Any) -> Iterator[ForkServerExecutor]:
    """The fork server of this worker for a run; it ends when the run has no use for it."""
    with _GUARD:
        kept = _KEPT.get(setup.token)
        if kept is None:
            kept = _KEPT[setup.token] = _Kept(_start(setup, worker))
        arguments = setup.warm.arguments if setup.warm else ()
        for argument in arguments[kept.warmed :]:
            kept.server.warm_more(argument)
            kept.warmed += 1
        kept.users += 1
        if kept.timer is not None:
            kept.timer.cancel()
    try:
        yield kept.server
    finally:
        with _GUARD:
            kept.users -= 1
            if not kept.users:
                kept.timer = threading.Timer(_IDLE_S, close, (setup.token,))
                kept.timer.daemon = True
                kept.timer.start()


def _start(setup: Setup, worker: Any) -> ForkServerExecutor:
    return ForkServerExecutor(
        worker.state.nthreads,
        warm=setup.warm and setup.warm._replace(arguments=()),
        on_step=lambda attempt, step: worker.log_event(setup.topic, [attempt, step]),
        limit_s=setup.limit_s,
    )


def _wanted(worker: Any, key: Any) -> bool:
    """Tell whether somebody waits for a task: it was not cancelled, and its client lives."""
    task = worker.state.tasks.get(key)
    return worker.status.name == "running" and task is not None and task.state == "executing"


def _in_the_run(envelope: Envelope, tell: Tell) -> Any:
    """Do a job in the name of its run; in a process forked for it."""
    with join(envelope.setup.lock, envelope.setup.token), _begun(envelope.marker):
        return envelope.function(envelope.job, tell)


@contextlib.contextmanager
def _begun(marker: Path) -> Iterator[None]:
    """Be the one who does a job."""
    lost = JobDiedError("its Dask worker was lost", mend="`tvmplug fleet update` does it again")
    try:
        file = marker.open("x+")
    except FileExistsError as error:
        raise lost from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise lost from error
        if file.read():
            raise lost
        yield
