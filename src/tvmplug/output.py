"""What a person sees: progress on stderr, results on stdout."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

# Progress goes to stderr, so that `--json` and pipes see results alone.
stdout = Console(soft_wrap=True, highlight=False)
stderr = Console(stderr=True, soft_wrap=True, highlight=False)


@contextlib.contextmanager
def progress(title: str, *, every_line: bool) -> Iterator[Callable[[str], None]]:
    """Show a step with the line that its program printed last.

    Args:
        title: What is being done.
        every_line: Where there is no terminal to rewrite a line on, print each one.

    Yields:
        A function that takes one line of the program's progress.
    """
    started = time.monotonic()
    if stderr.is_terminal:
        one_line = Column(no_wrap=True, overflow="ellipsis")
        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", table_column=one_line),
            TimeElapsedColumn(),
            console=stderr,
            transient=True,
        ) as bar:
            task = bar.add_task(escape(title))
            yield lambda line: bar.update(
                task, description=f"{escape(title)} [dim]{escape(line)}[/]"
            )
    else:
        stderr.print(f"... {escape(title)}")
        yield lambda line: say(f"    {line}") if every_line else None
    seconds = time.monotonic() - started
    stderr.print(f"[green]✓[/] {escape(title)} [dim]({seconds:.1f} s)[/]")


def say(line: str) -> None:
    """Print one line of progress to stderr, as it is."""
    stderr.print(escape(line))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to stdout.

    Args:
        title: The heading; empty for none.
        columns: The column names.
        rows: One sequence of cells a row; cells may hold rich markup.
    """
    view = Table(title=escape(title) or None, title_justify="left", title_style="bold", box=None)
    for column in columns:
        view.add_column(column, header_style="bold", overflow="fold")
    for row in rows:
        view.add_row(*row)
    stdout.print(view)


def emit_json(value: Any) -> None:
    """Print one JSON document to stdout, for `--json`, in whatever encoding that has."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # or the name of a file that is no text at all
        text = json.dumps(value, indent=2)
    print(text)
