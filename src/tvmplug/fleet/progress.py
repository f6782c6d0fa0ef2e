"""What a person sees while a fleet is worked on; `fleet update`, `resume` and `diff` use it.

On a terminal: a bar with the time left, a line per worker, the counts, and above them a line that
stays for each repository that was not updated. Elsewhere: one line per repository that ended.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tvmplug.fleet.records import Outcome, Result
from tvmplug.fleet.wording import GOOD, clock, duration, line, printable, said
from tvmplug.output import stderr

# Mark and style of each result, in the order in which they are counted.
MARKS = {
    Result.UPDATED: ("✓", "green"),
    Result.FAILED: ("✗", "red"),
    Result.SKIPPED: ("-", "yellow"),
    Result.INTERRUPTED: ("!", "yellow"),
    Result.UNCHANGED: ("=", "dim"),
}
_REFRESHES_A_SECOND = 5
# The first few repositories say little about the rest: processes start, caches are cold.
_ENOUGH_TO_ESTIMATE = 3
_ROOM_FOR_THE_REST = 4  # lines: the bar, the counts, "and N more", the prompt
_WIDE = 60  # columns from which the times fit beside the bar, and words beside the counts


class Progress:
    """Shows a run as it goes; safe to call from several threads.

    Args:
        title: What is being done, in a word: "Updating".
        console: Where to show it; stderr when it is left out.
    """

    def __init__(self, title: str = "Updating", *, console: Console | None = None) -> None:
        self._console = stderr if console is None else console
        self._board = Board(title)
        self._lock = threading.Lock()
        # A "dumb" terminal cannot move its cursor up.
        self._live = (
            Live(
                _Locked(self._board, self._lock),
                console=self._console,
                transient=True,
                refresh_per_second=_REFRESHES_A_SECOND,
            )
            if self._console.is_terminal and not self._console.is_dumb_terminal
            else None
        )

    def __enter__(self) -> Progress:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is None:
            return
        self._live.stop()
        with self._lock:
            if self._board.total:
                width = self._console.width
                self._console.print(self._board.summary(time.monotonic(), width=width))

    def begin(self, total: int) -> None:
        """Say how many repositories there are in all."""
        with self._lock:
            self._board.begin(total, time.monotonic())

    def started(self, name: str) -> None:
        """A worker took up a repository."""
        with self._lock:
            self._board.start(name, time.monotonic())

    def step(self, name: str, text: str) -> None:
        """A worker says what it does now; ignored for what is not being worked on."""
        with self._lock:
            self._board.step(name, text)

    def ended(self, outcome: Outcome) -> None:
        """A repository is done, well or not, worked on or not."""
        with self._lock:
            self._board.end(outcome)
            done, total = self._board.done, self._board.total
        if self._live is None:
            count = f"[{done:{len(str(total))}}/{total}]"
            self._console.print(f"{count} {line(outcome)}", markup=False, soft_wrap=True)
        elif outcome.result not in GOOD:
            self._console.print(_paragraph(outcome), soft_wrap=False)


def _paragraph(outcome: Outcome) -> Table:
    """The same for people, wrapped beside its mark; what mends it, the end of the run tells."""
    mark, style = MARKS[outcome.result]
    text = Text(said(outcome))
    text.stylize("bold", 0, len(printable(outcome.name)))
    grid = Table.grid(padding=(0, 1))
    grid.add_row(Text(mark, style=style), text)
    return grid


@dataclass
class _Worker:
    """One line of the display: what a worker is at; no name while it has nothing to do."""

    name: str = ""
    step: str = ""
    since: float = 0.0


@dataclass
class Board:
    """What is known of the run, and how it looks at a given moment; draws, but never prints.

    Attributes:
        title: What is being done.
        total: How many repositories there are.
        began: When `begin` was called, on the monotonic clock.
        counts: How many ended, by result.
        worked: How many of them a worker had taken up: what the time left is judged by.
        workers: One for each worker that was busy at once; a worker keeps its line.
    """

    title: str
    total: int = 0
    began: float | None = None
    counts: Counter[Result] = field(default_factory=Counter)
    worked: int = 0
    workers: list[_Worker] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many repositories ended."""
        return self.counts.total()

    def begin(self, total: int, now: float) -> None:
        """Start the clock."""
        self.total = total
        self.began = now

    def start(self, name: str, now: float) -> None:
        """Give a repository the first line that is free."""
        self._leave(name)
        for worker in self.workers:
            if not worker.name:
                break
        else:
            worker = _Worker()
            self.workers.append(worker)
        worker.name, worker.step, worker.since = name, "", now

    def step(self, name: str, text: str) -> None:
        """Change what stands beside a repository."""
        for worker in self.workers:
            if worker.name == name:
                worker.step = text

    def end(self, outcome: Outcome) -> None:
        """Count a repository, and free its line."""
        self.worked += self._leave(outcome.name)
        self.counts[outcome.result] += 1

    def seconds_left(self, now: float) -> float | None:
        """Estimate the rest from those that were worked on; None while nobody can know."""
        left = self.total - self.done
        if self.began is None or self.worked < min(_ENOUGH_TO_ESTIMATE, self.total) or left <= 0:
            return None
        return (now - self.began) / self.worked * left

    def view(self, now: float, *, width: int, height: int) -> Group:
        """Draw everything into at most that many columns and lines."""
        room = max(0, height - _ROOM_FOR_THE_REST)
        return Group(self._bar(now, width), *self._lines(now, room), self._counts(width))

    def summary(self, now: float, *, width: int) -> Text:
        """What stays on the terminal when the run is over."""
        text = self._counts(width)
        text.append(f" in {duration(now - (self.began if self.began is not None else now))}")
        return text

    def _leave(self, name: str) -> bool:
        for worker in self.workers:
            if worker.name == name:
                worker.name = ""
                return True
        return False

    def _bar(self, now: float, width: int) -> Table:
        grid = Table.grid(padding=(0, 1), expand=True)
        cells: list[Text | ProgressBar] = [Text(self.title, style="bold")]
        grid.add_column(no_wrap=True, overflow="ellipsis")
        grid.add_column(ratio=1)
        bar = ProgressBar(
            total=max(1, self.total),
            completed=self.done,
            complete_style="cyan",  # rich's own is a red, which would say that things go wrong
            finished_style="green",
        )
        cells.append(bar)
        cells.append(Text(f"{self.done}/{self.total}"))
        grid.add_column(no_wrap=True)
        if width >= _WIDE:
            elapsed = 0.0 if self.began is None else now - self.began
            left = self.seconds_left(now)
            told = clock(elapsed) + ("" if left is None else f", {clock(left)} left")
            # As wide as it gets, so that the bar keeps its length.
            cells.append(Text(f"{told:<18}", style="dim"))
            grid.add_column(no_wrap=True)
        grid.add_row(*cells)
        return grid

    def _lines(self, now: float, room: int) -> list[Table | Text]:
        shown = self.workers[:room]
        if not shown:
            return []
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(width=1)
        grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        grid.add_column(justify="right", no_wrap=True, width=7)
        for worker in shown:
            if worker.name:
                spent = clock(now - worker.since) if now - worker.since >= 1 else ""
                step = Text(printable(worker.step), style="dim")
                grid.add_row("", Text(printable(worker.name)), step, Text(spent, style="dim"))
            else:
                grid.add_row("", Text("-", style="dim"), "", "")
        hidden = sum(bool(worker.name) for worker in self.workers[room:])
        return [grid, _one_line(f"  and {hidden} more", "dim")] if hidden else [grid]

    def _counts(self, width: int) -> Text:
        text = _one_line("")
        for result, (mark, style) in MARKS.items():
            if self.counts[result]:
                text.append("  " if text else "")
                word = f" {result.value}" if width >= _WIDE else ""
                text.append(f"{mark} {self.counts[result]}{word}", style=style)
        return text or _one_line("nothing yet", "dim")


def _one_line(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


@dataclass
class _Locked:
    """The board as rich's own thread draws it: at a moment when nobody changes it."""

    board: Board
    lock: threading.Lock

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        with self.lock:
            now = time.monotonic()
            view = self.board.view(now, width=options.max_width, height=console.height)
        yield view
