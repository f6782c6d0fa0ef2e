"""The executor over a Dask cluster: a real scheduler and two workers, processes over loopback."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.fleet import fork_jobs
from tests.fleet.commands import BRANCH, fleet
from tests.fleet.fork_jobs import Task
from tests.fleet.small import make_fleet, release, small_template
from tests.fleet.test_forkserver import Steps, nobody_writes, runs, until
from tests.templates.conftest import git
from tvmplug.errors import CompileError, FleetError, ToolError, UsageError
from tvmplug.fleet.executors import DASK, JobDiedError, JobStoppedError, Warm, make_executor
from tvmplug.fleet.lock import FleetLock

distributed = pytest.importorskip("distributed")
from tvmplug.fleet.dask_executor import DaskExecutor  # noqa: E402, needs the package

pytestmark = pytest.mark.fleet
ROOT = Path(__file__).parents[2]


@dataclass
class Cluster:
    """A scheduler and its workers."""

    address: str
    scheduler: subprocess.Popen[str]
    workers: list[subprocess.Popen[str]]


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    log = (folder / f"dask-{time.monotonic_ns()}.log").open("w")
    with log:
        return subprocess.Popen(
            [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "DASK_DISTRIBUTED__ADMIN__TICK__LIMIT": "1h",
            },
            stdout=log,
            stderr=log,
            text=True,
            start_new_session=True,
        )


@contextlib.contextmanager
def cluster_of(folder: Path, *, workers: int) -> Iterator[Cluster]:
    file = folder / "scheduler.json"
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    started = [start(folder, "dask_scheduler", "--host", "127.0.0.1", "--port", "0", *common)]
    until(file.exists)
    for _ in range(workers):
        worker = [*common, "--no-nanny", "--nthreads", "2", "--host", "127.0.0.1"]
        started.append(start(folder, "dask_worker", *worker))
    try:
        with distributed.Client(scheduler_file=str(file), set_as_default=False) as client:
            if workers:
                client.wait_for_workers(workers, timeout=60)
            address = client.scheduler.address.removeprefix("tcp://")
        yield Cluster(address, started[0], started[1:])
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers with room for two jobs each. Do not kill them."""
    with cluster_of(tmp_path_factory.mktemp("cluster"), workers=2) as made:
        yield made


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[FleetLock]:
    with FleetLock(tmp_path / ".fleet" / "lock") as held:
        yield held


@pytest.fixture
def steps() -> Steps:
    return Steps()


@pytest.fixture
def task(tmp_path: Path) -> Callable[..., Task]:
    def make(attempt: int = 1, **what: Any) -> Task:
        return Task(attempt=attempt, log=tmp_path / "logs" / f"{attempt}.log", what=what)

    return make


def warm(*arguments: str) -> Warm:
    return Warm("tests.fleet.fork_jobs", "warm", arguments)


def test_jobs_are_done_by_both_workers_in_processes_that_were_warm(
    cluster: Cluster, lock: FleetLock, steps: Steps, tmp_path: Path, task: Callable[..., Task]
) -> None:
    with DaskExecutor(cluster.address, hold=lock, warm=warm("first"), on_step=steps) as executor:
        busy = [
            executor.submit(fork_jobs.wait_for, task(n, file=str(tmp_path / "go")))
            for n in range(4)
        ]
        # Four at once: two threads on each of two workers.
        assert {steps.wait()[0] for _ in busy} == {0, 1, 2, 3}
        (tmp_path / "go").touch()
        assert [future.result() for future in busy] == ["came"] * 4
        executor.warm_more("second")
        told = [executor.submit(fork_jobs.echo, task(n, n=n)) for n in range(10, 20)]
        results = [future.result() for future in told]
    assert [result["what"]["n"] for result in results] == list(range(10, 20))
    assert all(result["warmed"] == ["first", "second"] for result in results)
    assert len({result["pid"] for result in results}) == 10
    workers = {worker.pid for worker in cluster.workers}
    assert not workers & {result["parent"] for result in results}
    # What the workers kept for the run is gone with it, and so are the marks of its jobs.
    assert not any(runs(result["parent"]) for result in results)
    assert sorted(path.name for path in lock.path.parent.iterdir()) == ["lock", "lock.joined"]


def test_errors_and_deaths_come_back_as_they_do_on_this_machine(
    cluster: Cluster, lock: FleetLock, task: Callable[..., Task]
) -> None:
    with DaskExecutor(cluster.address, hold=lock) as executor:
        ours, killed, good = (
            executor.submit(fork_jobs.fail, task(1, kind="ours")),
            executor.submit(fork_jobs.fail, task(2, kind="SIGKILL")),
            executor.submit(fork_jobs.echo, task(3, n=3)),
        )
        with pytest.raises(CompileError, match=r"^it does not compile\. Mend it$"):
            ours.result()
        with pytest.raises(JobDiedError, match=r"killed by signal 9"):
            killed.result()
        assert good.result()["what"] == {"n": 3}
    assert "Traceback" in task(1).log.read_text()


def test_a_job_out_of_time_is_ended(
    cluster: Cluster, lock: FleetLock, tmp_path: Path, task: Callable[..., Task]
) -> None:
    with DaskExecutor(cluster.address, hold=lock, limit_s=0.5) as executor:
        late = executor.submit(fork_jobs.write_until_killed, task(1, folder=str(tmp_path)))
        with pytest.raises(JobDiedError, match=r"did not end within 0\.5 s"):
            late.result()
    assert nobody_writes(tmp_path)


def test_a_shutdown_that_cancels_ends_what_runs_and_what_waits(
    cluster: Cluster, lock: FleetLock, steps: Steps, tmp_path: Path, task: Callable[..., Task]
) -> None:
    executor = DaskExecutor(cluster.address, hold=lock, on_step=steps)
    futures = [
        executor.submit(fork_jobs.write_until_killed, task(n, folder=str(tmp_path)))
        for n in range(7)
    ]
    begun = {steps.wait()[0] for _ in range(4)}
    executor.shutdown(cancel_futures=True)
    assert nobody_writes(tmp_path)
    for future in futures:
        with pytest.raises(JobStoppedError):
            future.result()
    # Those that had begun could clean up; the others have begun nothing.
    assert {path.name for path in tmp_path.glob("*.cleaned")} == {f"{n}.cleaned" for n in begun}
    assert len(list(tmp_path.glob("*.pid"))) == 4
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(fork_jobs.echo, task())


def test_a_fleet_is_updated_by_a_cluster_as_it_is_by_this_machine(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trees = []
    template = small_template(tmp_path / "template")
    for name in ("here", "there"):
        make_fleet(tmp_path / name, 3, template)
    release(template, "v0.2.0")
    for name, options in (("here", []), ("there", ["--executor", f"{DASK}{cluster.address}"])):
        told = fleet(capsys, "update", tmp_path / name / "fleet.yaml", *options)
        assert set(told.results.values()) == {"updated"}, told.document
        assert all(each["seconds"]["render"] > 0 for each in told.document["repositories"])
        folders = [tmp_path / name / each for each in told.results]
        trees.append({f.name: git(f, "rev-parse", f"{BRANCH}^{{tree}}") for f in folders})
        logs = tmp_path / name / ".fleet/logs/1"
        assert {path.stem for path in logs.iterdir()} == set(told.results)
    assert trees[0] == trees[1]


LEADER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from tests.fleet import fork_jobs
    from tests.fleet.fork_jobs import Task
    from tvmplug.fleet.dask_executor import DaskExecutor
    from tvmplug.fleet.lock import FleetLock

    folder = Path(sys.argv[1])
    with FleetLock(folder / "lock") as lock, DaskExecutor(
        sys.argv[2], hold=lock, on_step=lambda attempt, step: print(attempt, step, flush=True)
    ) as executor:
        futures = [
            executor.submit(fork_jobs.write_until_killed,
                Task(attempt=n, log=folder / f"{n}.log", what={"folder": str(folder)}))
            for n in range(6)
        ]
        for future in futures:
            future.result()
""")


def test_a_leader_that_is_killed_leaves_nobody_writing_when_the_lock_is_free(
    cluster: Cluster, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LEADER, str(tmp_path), cluster.address],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as leader:
        assert leader.stdout is not None
        said = [leader.stdout.readline() for _ in range(4)]
        assert all(line.endswith(" writing\n") for line in said)
        leader.kill()
    with FleetLock(tmp_path / "lock", patience_s=60):
        assert len(list(tmp_path.glob("*.python"))) == 4
        assert nobody_writes(tmp_path)
        time.sleep(1)  # jobs that waited for a worker do not begin now either
        assert len(list(tmp_path.glob("*.python"))) == 4


def test_a_worker_that_is_lost_fails_its_jobs_and_none_is_done_twice(
    tmp_path: Path, lock: FleetLock, steps: Steps, task: Callable[..., Task]
) -> None:
    with (
        cluster_of(tmp_path, workers=2) as cluster,
        DaskExecutor(cluster.address, hold=lock, on_step=steps) as executor,
    ):
        writing = [
            executor.submit(fork_jobs.write_until_killed, task(n, folder=str(tmp_path)))
            for n in range(4)
        ]
        for _ in writing:
            steps.wait()
        victim = cluster.workers[0]
        theirs = {p.pid for p in psutil.Process(victim.pid).children(recursive=True)}
        lost = [n for n in range(4) if int((tmp_path / f"{n}.pid").read_text()) in theirs]
        assert len(lost) == 2
        os.killpg(victim.pid, signal.SIGKILL)
        # Dask gives them to the other worker when that has room, and there they are refused.
        for n in set(range(4)) - set(lost):
            os.kill(int((tmp_path / f"{n}.pid").read_text()), signal.SIGKILL)
            with pytest.raises(JobDiedError, match="signal 9"):
                writing[n].result()
        for n in lost:
            with pytest.raises(JobDiedError, match="Dask worker was lost"):
                writing[n].result()
            assert not runs(int((tmp_path / f"{n}.pid").read_text()))
        assert executor.submit(fork_jobs.echo, task(9, n=9)).result()["what"] == {"n": 9}


def test_a_cluster_that_loses_its_scheduler_says_so(
    tmp_path: Path, lock: FleetLock, steps: Steps, task: Callable[..., Task]
) -> None:
    with cluster_of(tmp_path, workers=1) as cluster:
        executor = DaskExecutor(cluster.address, hold=lock, on_step=steps)
        futures = [
            executor.submit(fork_jobs.write_until_killed, task(n, folder=str(tmp_path)))
            for n in range(3)
        ]
        steps.wait()
        steps.wait()
        cluster.scheduler.kill()
        for future in futures:
            with pytest.raises(JobDiedError, match=r"Dask cluster .* went away.*resume"):
                future.result()
        assert nobody_writes(tmp_path)
        executor.shutdown()


def test_a_cluster_that_loses_its_last_worker_says_so(
    tmp_path: Path, lock: FleetLock, steps: Steps, task: Callable[..., Task]
) -> None:
    with cluster_of(tmp_path, workers=1) as cluster:
        executor = DaskExecutor(cluster.address, hold=lock, on_step=steps, no_workers_s=1)
        future = executor.submit(fork_jobs.write_until_killed, task(1, folder=str(tmp_path)))
        steps.wait()
        os.killpg(cluster.workers[0].pid, signal.SIGKILL)
        with pytest.raises(JobDiedError, match="went away"):
            future.result()
        assert nobody_writes(tmp_path)
        executor.shutdown()


def test_where_no_scheduler_answers_it_says_how_to_start_one(lock: FleetLock) -> None:
    with pytest.raises(FleetError, match=r"no Dask scheduler answers at .*`dask scheduler`"):
        make_executor(f"{DASK}127.0.0.1:1", 2, hold=lock)
    with pytest.raises(UsageError, match="nonsense is no address"):
        make_executor(f"{DASK}nonsense", 2, hold=lock)


def test_a_scheduler_without_workers_says_how_to_start_some(
    tmp_path: Path, lock: FleetLock
) -> None:
    with (
        cluster_of(tmp_path, workers=0) as cluster,
        pytest.raises(FleetError, match=rf"has no workers.*dask worker {cluster.address}"),
    ):
        DaskExecutor(cluster.address, hold=lock)


def test_workers_that_do_not_see_the_fleet_are_refused(cluster: Cluster, lock: FleetLock) -> None:
    token, lock.token = lock.token, f"not {lock.token}"
    with pytest.raises(FleetError, match=r"cannot work on this fleet.*must see"):
        DaskExecutor(cluster.address, hold=lock)
    lock.token = token


def test_without_dask_it_says_how_to_install_it(
    lock: FleetLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ToolError, match=r"pip install 'tvmplug\[dask\]'"):
        make_executor(f"{DASK}127.0.0.1:8786", 2, hold=lock)
