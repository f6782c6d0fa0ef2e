"""Small parts of Markdown that every generated page uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def top(title: str, source: str) -> str:
    """The beginning of a generated page.

    Args:
        title: Its title.
        source: What it is made from, for whoever opens the file to edit it.
    """
    return f"# {title}\n\n<!-- Made from {source} by `make reference`. Do not edit. -->\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; what would break a cell is escaped."""
    lines = [_row(head), "|" + "---|" * len(head), *(_row(row) for row in rows)]
    return "\n".join(lines) + "\n"


def joined(parts: Iterable[str]) -> str:
    """Blocks with an empty line between them."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def code(text: str) -> str:
    """Text as code; as nothing where there is none."""
    return f"`{text}`" if text else ""


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
