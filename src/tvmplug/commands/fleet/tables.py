"""What the tables of `status` and `push` share: whether they fit, and what stands below them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.markup import escape
from rich.text import Text

from tvmplug import output
from tvmplug.fleet.wording import printable


def table_width(columns: Mapping[str, Sequence[str]]) -> int:
    """Return how wide a table wants to be: each column with a space on both sides.

    Args:
        columns: The cells, with rich markup, by the column's name.
    """
    return sum(
        2 + max(Text.from_markup(cell).cell_len for cell in (name, *cells))
        for name, cells in columns.items()
    )


def explain(troubles: Iterable[tuple[str, str | None, str | None]]) -> None:
    """Print what is wrong and its mend; what several share is said once.

    Args:
        troubles: Whose it is, what it is, and the command or edit that puts it right.
    """
    shared: dict[tuple[str, str | None], list[str]] = {}
    for name, message, mend in troubles:
        shared.setdefault((message or "", mend), []).append(name)
    if shared:
        output.stdout.print()
    for (message, mend), names in shared.items():
        who = ", ".join(names[:3])
        if len(names) > 3:
            who += f" and {len(names) - 3} more"
        output.stdout.print(f" [yellow]{escape(who)}[/]: {escape(printable(message))}")
        if mend:
            output.stdout.print(f"   [dim]→ {escape(printable(mend))}[/]")
