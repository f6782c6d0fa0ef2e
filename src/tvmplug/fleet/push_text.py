"""The title and the description of the pull request for an update. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tvmplug.fleet import addresses
from tvmplug.fleet.records import Change

BEGIN = "<!-- tvmplug fleet: written anew by every push, write above or below -->"
END = "<!-- tvmplug fleet: end -->"
_MOST_FILES = 200
# GitHub takes 65,536 characters, and one argument of a program 131,072 bytes.
_MOST_CHARACTERS = 60_000
_KINDS = {"A": "added", "M": "changed", "D": "deleted", "T": "changed in kind"}


@dataclass(frozen=True, kw_only=True)
class Side:
    """What a plugin records before or after an update.

    Attributes:
        version: The template's version.
        tvm: The TVM that it pins.
    """

    version: str | None
    tvm: str | None


def title(before: Side, after: Side) -> str:
    """Return the title of a request."""
    parts = []
    if before.version != after.version:
        parts.append(f"the template to {after.version}")
    if before.tvm != after.tvm:
        parts.append(f"TVM to {after.tvm}")
    return f"Update {' and '.join(parts) or 'the answers of the template'}"


def body(
    *,
    name: str,
    template: str | None,
    before: Side,
    after: Side,
    changes: Sequence[Change],
    notices: Sequence[str],
) -> str:
    """Return the description of a request.

    Args:
        name: The plugin's name.
        template: The template's address; a folder is not told, it means nothing elsewhere.
        before: What the plugin records where the update starts.
        after: What it records with the update.
        changes: The files that the update changes.
        notices: What a person should know.
    """
    source = ""
    if template is not None and addresses.is_address(template):
        source = f" ({_code(addresses.without_credentials(template))})"
    rows = [
        ("template", before.version, after.version),
        ("TVM", before.tvm, after.tvm),
    ]
    parts = [
        f"`tvmplug fleet update` brought {_code(name)} to a new version of its template{source}.",
        "| | before | after |\n|---|---|---|\n"
        + "\n".join(f"| {what} | {_cell(old)} | {_cell(new)} |" for what, old, new in rows),
    ]
    if notices:
        parts.append("### To know\n\n" + "\n".join(f"- {_code(each)}" for each in notices))
    parts.append(_files(changes))
    parts.append("Merging takes the update; closing leaves the plugin as it is.")
    inner = "\n\n".join(parts)
    if len(inner) > _MOST_CHARACTERS:
        inner = inner[:_MOST_CHARACTERS] + "\n\n(cut: it was longer than a description may be)"
    return f"{BEGIN}\n\n{inner}\n\n{END}"


def merged(old: str, new: str) -> str:
    """Return a description in which only what was written by us is replaced.

    Args:
        old: What stands there now; servers keep other line ends.
        new: What `body` returned.
    """
    old = old.replace("\r\n", "\n")
    start, end = old.find(BEGIN), old.find(END)
    if 0 <= start < end:
        return old[:start] + new + old[end + len(END) :]
    return new


def _files(changes: Sequence[Change]) -> str:
    counts = Counter(_KINDS.get(each.status, "changed") for each in changes)
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    noun = "file" if len(changes) == 1 else "files"
    rows = [f"| {_code(each.path)} | {_lines(each)} |" for each in changes[:_MOST_FILES]]
    if len(changes) > _MOST_FILES:
        rows.append(f"| and {len(changes) - _MOST_FILES} more | |")
    table = "\n".join(["| file | lines |", "|---|---|", *rows])
    summary = f"{len(changes)} {noun}: {told}" if told else "No file changes"
    return f"<details>\n<summary>{summary}</summary>\n\n{table}\n\n</details>"


def _lines(change: Change) -> str:
    lines = "binary"
    if change.added is not None and change.removed is not None:
        lines = f"+{change.added} / -{change.removed}"
    return lines if change.status == "M" else f"{lines}, {_KINDS.get(change.status, 'changed')}"


def _cell(text: str | None) -> str:
    return _code(text) if text is not None else "?"


def _code(text: str) -> str:
    """A text that Markdown leaves alone, also in a table: no tag, no link, nobody is called."""
    fence = "`"
    while fence in text:
        fence += "`"
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{' '.join(text.split())}{space}{fence}".replace("|", "\\|")
