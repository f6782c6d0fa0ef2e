"""The ledger and the lock: what a run leaves behind when it is killed, or when the disk is full."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tvmplug.errors import FileError, FleetError
from tvmplug.fleet.ledger import Ledger, State
from tvmplug.fleet.lock import FleetLock, join
from tvmplug.fleet.records import Change, Outcome, Reason, Result


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / ".fleet" / "ledger.sqlite3") as opened:
        yield opened


def queue(ledger: Ledger, run: int, name: str, **what: Any) -> int:
    return ledger.queue(
        run, name, repository=Path("/r") / name, scratch=Path("/s"), branch="u", **what
    )


def updated(attempt: int, name: str) -> Outcome:
    return Outcome(
        attempt=attempt,
        name=name,
        result=Result.UPDATED,
        commit="c" * 40,
        changes=(Change(status="M", path="a\udcff.txt", added=1, removed=None),),
        seconds={"render": 0.25},
    )


def test_a_run_is_read_back_as_it_was_written(ledger: Ledger) -> None:
    run = ledger.begin_run({"only": ["a*"], "limit": None}, {"runtime": "0.2.0"})
    attempt = queue(ledger, run, "a", base="b" * 40, branch_tip="t" * 40)
    ledger.running(attempt)
    failed = Outcome(
        attempt=attempt,
        name="a",
        result=Result.FAILED,
        reason=Reason.CONFLICT,
        message="2 files conflict in b\udcff",
        mend="Merge them",
        details=("x", "y"),
    )
    ledger.done(attempt, failed)
    ledger.finish_run(run)

    with Ledger(ledger.path) as again:
        stored = again.run(run)
        assert stored is not None
        assert (stored.options, stored.targets) == (
            {"only": ["a*"], "limit": None},
            {"runtime": "0.2.0"},
        )
        (row,) = again.attempts(run)
    assert row.outcome == failed
    assert (row.state, row.number, row.repository) == (State.DONE, 1, Path("/r/a"))
    assert (row.base, row.branch_tip) == ("b" * 40, "t" * 40)


def test_a_repository_whose_path_is_no_utf_8_is_kept_as_it_is(ledger: Ledger) -> None:
    run = ledger.begin_run({}, {})
    path = Path(os.fsdecode(b"/r/\xff"))
    ledger.queue(run, "a", repository=path, scratch=path, branch="u")
    assert [(row.repository, row.scratch) for row in ledger.attempts(run)] == [(path, path)]


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("after", State)
def test_states_only_move_forward(ledger: Ledger, before: State, after: State) -> None:
    run = ledger.begin_run({}, {})
    attempt = queue(ledger, run, "a")
    if before is not State.QUEUED:
        _move(ledger, attempt, before)
    order = list(State)
    if order.index(after) > order.index(before):
        _move(ledger, attempt, after)
        assert ledger.attempts(run)[0].state is after
        return
    with pytest.raises(FleetError, match="only moves forward"):
        _move(ledger, attempt, after)
    assert ledger.attempts(run)[0].state is before


def _move(ledger: Ledger, attempt: int, state: State) -> None:
    """Move an attempt; past the interface where that has no word for the move."""
    if state is State.RUNNING:
        ledger.running(attempt)
    elif state is State.DONE:
        ledger.done(attempt, updated(attempt, "a"))
    else:
        with ledger.together():
            ledger._connection.execute(
                "UPDATE attempts SET state = 'queued', result = NULL, outcome = NULL"
            )


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("DELETE FROM attempts", "never forgotten"),
        ("UPDATE attempts SET state = 'running', name = 'b'", "does not change"),
        ("UPDATE attempts SET state = 'done'", "CHECK"),
        ("UPDATE runs SET state = 'done'", "when all its attempts are done"),
        ("INSERT INTO runs (started, options, targets, state) VALUES (0, '', '', 'x')", "CHECK"),
    ],
)
def test_sqlite_itself_refuses_to_forget(ledger: Ledger, statement: str, says: str) -> None:
    run = ledger.begin_run({}, {})
    queue(ledger, run, "a")
    with pytest.raises(FleetError, match=says), ledger.together():
        ledger._connection.execute(statement)
    assert [row.state for row in ledger.attempts(run)] == [State.QUEUED]


def test_a_repository_has_one_open_attempt_in_a_run(ledger: Ledger) -> None:
    run = ledger.begin_run({}, {})
    first = queue(ledger, run, "a")
    with pytest.raises(FleetError, match="UNIQUE"):
        queue(ledger, run, "a")
    ledger.interrupt(first)
    queue(ledger, run, "a")
    assert [(row.number, row.state) for row in ledger.attempts(run)] == [
        (1, State.DONE),
        (2, State.QUEUED),
    ]


def test_a_run_with_an_open_attempt_cannot_end_and_one_that_ended_takes_no_more(
    ledger: Ledger,
) -> None:
    run = ledger.begin_run({}, {})
    attempt = queue(ledger, run, "a")
    with pytest.raises(FleetError, match="all its attempts"):
        ledger.finish_run(run)
    ledger.done(attempt, updated(attempt, "a"))
    ledger.finish_run(run)
    with pytest.raises(FleetError, match="run is over"):
        queue(ledger, run, "b")
    assert ledger.unfinished() is None


def test_an_interrupted_attempt_says_so(ledger: Ledger) -> None:
    run = ledger.begin_run({}, {})
    attempt = queue(ledger, run, "a")
    ledger.running(attempt)
    ledger.interrupt(attempt, "the machine went down")
    outcome = ledger.attempts(run)[0].outcome
    assert outcome is not None
    assert (outcome.result, outcome.message) == (Result.INTERRUPTED, "the machine went down")
    with pytest.raises(FleetError, match="has no attempt 99"):
        ledger.interrupt(99)


def test_the_last_result_of_a_repository_is_told_whatever_run_it_was(ledger: Ledger) -> None:
    assert ledger.latest("a") is None
    for name in ("a", "b", "a"):
        run = ledger.begin_run({}, {})
        attempt = queue(ledger, run, name)
        ledger.done(attempt, updated(attempt, name))
        ledger.finish_run(run)
    queue(ledger, ledger.begin_run({}, {}), "a")
    latest = ledger.latest("a")
    assert latest is not None
    assert (latest.run, latest.state) == (3, State.DONE)
    assert {name: row.run for name, row in ledger.latest_of_all().items()} == {"a": 3, "b": 2}


def test_a_clock_that_jumps_changes_no_order(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    for now in (4e9, 1e9, -5.0):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        run = ledger.begin_run({"now": now}, {})
        attempt = queue(ledger, run, "a")
        ledger.done(attempt, updated(attempt, "a"))
        if now > 0:
            ledger.finish_run(run)
    assert [run.options["now"] for run in ledger.runs()] == [4e9, 1e9, -5.0]
    latest, unfinished = ledger.latest("a"), ledger.unfinished()
    assert latest is not None
    assert unfinished is not None
    assert latest.run == unfinished.id == 3


def test_what_is_written_together_is_written_whole_or_not_at_all(ledger: Ledger) -> None:
    run = ledger.begin_run({}, {})
    with pytest.raises(ZeroDivisionError), ledger.together():  # noqa: PT012
        queue(ledger, run, "a")
        with ledger.together():
            queue(ledger, run, "b")
        raise ZeroDivisionError
    assert ledger.attempts(run) == []
    with ledger.together():
        for name in ("a", "b"):
            queue(ledger, run, name)
    assert [row.name for row in ledger.attempts(run)] == ["a", "b"]


def test_threads_share_a_ledger(ledger: Ledger) -> None:
    run = ledger.begin_run({}, {})

    def work(names: range) -> None:
        for name in names:
            attempt = queue(ledger, run, str(name))
            ledger.running(attempt)
            ledger.done(attempt, updated(attempt, str(name)))

    threads = [threading.Thread(target=work, args=(range(at, at + 20),)) for at in (0, 20, 40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.finish_run(run)
    rows = ledger.attempts(run)
    assert {row.name for row in rows} == {str(name) for name in range(60)}
    assert all(row.outcome == updated(row.id, row.name) for row in rows)


WRITER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from tvmplug.fleet.ledger import Ledger
    from tvmplug.fleet.records import Outcome, Result

    print("on my way", flush=True)
    ledger = Ledger(Path(sys.argv[1]))
    while True:
        run = ledger.begin_run({}, {})
        with ledger.together():
            ids = [
                ledger.queue(run, str(i), repository=Path(), scratch=Path(), branch="u")
                for i in range(5)
            ]
        for i, attempt in enumerate(ids):
            ledger.running(attempt)
            ledger.done(attempt, Outcome(attempt=attempt, name=str(i), result=Result.UNCHANGED))
            print(attempt, flush=True)
        ledger.finish_run(run)
""")


@pytest.mark.slow
def test_a_writer_that_is_killed_leaves_all_that_it_said_was_done(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    pick = random.Random(5)  # noqa: S311
    for _ in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "on my way\n"
            time.sleep(pick.uniform(0, 0.3))
            writer.kill()
            said = [int(line) for line in writer.stdout.read().split()]
        with Ledger(path) as ledger:
            (verdict,) = ledger._connection.execute("PRAGMA integrity_check").fetchone()
            assert verdict == "ok"
            rows = [row for run in ledger.runs() for row in ledger.attempts(run.id)]
            done = {row.id for row in rows if row.state is State.DONE}
            assert done >= set(said)
            open_rows = [row for row in rows if row.state is not State.DONE]
            unfinished = ledger.unfinished()
            assert {row.run for row in open_rows} <= ({unfinished.id} if unfinished else set())
            # What was queued together is there together.
            assert all(len(ledger.attempts(run.id)) in (0, 5) for run in ledger.runs())
            # The next writer goes on where this one stopped, as `resume` does.
            with ledger.together():
                for row in open_rows:
                    ledger.interrupt(row.id)
                for run in ledger.runs():
                    if not run.is_done:
                        ledger.finish_run(run.id)


def test_a_damaged_ledger_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    path.write_bytes(b"this is no database, and it is longer than SQLite's header of 100 bytes" * 9)
    with pytest.raises(FleetError, match=r"is damaged.*Move it"):
        Ledger(path)
    with pytest.raises(FleetError, match=r"is damaged.*Move it"):
        Ledger.reading(path)


def test_a_ledger_with_a_torn_page_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    with Ledger(path) as ledger:
        run = ledger.begin_run({}, {})
        with ledger.together():
            for name in range(200):
                queue(ledger, run, str(name))
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xaa" * (len(content) - 8192)
    path.write_bytes(bytes(content))
    with pytest.raises(FleetError, match=r"is damaged.*malformed.*Move it"), Ledger(path) as ledger:
        ledger.attempts(run)


def test_a_ledger_of_a_newer_tvmplug_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    Ledger(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    for opening in (Ledger, Ledger.reading):
        with pytest.raises(FleetError, match=r"newer tvmplug \(its format is 2"):
            opening(path)


def test_a_database_of_another_program_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE songs (title)")
    connection.close()
    with pytest.raises(FleetError, match="is no ledger"):
        Ledger(path)
    assert list(sqlite3.connect(path).execute("SELECT name FROM sqlite_schema")) == [("songs",)]


def test_a_reader_finds_no_ledger_and_makes_none(tmp_path: Path) -> None:
    assert Ledger.reading(tmp_path / "ledger.sqlite3") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("statement", ["SELECT 1", "PRAGMA journal_mode = WAL"])
def test_a_ledger_that_a_kill_left_without_tables_is_a_new_one(
    tmp_path: Path, statement: str
) -> None:
    path = tmp_path / "ledger.sqlite3"
    path.touch()
    connection = sqlite3.connect(path)
    connection.execute(statement)  # WAL alone makes a file of one page
    connection.close()
    assert Ledger.reading(path) is None
    with Ledger(path) as ledger:
        run = ledger.begin_run({}, {})
    reader = Ledger.reading(path)
    assert reader is not None
    with reader:
        assert [each.id for each in reader.runs()] == [run]


def test_a_reader_sees_what_a_writer_has_written_so_far(ledger: Ledger) -> None:
    run = ledger.begin_run({}, {})
    reader = Ledger.reading(ledger.path)
    assert reader is not None
    with ledger.together():
        queue(ledger, run, "a")
        assert reader.attempts(run) == []
    assert [row.name for row in reader.attempts(run)] == ["a"]
    with pytest.raises(FileError, match="readonly"):
        reader.begin_run({}, {})
    reader.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        pytest.skip(f"a disk cannot be mounted here: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_loses_nothing_that_was_written(small_disk: Path) -> None:
    path = small_disk / "ledger.sqlite3"
    with Ledger(path) as ledger:
        run = ledger.begin_run({}, {})
        ids = [queue(ledger, run, str(name)) for name in range(20)]
        (small_disk / "filler").write_bytes(b"x" * (shutil.disk_usage(small_disk).free - 8192))
        done = []
        with pytest.raises(FileError, match=r"full.*Free some space.*resume"):  # noqa: PT012
            for attempt in ids:
                ledger.done(attempt, updated(attempt, "n" * 2000))
                done.append(attempt)
        (small_disk / "filler").unlink()
        # The same connection goes on, and knows what it wrote.
        rows = ledger.attempts(run)
        assert [row.id for row in rows if row.state is State.DONE] == done
        for attempt in ids[len(done) :]:
            ledger.done(attempt, updated(attempt, "a"))
        ledger.finish_run(run)
    with Ledger(path) as ledger:
        assert ledger.unfinished() is None


def test_a_disk_that_is_full_from_the_start_says_so(small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(b"x" * shutil.disk_usage(small_disk).free)
    with pytest.raises(FileError, match="Free some space"):
        Ledger(small_disk / "ledger.sqlite3")


def test_a_read_only_disk_can_be_read_and_is_not_written(small_disk: Path) -> None:
    path = small_disk / "ledger.sqlite3"
    with Ledger(path) as ledger:
        run = ledger.begin_run({}, {})
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    reader = Ledger.reading(path)
    assert reader is not None
    assert [row.id for row in reader.runs()] == [run]
    reader.close()
    with pytest.raises(FileError, match=r"writable"), Ledger(path) as ledger:
        ledger.begin_run({}, {})


# --- the lock

HOLDER = textwrap.dedent("""
    import os, subprocess, sys, time
    from pathlib import Path
    from tvmplug.fleet.lock import FleetLock

    lock = FleetLock(Path(sys.argv[1]))
    lock.acquire()
    child = None
    if sys.argv[2] == "with-child":
        child = subprocess.Popen(
            [sys.executable, "-c", "print('ready', flush=True); input()"],
            stdin=int(sys.argv[3]), pass_fds=[lock.fd], start_new_session=True)
    else:
        print("ready", flush=True)
    time.sleep(600)
""")


def test_a_second_run_is_told_who_goes_on_and_since_when(tmp_path: Path) -> None:
    path = tmp_path / ".fleet" / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), "alone"], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        year = time.strftime("%Y-")
        with pytest.raises(
            FleetError, match=rf"another run .* process {holder.pid}, since {year}.*Ctrl-C"
        ):
            FleetLock(path).acquire()
        holder.send_signal(signal.SIGKILL)
    with FleetLock(path):
        pass


def test_the_lock_of_a_killed_run_is_free_when_its_last_child_ended(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    read, write = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), "with-child", str(read)],
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=[read],
    ) as holder:
        os.close(read)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        holder.kill()
        holder.wait()
        with pytest.raises(FleetError, match=r"run that was killed still hold .*fuser"):
            FleetLock(path, patience_s=0.2).acquire()

        freed = threading.Event()

        def wait_for_it() -> None:
            with FleetLock(path, patience_s=60):
                freed.set()

        waiting = threading.Thread(target=wait_for_it)
        waiting.start()
        assert not freed.wait(0.3)
        os.write(write, b"\n")
        os.close(write)
        waiting.join()
        assert freed.is_set()


def test_a_released_lock_is_free_at_once(tmp_path: Path) -> None:
    lock = FleetLock(tmp_path / "lock")
    for _ in range(3):
        with lock:
            assert lock.fd > 0
    with pytest.raises(FleetError, match="is not held"):
        _ = lock.fd


def test_whoever_joined_a_run_is_waited_for_and_nobody_joins_a_run_that_is_over(
    tmp_path: Path,
) -> None:
    path = tmp_path / "lock"
    first = FleetLock(path)
    first.acquire()
    token = first.token
    with join(path, token):
        first.release()
        with pytest.raises(FleetError, match="still hold"):
            FleetLock(path, patience_s=0.1).acquire()
    with FleetLock(path) as second:
        with pytest.raises(FleetError, match="is over"), join(path, token):
            pass
        with join(path, second.token), join(path, second.token):
            pass


def test_a_lock_file_that_was_damaged_still_locks(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with FleetLock(path):
        path.write_text("{broken")
        with pytest.raises(FleetError, match="still hold"):
            FleetLock(path, patience_s=0.1).acquire()
    with FleetLock(path):
        pass


def test_a_lock_where_nothing_can_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "fleet").write_text("a file\n")
    with pytest.raises(FileError, match="A file lies where"):
        FleetLock(tmp_path / "fleet" / "lock").acquire()
