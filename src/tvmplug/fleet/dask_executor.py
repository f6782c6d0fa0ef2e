"""Jobs on a Dask cluster whose workers see the same disk: `--executor dask://HOST:PORT`."""

from __future__ import annotations

import itertools
import pickle
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from tvmplug.errors import FleetError
from tvmplug.fleet import dask_worker
from tvmplug.fleet.dask_cluster import connect, examine
from tvmplug.fleet.dask_worker import Envelope, Setup, settle
from tvmplug.fleet.executors import (
    JobDiedError,
    JobStoppedError,
    OnStep,
    ResultT,
    TaskT,
    Tell,
    Warm,
)
from tvmplug.fleet.lock import FleetLock

_POLL_S = 1.0
_NO_WORKERS_S = 30.0


@dataclass
class _Entry:
    future: Future[Any]
    attempt: int
    marker: Path
    task: Any  # Dask's future


class DaskExecutor:
    """Runs jobs on the workers of a cluster that is there already.

    Args:
        address: The scheduler's HOST:PORT.
        hold: The fleet's lock, held; workers join it, so the fleet's folder must be theirs too.
        warm: What each worker does once before it forks processes for jobs.
        on_step: Told the attempt and what it is at, in a thread of Dask.
        limit_s: Seconds after which a job is ended; None for no limit.
        no_workers_s: Seconds for which the cluster may be without workers.

    Raises:
        ToolError: Dask is not installed.
        FleetError: No scheduler answers there, or its workers cannot do the jobs.
    """

    def __init__(
        self,
        address: str,
        *,
        hold: FleetLock,
        warm: Warm | None = None,
        on_step: OnStep | None = None,
        limit_s: float | None = None,
        no_workers_s: float = _NO_WORKERS_S,
    ) -> None:
        self._address = address
        self._on_step = on_step or (lambda _attempt, _step: None)
        self._no_workers_s = no_workers_s
        self._guard = threading.RLock()
        self._entries: dict[int, _Entry] = {}
        self._tickets = itertools.count(1)
        self._closed = threading.Event()
        self._stopping = False
        self._broken: FleetError | None = None
        self._setup = Setup(lock=hold.path.absolute(), token=hold.token, warm=warm, limit_s=limit_s)
        shutil.rmtree(self._setup.markers.parent, ignore_errors=True)
        self._setup.markers.mkdir(parents=True)
        self._client = connect(address)
        try:
            examine(self._client, address, self._setup)
            self._client.subscribe_topic(self._setup.topic, self._step)
        except BaseException:
            self._client.close()
            raise
        self._watch = threading.Thread(target=self._look, name="fleet workers", daemon=True)
        self._watch.start()

    def submit(self, fn: Callable[[TaskT, Tell], ResultT], /, job: TaskT) -> Future[ResultT]:
        """Have `fn(job, tell)` called on a worker: see `Executor.submit`.

        Raises:
            FleetError: The cluster is gone.
            RuntimeError: The executor was shut down.
        """
        with self._guard:
            if self._closed.is_set():
                raise RuntimeError("cannot schedule new futures after shutdown")
            if self._broken is not None:
                raise self._broken
            ticket = next(self._tickets)
            envelope = Envelope(
                attempt=job.attempt,
                log=job.log,
                function=fn,
                job=job,
                setup=self._setup,
                marker=self._setup.markers / str(ticket),
            )
            task = self._client.submit(
                dask_worker.work, envelope, key=f"{self._setup.topic}-{ticket}", pure=False
            )
            entry = _Entry(Future(), job.attempt, envelope.marker, task)
            entry.future.set_running_or_notify_cancel()
            self._entries[ticket] = entry
        task.add_done_callback(lambda _task: self._ended(ticket))
        return entry.future

    def warm_more(self, argument: Any) -> Future[None]:
        """Have further templates read by each worker before the jobs submitted after this."""
        with self._guard:
            warm = self._setup.warm
            if warm is None:
                raise ValueError("nothing was named to warm with")
            warm = warm._replace(arguments=(*warm.arguments, argument))
            self._setup = replace(self._setup, warm=warm)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more jobs: see `Executor.shutdown`."""
        with self._guard:
            first = not self._closed.is_set()
            self._closed.set()
            self._stopping = self._stopping or cancel_futures
            left = dict(self._entries)
        if cancel_futures and left and self._client.status == "running":
            self._client.cancel([entry.task for entry in left.values()], force=True)
            for ticket in left:
                self._give_up(ticket, JobStoppedError("it was stopped"))
        if wait:
            for entry in left.values():
                entry.future.exception()
            if first:
                self._say_goodbye()
        elif first:
            threading.Thread(target=self._leave_later, args=(left,)).start()

    def _leave_later(self, left: dict[int, _Entry]) -> None:
        """Wait for what runs, then leave the cluster."""
        for entry in left.values():
            entry.future.exception()
        self._say_goodbye()

    def __enter__(self) -> DaskExecutor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown(cancel_futures=error is not None)

    def _step(self, event: tuple[float, list[Any]]) -> None:
        attempt, step = event[1]
        with self._guard:
            # Steps and results come by different ways; after the result a step is no news.
            if not any(entry.attempt == attempt for entry in self._entries.values()):
                return
        self._on_step(attempt, step)

    def _ended(self, ticket: int) -> None:
        with self._guard:
            entry = self._entries.get(ticket)
        if entry is None:
            return
        task = entry.task
        if task.status == "finished":
            went_well, body = task.result()
            told = pickle.loads(body)  # noqa: S301, from a cluster that runs what we send anyway
            if went_well:
                self._take(ticket)
                entry.future.set_result(told)
            else:
                self._give_up(ticket, told)
            return
        if task.status == "error":
            why = " ".join(f"{task.exception()}".split())
            self._give_up(ticket, JobDiedError(f"its Dask worker was lost: {why}"))
        elif self._stopping:
            self._give_up(ticket, JobStoppedError("it was stopped"))
        else:
            self._give_up(ticket, _lost(self._address))

    def _take(self, ticket: int) -> _Entry | None:
        with self._guard:
            return self._entries.pop(ticket, None)

    def _give_up(self, ticket: int, error: BaseException) -> None:
        """Tell an error, when the job surely runs nowhere any more."""
        entry = self._take(ticket)
        if entry is None:
            return
        try:
            settle(entry.marker)
        except FleetError as unsettled:
            error = unsettled
        entry.future.set_exception(error)

    def _look(self) -> None:
        """The thread that notices when the cluster goes away: Dask itself would wait for ever."""
        seen = time.monotonic()
        while not self._closed.wait(_POLL_S) or self._entries:
            if self._closed.is_set():
                time.sleep(_POLL_S)
            if self._client.status == "running" and self._client.scheduler_info()["workers"]:
                seen = time.monotonic()
            elif time.monotonic() - seen > self._no_workers_s or self._client.status == "closed":
                break
        else:
            return
        with self._guard:
            self._broken = _lost(self._address)
            left = list(self._entries)
        for ticket in left:
            self._give_up(ticket, self._broken)

    def _say_goodbye(self) -> None:
        try:
            if self._client.status == "running":
                self._client.run(dask_worker.close, self._setup.token, on_error="ignore")
        finally:
            self._client.close()
            shutil.rmtree(self._setup.markers.parent, ignore_errors=True)


def _lost(address: str) -> JobDiedError:
    return JobDiedError(
        f"the Dask cluster at {address} went away",
        mend="Start it again, then `tvmplug fleet resume` goes on",
    )
