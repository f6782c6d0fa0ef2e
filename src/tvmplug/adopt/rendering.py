"""What the template makes for a plugin, and which of it an author would own; by the real Copier."""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvmplug import files
from tvmplug.commands.new import ANSWERS_FILE, generate
from tvmplug.errors import AdoptError

_TAKEN = b"taken\n"


@dataclass(frozen=True)
class Rendered:
    """The files of a plugin as the template makes them.

    Attributes:
        files: Content by path.
        starters: Paths of those that the author owns: an update never touches them.
    """

    files: Mapping[str, bytes]
    starters: frozenset[str]

    def text(self, path: str) -> str:
        """Return a file's text."""
        return self.files[path].decode()


def render(source: str, answers: Mapping[str, Any], name: str, *, vcs_ref: str | None) -> Rendered:
    """Render the model template.

    Args:
        source: Folder or address of the template.
        answers: Of its questions; the rest keep their defaults.
        name: The plugin's name, which its folder has too.
        vcs_ref: The template's tag or commit; None for its newest tag.

    Raises:
        UsageError: The template or an answer is wrong.
        FileError: The folder for temporary files cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="tvmplug-adopt-") as scratch:
        fresh, taken = Path(scratch, "fresh", name), Path(scratch, "taken", name)
        _copy(source, answers, fresh, vcs_ref)
        made = dict(_files(fresh))
        # Copier itself says what it leaves alone where an author has it already.
        for path in made.keys() - {ANSWERS_FILE}:
            files.write_bytes(taken / path, _TAKEN)
        _copy(source, answers, taken, vcs_ref)
        starters = {path for path, content in _files(taken) if content == _TAKEN}
    return Rendered(made, frozenset(starters))


def _copy(source: str, answers: Mapping[str, Any], folder: Path, vcs_ref: str | None) -> None:
    # What Copier says of the template's tags and commits would be told twice, and helps nobody.
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = generate(
            source, folder, answers, vcs_ref=vcs_ref, defaults=True, quiet=True, tasks=False
        )
    if code != 0:
        raise AdoptError(f"the template {source} failed with exit status {code}")


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    with files.file_errors(folder):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield path.relative_to(folder).as_posix(), path.read_bytes()
