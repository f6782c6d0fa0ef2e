"""The live display: plain lines in a file, a board on a terminal of any size."""

from __future__ import annotations

import concurrent.futures
import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tvmplug.fleet.progress import Board, Progress
from tvmplug.fleet.records import Change, Outcome, Reason, Result
from tvmplug.fleet.wording import clock, duration, line, printable

CHANGE = Change(status="M", path="pubspec.yaml", added=1, removed=1)


def outcome(name="g2p_flutter", result=Result.UPDATED, **what):
    return Outcome(attempt=1, name=name, result=result, **what)


def updated(name):
    return outcome(name, from_version="v0.1.0", to_version="v0.2.0", changes=(CHANGE,) * 7)


def shown(board, now=10.0, *, width=100, height=30):
    console = Console(width=width, height=height, file=io.StringIO())
    view = board.view(now, width=width, height=height)
    lines = console.render_lines(view, console.options, pad=False)
    return ["".join(segment.text for segment in segments) for segments in lines]


def test_away_from_a_terminal_there_is_one_line_for_each_repository_and_nothing_else():
    told = io.StringIO()
    with Progress(console=Console(file=told, width=20)) as progress:
        progress.begin(10)
        for number in range(10):
            progress.started(f"g{number}_flutter")
            progress.step(f"g{number}_flutter", "rendering")
            progress.ended(updated(f"g{number}_flutter"))
    lines = told.getvalue().splitlines()
    assert lines[0] == "[ 1/10] g0_flutter: updated v0.1.0 -> v0.2.0, 7 files"
    assert lines[9] == "[10/10] g9_flutter: updated v0.1.0 -> v0.2.0, 7 files"
    assert len(lines) == 10


def test_a_line_tells_why_and_what_mends_it():
    failed = outcome(
        result=Result.FAILED,
        reason=Reason.CONFLICT,
        message="2 files conflict",
        mend="Resolve them",
        from_version="v0.1.0",
        to_version="v0.2.0",
    )
    assert line(failed) == "g2p_flutter: failed (conflict): 2 files conflict. Resolve them"


@given(st.text(st.characters()), st.text(st.characters()))
def test_no_text_of_a_program_breaks_a_line_or_moves_the_cursor(message, mend):
    told = line(outcome(result=Result.FAILED, message=f"\x1b[2J{message}\r\n", mend=mend))
    assert told.isprintable()
    assert told.splitlines() == [told]


def test_what_is_written_from_right_to_left_stays_and_what_turns_the_line_does_not():
    assert printable("שלום\u202eevil") == "שלום evil"


names = st.sampled_from(
    ["a", "kokoro_flutter", "x" * 300, "日本語のプラグイン" * 9, "[red]x", "\n"]
)
events = st.lists(st.tuples(st.sampled_from(["start", "step", "end"]), names), max_size=30)


@given(
    events, st.integers(0, 1000), st.integers(1, 200), st.integers(1, 60), st.sampled_from(Result)
)
def test_the_board_fits_any_terminal(events, total, width, height, result):
    board = Board("Updating")
    board.begin(total, 0.0)
    for kind, name in events:
        if kind == "start":
            board.start(name, 1.0)
        elif kind == "step":
            board.step(name, f"verifying {name}")
        else:
            board.end(outcome(name, result))
    lines = shown(board, width=width, height=height)
    # The bar and the counts are there whatever the height.
    assert len(lines) <= max(2, height)
    console = Console(width=width, file=io.StringIO())
    for text in lines:
        assert console.measure(text, options=console.options.update(width=1000)).maximum <= width


def test_a_thousand_workers_leave_room_for_the_bar_and_say_how_many_are_hidden():
    board = Board("Updating")
    board.begin(1000, 0.0)
    for number in range(1000):
        board.start(f"g{number}_flutter", 0.0)
    lines = shown(board, height=24)
    assert len(lines) <= 24
    assert "0/1000" in lines[0]
    assert "and 980 more" in lines[-2]


def test_a_worker_keeps_its_line():
    board = Board("Updating")
    board.begin(5, 0.0)
    for name in ("first", "second", "third"):
        board.start(name, 0.0)
    board.end(updated("second"))
    board.start("fourth", 1.0)
    assert [text.split()[0] for text in shown(board)[1:4]] == ["first", "fourth", "third"]


def test_a_repository_that_is_taken_up_again_has_one_line():
    board = Board("Updating")
    board.start("first", 0.0)
    board.start("first", 5.0)
    assert sum("first" in text for text in shown(board)) == 1


def test_a_step_shows_beside_its_repository_with_its_time():
    board = Board("Updating")
    board.begin(2, 0.0)
    board.start("g2p_flutter", 3.0)
    board.step("g2p_flutter", "verify: build")
    board.step("another", "nothing")
    assert re.search(r"^ +g2p_flutter +verify: build +0:07$", shown(board)[1].rstrip())


def test_every_result_is_counted():
    board = Board("Updating")
    board.begin(5, 0.0)
    for number, result in enumerate(Result):
        board.end(outcome(f"g{number}", result))
    assert (
        shown(board)[-1] == "✓ 1 updated  ✗ 1 failed  - 1 skipped  ! 1 interrupted  = 1 unchanged"
    )
    assert shown(board, width=40)[-1] == "✓ 1  ✗ 1  - 1  ! 1  = 1"


def test_the_time_left_follows_from_what_was_worked_on_and_not_from_what_was_skipped():
    board = Board("Updating")
    board.begin(100, 0.0)
    for number in range(60):
        board.end(outcome(f"dirty{number}", Result.SKIPPED))
    assert board.seconds_left(1.0) is None
    for number in range(10):
        board.start(f"g{number}", 0.0)
        board.end(updated(f"g{number}"))
    assert board.seconds_left(20.0) == pytest.approx(60.0)  # 30 are left, at two seconds each
    assert "0:20, 1:00 left" in shown(board, 20.0)[0]


def test_the_time_left_is_not_told_when_nothing_is_left():
    board = Board("Updating")
    board.begin(1, 0.0)
    board.start("a", 0.0)
    board.end(updated("a"))
    assert board.seconds_left(20.0) is None


def test_many_threads_may_tell_of_their_repositories_at_once():
    told = io.StringIO()
    console = Console(file=told, force_terminal=True, width=80, height=24, color_system=None)
    with Progress(console=console) as progress, concurrent.futures.ThreadPoolExecutor(8) as threads:
        progress.begin(400)

        def work(number):
            name = f"g{number}_flutter"
            progress.started(name)
            progress.step(name, "rendering")
            progress.ended(updated(name))

        list(threads.map(work, range(400)))
    assert "✓ 400 updated in " in told.getvalue().splitlines()[-1]


RUN = """
import sys
from tvmplug.fleet.progress import Progress
from tvmplug.fleet.records import Outcome, Reason, Result
with Progress() as progress:
    progress.begin(1000)
    for number in range(1000):
        progress.started(f"g{number}_flutter")
        progress.step(f"g{number}_flutter", "rendering")
        progress.ended(Outcome(
            attempt=number,
            name=f"g{number}_flutter",
            result=Result.FAILED if number == 500 else Result.UPDATED,
            reason=Reason.CONFLICT if number == 500 else None,
            message="pubspec.yaml conflicts" if number == 500 else "",
        ))
    if sys.argv[1:]:
        raise KeyboardInterrupt
"""


def on_a_terminal(*arguments, columns=80, rows=24, term="xterm-256color"):
    """Run a program on a real pseudo-terminal; return its exit code and all it wrote."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    kept = {name: os.environ[name] for name in os.environ if name not in {"COLUMNS", "LINES"}}
    program = subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments],
        stderr=theirs,
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        env={**kept, "TERM": term},
    )
    os.close(theirs)
    told = b""
    with open(ours, "rb", buffering=0) as terminal:  # noqa: PTH123 (a descriptor)
        while True:
            try:
                told += terminal.read(65536)
            except OSError:  # Linux says so when the other end is closed
                break
    return program.wait(), told.decode()


@pytest.mark.parametrize("columns", [20, 80, 200])
def test_a_real_terminal_shows_the_board_keeps_failures_and_ends_with_the_counts(columns):
    code, told = on_a_terminal(columns=columns)
    assert code == 0, told
    plain = " ".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", told).split())
    assert "g500_flutter" in plain
    assert re.search(r"✓ 999 (updated )?✗ 1 (failed )?in", plain)
    assert told.count("\x1b[?25l") == told.count("\x1b[?25h") == 1  # the cursor is given back
    assert "Traceback" not in told


def test_an_interrupted_run_gives_the_cursor_back():
    code, told = on_a_terminal("interrupted")
    assert code != 0
    assert told.rindex("\x1b[?25h") > told.rindex("\x1b[?25l")


def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines():
    code, told = on_a_terminal(term="dumb")
    assert code == 0
    assert len(told.splitlines()) == 1000
    assert "\x1b" not in told
    assert "[ 501/1000] g500_flutter: failed (conflict): pubspec.yaml conflicts" in told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.004, "0.00 s"),
        (0.42, "0.42 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 05 min"),
    ],
)
def test_durations_are_told_the_short_way(seconds, told):
    assert duration(seconds) == told


@pytest.mark.parametrize(("seconds", "told"), [(7, "0:07"), (750, "12:30"), (3750, "1:02:30")])
def test_running_clocks_keep_their_form(seconds, told):
    assert clock(seconds) == told
