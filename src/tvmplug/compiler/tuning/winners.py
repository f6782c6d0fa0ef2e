"""The file of measured tiles in a plugin's repository, `model/tuning.json`.

`tvmplug tune` writes it; whoever compiles the plugin has its tiles from there, without tuning.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvmplug import __version__, files
from tvmplug.compiler.cpu.choices import Choice, Winners, choice_of
from tvmplug.errors import FileError

FILE_NAME = "tuning.json"
SHOWN = f"model/{FILE_NAME}"
FORMAT = 1
_OWNER = (
    "The plugin's author owns this file: keep it in the repository, so that every build has these "
    "tiles. `tvmplug tune` measures them and changes them; without a line, a kernel has the tile "
    "of tvmplug's table."
)


@dataclass(frozen=True)
class Winner:
    """A tile that was measured to be faster than the table's.

    Attributes:
        choice: The tile.
        instead_of: The table's, as text; empty where somebody wrote the line by hand, as below.
        ratio: Its time as a share of the table's.
        processor: Where it was measured.
        threads: How many threads the kernel had.
        tvm: The TVM that compiled it.
    """

    choice: Choice
    instead_of: str = ""
    ratio: float | None = None
    processor: str = ""
    threads: int | None = None
    tvm: str = ""


Tuning = Mapping[str, Mapping[str, Winner]]
"""From the name of an instruction set and the text of a kernel to what was measured."""


def read_tuning(model: Path) -> Tuning:
    """Read a plugin's measured tiles.

    Args:
        model: The plugin's folder `model/`.

    Returns:
        What the file holds; nothing where there is no file.

    Raises:
        FileError: It is damaged; says where.
    """
    path = model / FILE_NAME
    if not path.is_file():
        return {}
    with files.file_errors(path):
        content = path.read_bytes()
    try:
        value = json.loads(content.decode())
    except ValueError as error:  # no JSON, no UTF-8, or the marks of a merge
        raise _damaged(path, f"is no JSON: {error}") from error
    return _tuning(path, value)


def write_tuning(model: Path, tuning: Tuning) -> None:
    """Write a plugin's measured tiles, whole and sorted; one line for each.

    Args:
        model: The plugin's folder `model/`.
        tuning: All that the file shall hold; without any tile there is no file.

    Raises:
        FileError: The folder is read-only, the disk is full, ...
    """
    path = model / FILE_NAME
    if not any(tuning.values()):
        with files.file_errors(path):
            path.unlink(missing_ok=True)
        return
    files.write_text(path, to_text(tuning))


def to_text(tuning: Tuning) -> str:
    """The file's content."""
    sets = [
        f"    {_json(name)}: {{\n{_lines(tuning[name])}\n    }}"
        for name in sorted(tuning)
        if tuning[name]
    ]
    head = {"owner": _OWNER, "written_by": f"tvmplug tune {__version__}", "format": FORMAT}
    fields = [f"  {_json(name)}: {_json(value)}" for name, value in head.items()]
    fields.append('  "tiles": {\n' + ",\n".join(sets) + "\n  }")
    return "{\n" + ",\n".join(fields) + "\n}\n"


def with_winner(tuning: Tuning, isa: str, kernel: str, winner: Winner | None) -> Tuning:
    """The same tiles with another one for a kernel; None takes what there is away."""
    others = {name: each for name, each in tuning.get(isa, {}).items() if name != kernel}
    return {**tuning, isa: others if winner is None else {**others, kernel: winner}}


def tiles_of(tuning: Tuning) -> dict[str, Winners]:
    """The tiles alone, as `lowering.lower` takes them."""
    return {
        isa: {kernel: winner.choice for kernel, winner in winners.items()}
        for isa, winners in tuning.items()
    }


def _lines(winners: Mapping[str, Winner]) -> str:
    return ",\n".join(
        f"      {_json(kernel)}: {_json(dict(_fields(winners[kernel])))}"
        for kernel in sorted(winners)
    )


def _fields(winner: Winner) -> Iterator[tuple[str, object]]:
    yield "tile", str(winner.choice)
    for name in ("instead_of", "ratio", "processor", "threads", "tvm"):
        if value := getattr(winner, name):
            yield name, value


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _tuning(path: Path, value: Any) -> Tuning:
    if not isinstance(value, dict) or not isinstance(value.get("tiles"), dict):
        raise _damaged(path, 'has no "tiles"')
    if value.get("format") != FORMAT:
        raise FileError(
            f"{path} has the format {value.get('format')}, this tvmplug knows {FORMAT}",
            mend="Update tvmplug, or delete the file and run `tvmplug tune`",
        )
    found: dict[str, dict[str, Winner]] = {}
    for isa, entries in value["tiles"].items():
        if not isinstance(entries, dict):
            raise _damaged(path, f'has no tiles under "{isa}"')
        found[isa] = {kernel: _winner(path, kernel, entry) for kernel, entry in entries.items()}
    return found


def _winner(path: Path, kernel: str, entry: Any) -> Winner:
    entry = entry if isinstance(entry, dict) else {}
    text = entry.get("tile")
    choice = choice_of(text) if isinstance(text, str) else None
    if choice is None:
        raise FileError(
            f'{path} has no tile like "6x2" for "{kernel}"',
            mend="Correct that line, or delete it",
        )
    ratio, threads = entry.get("ratio"), entry.get("threads")
    return Winner(
        choice,
        instead_of=str(entry.get("instead_of", "")),
        ratio=float(ratio) if isinstance(ratio, int | float) else None,
        processor=str(entry.get("processor", "")),
        threads=threads if isinstance(threads, int) else None,
        tvm=str(entry.get("tvm", "")),
    )


def _damaged(path: Path, why: str) -> FileError:
    return FileError(
        f"{path} {why}",
        mend="Take the last good one from git, or delete it and run `tvmplug tune`",
    )
