"""What a person sees: progress on stderr, results on stdout."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

# Progress goes to stderr, so that `--json` and pipes see results alone.
stdout = Console(soft_wrap=True, highlight=False)
stderr = Console(stderr=True, soft_wrap=True, highlight=False)


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Show that something is running, and how long it took.

    A terminal sees a spinner; a log sees one line when it starts and one when it ends.

    Args:
        title: What is being done, such as "compile encoder for linux-x64".
    """
    started = time.monotonic()
    if stderr.is_terminal:
        with stderr.status(escape(title)):
            yield
    else:
        stderr.print(f"... {escape(title)}")
        yield
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
    """Print one JSON document to stdout, for `--json`."""
    print(json.dumps(value, indent=2, sort_keys=False, ensure_ascii=False))
