"""The executor of this machine: jobs that end well, badly, too late, or with who leads."""

from __future__ import annotations

import contextlib
import fcntl
import os
import queue
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, wait
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.fleet import fork_jobs
from tests.fleet.fork_jobs import Task
from tvmplug.errors import CompileError, FileError, FleetError, UsageError
from tvmplug.fleet.executors import JobDiedError, JobStoppedError, Warm, make_executor
from tvmplug.fleet.forkserver import ForkServerExecutor

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow  # it waits for processes


def warm(*arguments: str) -> Warm:
    return Warm("tests.fleet.fork_jobs", "warm", arguments)


class Steps:
    """Takes the steps, and waits for one."""

    def __init__(self) -> None:
        self.all: list[tuple[int, str]] = []
        self._queue: queue.SimpleQueue[tuple[int, str]] = queue.SimpleQueue()

    def __call__(self, attempt: int, step: str) -> None:
        self.all.append((attempt, step))
        self._queue.put((attempt, step))

    def wait(self) -> tuple[int, str]:
        return self._queue.get(timeout=60)


@pytest.fixture
def steps() -> Steps:
    return Steps()


@pytest.fixture
def task(tmp_path: Path) -> Callable[..., Task]:
    def make(attempt: int = 1, **what: Any) -> Task:
        return Task(attempt=attempt, log=tmp_path / "logs" / f"{attempt}.log", what=what)

    return make


@pytest.fixture
def executor(steps: Steps) -> Iterator[ForkServerExecutor]:
    with ForkServerExecutor(2, warm=warm("first"), on_step=steps) as made:
        yield made


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, for a minute at the most."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def runs(pid: int) -> bool:
    """Tell whether a process is there; one that ended may wait for somebody to take notice."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_job_runs_in_a_process_of_its_own_that_was_warm_before(
    executor: ForkServerExecutor, steps: Steps, task: Callable[..., Task]
) -> None:
    one, two = (executor.submit(fork_jobs.echo, task(n, n=n)).result() for n in (1, 2))
    assert (one["what"], two["what"]) == ({"n": 1}, {"n": 2})
    assert one["warmed"] == two["warmed"] == ["first"]
    assert len({os.getpid(), one["pid"], two["pid"]}) == 3
    assert one["parent"] == two["parent"] != os.getpid()
    assert one["group"] == one["pid"]
    assert steps.all == [(1, "one"), (1, "two"), (2, "one"), (2, "two")]


def test_what_is_warmed_later_is_there_for_later_jobs(
    executor: ForkServerExecutor, task: Callable[..., Task]
) -> None:
    executor.submit(fork_jobs.echo, task()).result()
    executor.warm_more("second")
    assert executor.submit(fork_jobs.echo, task()).result()["warmed"] == ["first", "second"]


def test_a_template_that_cannot_be_warmed_says_so_and_jobs_go_on(
    task: Callable[..., Task],
) -> None:
    with ForkServerExecutor(1, warm=warm("fail")) as executor:
        with pytest.raises(CompileError, match=r"the template is broken\. Mend it"):
            executor.warmed.result()
        with pytest.raises(FleetError, match="KeyError: 'crash'"):
            executor.warm_more("crash").result()
        assert executor.submit(fork_jobs.echo, task()).result()["warmed"] == []


def test_no_more_jobs_run_at_once_than_were_asked_for(
    tmp_path: Path, task: Callable[..., Task]
) -> None:
    with ForkServerExecutor(3) as executor:
        futures = [
            executor.submit(fork_jobs.count_in, task(n, file=str(tmp_path / "count")))
            for n in range(20)
        ]
        assert max(future.result() for future in futures) <= 3


def test_many_large_results_come_back_whole(
    executor: ForkServerExecutor, task: Callable[..., Task]
) -> None:
    # Larger than any pipe or socket holds, both ways and at once.
    sizes = [1, 3_000_000, 70_000, 9_000_000, 0, 2_000_000]
    futures = [
        executor.submit(fork_jobs.large, task(n, size=size, ballast=bytes(2_000_000)))
        for n, size in enumerate(sizes)
    ]
    assert [len(future.result()) for future in futures] == sizes


def test_all_that_a_job_prints_goes_to_its_log(
    executor: ForkServerExecutor, task: Callable[..., Task], capfd: pytest.CaptureFixture[str]
) -> None:
    job = task()
    executor.submit(fork_jobs.talk, job).result()
    lines = job.log.read_text().splitlines()
    assert lines == [
        "python ünd\\udcff out",
        "python err",
        "raw out",
        "shell out",
        "shell err",
    ]
    executor.submit(fork_jobs.talk, job).result()
    assert job.log.read_text().splitlines() == lines * 2
    assert capfd.readouterr() == ("", "")


def test_a_log_that_cannot_be_written_fails_its_job_and_says_why(
    executor: ForkServerExecutor, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="A file lies where"):
        executor.submit(fork_jobs.echo, Task(attempt=1, log=tmp_path / "file" / "1.log")).result()


@pytest.mark.parametrize(
    ("kind", "error", "says"),
    [
        ("ours", CompileError, r"^it does not compile\. Mend it$"),
        ("python", ValueError, "^a value$"),
        ("memory", MemoryError, "^$"),
        ("unreadable", FleetError, "^NoReturnTicket: one two. See its log$"),
        ("exit", JobDiedError, "^its process ended with exit status 3 before the job was done"),
        ("system-exit", FleetError, "^SystemExit: 4. See its log$"),
        ("SIGKILL", JobDiedError, r"killed by signal 9 \(SIGKILL\).*lower number of --jobs"),
        ("SIGSEGV", JobDiedError, r"killed by signal 11 \(SIGSEGV\).*See its log"),
    ],
)
def test_a_job_that_ends_badly_is_told_and_the_others_go_on(
    executor: ForkServerExecutor,
    task: Callable[..., Task],
    kind: str,
    error: type[Exception],
    says: str,
) -> None:
    bad = executor.submit(fork_jobs.fail, task(1, kind=kind))
    good = executor.submit(fork_jobs.echo, task(2, n=2))
    with pytest.raises(error, match=says):
        bad.result()
    assert good.result()["what"] == {"n": 2}
    if kind in ("python", "unreadable", "ours"):
        assert "Traceback" in task(1).log.read_text()


def test_a_result_that_cannot_be_sent_is_an_error(
    executor: ForkServerExecutor, task: Callable[..., Task]
) -> None:
    with pytest.raises(Exception, match="pickle"):
        executor.submit(fork_jobs.unpicklable, task()).result()


def test_a_job_that_cannot_be_sent_is_an_error_and_the_next_one_runs(
    executor: ForkServerExecutor, task: Callable[..., Task]
) -> None:
    unsendable = executor.submit(lambda _task, _tell: None, task(1, n=1))
    good = executor.submit(fork_jobs.echo, task(2, n=2))
    with pytest.raises(Exception, match="pickle"):
        unsendable.result()
    assert good.result()["what"] == {"n": 2}


def test_a_job_whose_function_is_not_there_is_an_error(
    executor: ForkServerExecutor, task: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_task: Task, _tell: Callable[[str], None]) -> None: ...

    gone.__module__, gone.__qualname__ = fork_jobs.__name__, "gone"
    monkeypatch.setattr(fork_jobs, "gone", gone, raising=False)
    with pytest.raises(JobDiedError, match="its job cannot be read"):
        executor.submit(gone, task()).result()
    assert executor.submit(fork_jobs.echo, task(n=2)).result()["what"] == {"n": 2}


def lines_of(folder: Path) -> dict[str, int]:
    return {
        path.name: path.stat().st_size
        for path in folder.iterdir()
        if path.suffix in (".python", ".program", ".daemon")
    }


def nobody_writes(folder: Path) -> bool:
    before = lines_of(folder)
    time.sleep(0.3)  # sixty times the pause of the writers
    return lines_of(folder) == before


def test_a_job_out_of_time_is_ended_with_all_that_it_started(
    tmp_path: Path, task: Callable[..., Task]
) -> None:
    with ForkServerExecutor(1, limit_s=0.5) as executor:
        late = executor.submit(fork_jobs.write_until_killed, task(1, folder=str(tmp_path)))
        with pytest.raises(JobDiedError, match=r"did not end within 0\.5 s.*log"):
            late.result()
        assert nobody_writes(tmp_path)
        assert (tmp_path / "1.cleaned").exists()
        assert executor.submit(fork_jobs.echo, task(2, n=2)).result()["what"] == {"n": 2}


def test_a_job_that_does_not_listen_is_killed(
    task: Callable[..., Task],
) -> None:
    with (
        ForkServerExecutor(1, limit_s=0.2, grace_s=0.2) as executor,
        pytest.raises(JobDiedError, match="did not end within"),
    ):
        executor.submit(fork_jobs.stubborn, task()).result()


def test_one_job_is_stopped_and_the_others_go_on(
    executor: ForkServerExecutor, steps: Steps, tmp_path: Path, task: Callable[..., Task]
) -> None:
    running = [
        executor.submit(fork_jobs.write_until_killed, task(1, folder=str(tmp_path))),
        executor.submit(fork_jobs.wait_for, task(2, file=str(tmp_path / "go"))),
    ]
    waiting = executor.submit(fork_jobs.echo, task(3))
    assert {steps.wait(), steps.wait()} == {(1, "writing"), (2, "waiting")}
    executor.stop(waiting)
    executor.stop(running[0])
    with pytest.raises(JobStoppedError, match="it was stopped"):
        running[0].result()
    assert nobody_writes(tmp_path)
    assert (tmp_path / "1.cleaned").exists()
    assert waiting.cancelled()
    (tmp_path / "go").touch()
    assert running[1].result() == "came"


def test_a_shutdown_that_cancels_ends_what_runs_and_forgets_what_waits(
    executor: ForkServerExecutor, steps: Steps, tmp_path: Path, task: Callable[..., Task]
) -> None:
    futures = [
        executor.submit(fork_jobs.write_until_killed, task(n, folder=str(tmp_path)))
        for n in range(5)
    ]
    assert {steps.wait(), steps.wait()} == {(0, "writing"), (1, "writing")}
    executor.shutdown(cancel_futures=True)
    assert nobody_writes(tmp_path)
    for future in futures[:2]:
        with pytest.raises(JobStoppedError):
            future.result()
    for future in futures[2:]:
        with pytest.raises(CancelledError):
            future.result()
    assert sorted(path.name for path in tmp_path.glob("*.cleaned")) == ["0.cleaned", "1.cleaned"]
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(fork_jobs.echo, task())


def test_a_shutdown_that_waits_has_everything_done_and_leaves_no_process(
    task: Callable[..., Task],
) -> None:
    executor = ForkServerExecutor(2)
    futures = [executor.submit(fork_jobs.echo, task(n)) for n in range(6)]
    executor.shutdown(wait=False)
    executor.shutdown()
    assert all(future.done() for future in futures)
    assert not runs(futures[0].result()["parent"])


def test_a_future_that_waits_can_be_cancelled(
    executor: ForkServerExecutor, steps: Steps, tmp_path: Path, task: Callable[..., Task]
) -> None:
    busy = [
        executor.submit(fork_jobs.wait_for, task(n, file=str(tmp_path / "go"))) for n in range(2)
    ]
    cancelled, kept = (executor.submit(fork_jobs.echo, task(n)) for n in (3, 4))
    steps.wait()
    steps.wait()
    assert cancelled.cancel()
    (tmp_path / "go").touch()
    wait([*busy, kept])
    assert 3 not in {attempt for attempt, _ in steps.all}


def test_a_server_that_is_killed_takes_its_jobs_along_and_says_so(
    executor: ForkServerExecutor, steps: Steps, tmp_path: Path, task: Callable[..., Task]
) -> None:
    server = executor.submit(fork_jobs.echo, task(9)).result()["parent"]
    futures: list[Future[None]] = [
        executor.submit(fork_jobs.write_until_killed, task(n, folder=str(tmp_path)))
        for n in range(3)
    ]
    until(lambda: [step for _, step in steps.all].count("writing") == 2)
    os.kill(server, signal.SIGKILL)
    for future in futures:
        with pytest.raises(JobDiedError, match=r"killed by signal 9.*fleet resume"):
            future.result()
    # When the futures are done, nobody writes any more.
    assert nobody_writes(tmp_path)
    for path in tmp_path.glob("*.pid"):
        assert not runs(int(path.read_text()))
    with pytest.raises(JobDiedError):
        executor.submit(fork_jobs.echo, task())


def test_a_server_that_cannot_start_says_why(
    task: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", ["/nowhere"])
    executor = ForkServerExecutor(1)
    with pytest.raises(JobDiedError, match=r"ModuleNotFoundError|Fatal Python error"):
        executor.submit(fork_jobs.echo, task()).result()


def test_an_error_of_the_one_who_listens_ends_nothing(task: Callable[..., Task]) -> None:
    def broken(_attempt: int, _step: str) -> None:
        raise ZeroDivisionError

    with ForkServerExecutor(1, on_step=broken) as executor:
        assert executor.submit(fork_jobs.echo, task(n=1)).result()["what"] == {"n": 1}


# A process that leads: it holds the lock, and has two jobs write until they are killed.
LEADER = textwrap.dedent("""
    import signal, sys, time
    from pathlib import Path
    from tests.fleet import fork_jobs
    from tests.fleet.fork_jobs import Task
    from tvmplug.fleet.forkserver import ForkServerExecutor
    from tvmplug.fleet.lock import FleetLock

    folder = Path(sys.argv[1])
    started = []
    with FleetLock(folder / "lock") as lock:
        with ForkServerExecutor(
            2, hold=lock.fd, on_step=lambda attempt, step: print(attempt, step, flush=True)
        ) as executor:
            for n in range(2):
                job = Task(attempt=n, log=folder / f"{n}.log",
                           what={"folder": str(folder), "daemon": True})
                started.append(executor.submit(fork_jobs.write_until_killed, job))
            for future in started:
                future.result()
""")


@contextlib.contextmanager
def leading(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that leads two jobs, which have begun."""
    with subprocess.Popen(
        [sys.executable, "-c", LEADER, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as leader:
        assert leader.stdout is not None
        said = {leader.stdout.readline(), leader.stdout.readline()}
        assert said == {"0 writing\n", "1 writing\n"}
        yield leader


@pytest.mark.parametrize("whom", ["the leader", "its group", "the server too"])
def test_a_leader_that_is_killed_leaves_nobody_writing(tmp_path: Path, whom: str) -> None:
    with leading(tmp_path) as leader:
        everybody = psutil.Process(leader.pid).children(recursive=True)
        try:
            if whom == "its group":
                os.killpg(leader.pid, signal.SIGKILL)
            elif whom == "the server too":
                (server,) = psutil.Process(leader.pid).children()
                leader.kill()
                server.kill()
            else:
                leader.kill()
            leader.wait()
            with (tmp_path / "lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # comes when the last of them has ended
                assert_nobody_writes(tmp_path, but_daemons=whom == "the server too")
        finally:
            for process in everybody:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
    assert not list(tmp_path.glob("*.cleaned"))


def assert_nobody_writes(folder: Path, *, but_daemons: bool) -> None:
    # With its server killed too, nobody finds what left the group of its job.
    before = {
        name: size
        for name, size in lines_of(folder).items()
        if not (but_daemons and name.endswith(".daemon"))
    }
    assert set(before) >= {"0.python", "0.program", "1.python", "1.program"}
    time.sleep(0.3)
    assert {name: lines_of(folder)[name] for name in before} == before


def test_ctrl_c_reaches_the_leader_which_lets_its_jobs_clean_up(tmp_path: Path) -> None:
    with leading(tmp_path) as leader:
        os.killpg(leader.pid, signal.SIGINT)  # what a terminal does: the whole foreground group
        assert leader.stderr is not None
        assert "KeyboardInterrupt" in leader.stderr.read()
        leader.wait()
    assert nobody_writes(tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.cleaned")) == ["0.cleaned", "1.cleaned"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_jobs_hold_the_lock_and_their_programs_do_not(
    tmp_path: Path, task: Callable[..., Task]
) -> None:
    lock = tmp_path / "lock"
    with lock.open("w") as file, ForkServerExecutor(1, hold=file.fileno()) as executor:
        seen = executor.submit(fork_jobs.descriptors, task()).result()
    assert str(lock) in seen["own"]
    assert str(lock) not in seen["program"]
    assert not [name for name in seen["program"] if name.startswith("socket:")]
    assert not [name for name in seen["own"] if name.startswith(("socket:", "anon_inode"))]


def test_git_tidies_up_nothing_in_the_background(
    executor: ForkServerExecutor, task: Callable[..., Task]
) -> None:
    assert executor.submit(fork_jobs.environment, task()).result() == "0"


def test_the_command_line_names_an_executor(task: Callable[..., Task]) -> None:
    with pytest.raises(UsageError, match=r"dask://HOST:PORT"):
        make_executor("ray://there", 2)
    executor = make_executor(None, 2)
    assert executor.submit(fork_jobs.echo, task(n=1)).result()["what"] == {"n": 1}
    executor.shutdown()


def test_threads_submit_at_the_same_time(task: Callable[..., Task]) -> None:
    with ForkServerExecutor(4) as executor:
        results: list[Any] = []

        def submit(start: int) -> None:
            futures = [
                executor.submit(fork_jobs.echo, task(n, n=n)) for n in range(start, start + 9)
            ]
            results.extend(future.result()["what"]["n"] for future in futures)

        threads = [threading.Thread(target=submit, args=(at,)) for at in (0, 9, 18)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(results) == list(range(27))
