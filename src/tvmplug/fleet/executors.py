"""Who does the jobs of a run: processes of this machine, or those of a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from tvmplug.errors import FleetError, UsageError
from tvmplug.fleet.lock import FleetLock

Tell = Callable[[str], None]
OnStep = Callable[[int, str], None]
# What a fork server does once, so that its children need not: see there.
WARM = ("tvmplug.fleet.job", "warm")
DASK = "dask://"


class Warm(NamedTuple):
    """What a process that forks others does before, so that they need not.

    Attributes:
        module: Where the function is.
        function: Its name.
        arguments: It is called with each of them.
    """

    module: str
    function: str
    arguments: tuple[Any, ...]


class Task(Protocol):
    """What an executor needs to know of a job; `records.Job` is one."""

    @property
    def attempt(self) -> int:
        """The ledger's number, for what is told about it."""

    @property
    def log(self) -> Path:
        """The file that takes all that is printed."""


TaskT = TypeVar("TaskT", bound=Task)
ResultT = TypeVar("ResultT")


class JobDiedError(FleetError):
    """The process of a job ended before the job did: killed, out of memory, out of time."""


class JobStoppedError(FleetError):
    """A job was ended because the run was."""


class Executor(Protocol):
    """What runs the jobs of a fleet; shaped like those of `concurrent.futures`."""

    def submit(self, fn: Callable[[TaskT, Tell], ResultT], /, job: TaskT) -> Future[ResultT]:
        """Have `fn(job, tell)` called in a process of its own.

        Returns:
            A future with what it returned; with the error that it raised; with `JobDiedError` when
            its process ended first; with `JobStoppedError` when the run was ended.
        """

    def warm_more(self, argument: Any) -> Future[None]:
        """Have further templates read before the jobs that are submitted after this."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more jobs.

        Args:
            wait: Return when all have ended, and no process of theirs is left.
            cancel_futures: End the jobs that run, and forget those that do not yet.
        """


def make_executor(
    spec: str | None,
    jobs: int,
    *,
    warm: Any = None,
    hold: FleetLock | None = None,
    on_step: OnStep | None = None,
    limit_s: float | None = None,
) -> Executor:
    """Return the executor that the command line names.

    Args:
        spec: None for this machine, or `dask://HOST:PORT`.
        jobs: How many run at once on this machine; a Dask cluster has a number of its own.
        warm: What each process that forks is given to read first: the templates' checkouts.
        hold: The fleet's lock, held; the processes that do the jobs hold it too.
        on_step: Told the attempt and what it is at, in a thread of the executor.
        limit_s: Seconds after which a job is ended; None for no limit.

    Raises:
        UsageError: `spec` names none.
        FleetError: It cannot be reached.
        ToolError: What it needs is not installed.
    """
    warming = warm and Warm("tvmplug.fleet.copier_update", "warm", (warm,))
    if spec is None:
        from tvmplug.fleet.forkserver import ForkServerExecutor  # noqa: PLC0415, a loop

        return ForkServerExecutor(
            jobs,
            warm=warming,
            hold=None if hold is None else hold.fd,
            on_step=on_step,
            limit_s=limit_s,
        )
    if not spec.startswith(DASK):
        raise UsageError(
            f"{spec} is no executor", mend=f"Say --executor {DASK}HOST:PORT, or leave it out"
        )
    if hold is None:
        raise ValueError("a cluster joins the fleet's lock, and there is none")
    from tvmplug.fleet.dask_executor import DaskExecutor  # noqa: PLC0415, an optional package

    return DaskExecutor(
        spec.removeprefix(DASK), warm=warming, hold=hold, on_step=on_step, limit_s=limit_s
    )
