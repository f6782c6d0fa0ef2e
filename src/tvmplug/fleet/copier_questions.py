"""Answers what Copier asks git during an update, where the answer is known without git.

Every answer is the one that git would print. Where that is not certain (names that git quotes,
submodules, an index of another format) there is no answer, and git is asked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tvmplug.fleet.git_files import git_folder
from tvmplug.fleet.git_index import Index, Listing, read_index
from tvmplug.fleet.throwaway import Throwaway

_PLAIN = re.compile(r"[ !#-\[\]-~]+")  # what core.quotePath leaves alone
_SUBMODULE = "160000"


@dataclass
class Known:
    """What one update knows about its three trees.

    Attributes:
        project: The folder that is updated.
        throwaways: The repositories of the old and the new render, by folder, in this order.
    """

    project: Path
    throwaways: dict[Path, Throwaway] = field(default_factory=dict)
    _index: Index | None = None

    def answer(self, cwd: Path, arguments: tuple[str, ...]) -> str | None:
        """Return what git would print; None when git has to be asked.

        Args:
            cwd: The folder that git would run in.
            arguments: What follows `git`.
        """
        asked = _ANSWERS.get(arguments) or _ANSWERS.get(arguments[:1])
        return asked(self, cwd, arguments) if asked else None

    @property
    def before(self) -> Listing | None:
        """What the project had before the update; None when only git can tell."""
        return self._index.files if self._index is not None else None

    def _toplevel(self, cwd: Path, _: tuple[str, ...]) -> str | None:
        return f"{cwd.resolve()}\n" if cwd == self.project and (cwd / ".git").exists() else None

    def _write_tree(self, cwd: Path, _: tuple[str, ...]) -> str | None:
        if not (cwd / ".git").exists() or cwd != self.project.resolve():
            return None
        self._index = read_index(git_folder(cwd) / "index")
        return f"{self._index.tree}\n" if self._index and self._index.tree else None

    def _head(self, cwd: Path, _: tuple[str, ...]) -> str | None:
        throwaway = self.throwaways.get(cwd)
        return f"{throwaway.tree}\n" if throwaway else None

    def _diff_tree(self, cwd: Path, arguments: tuple[str, ...]) -> str | None:
        match arguments:
            case ("diff-tree", "-r", "--diff-filter=D", "--name-only", "HEAD", tree):
                names = self._compare(cwd, tree, lambda old, new: old.keys() - new.keys())
            case ("diff-tree", "-r", "--diff-filter=A", "--name-only", "HEAD", tree):
                names = self._compare(cwd, tree, lambda old, new: new.keys() - old.keys())
            case (
                "diff-tree", _, "HEAD", tree, "-r", "--no-commit-id", "--name-only", "--", ".",
            ):  # fmt: skip
                names = self._compare(cwd, tree, _differing)
            case _:
                return None
        if names is None or not all(map(_PLAIN.fullmatch, names)):
            return None
        return "".join(f"{name}\n" for name in sorted(names))

    def _compare(
        self, cwd: Path, tree: str, names: Callable[[Listing, Listing], set[str]]
    ) -> set[str] | None:
        """Names that differ between HEAD of a throw-away repository and another tree."""
        throwaway, other = self.throwaways.get(cwd), self._files(tree)
        return None if throwaway is None or other is None else names(throwaway.files, other)

    def _files(self, tree: str) -> Listing | None:
        if self._index is not None and self._index.tree == tree:
            return self._index.files
        known = (each.files for each in self.throwaways.values() if each.tree == tree)
        return next(known, None)

    def _ignored(self, cwd: Path, _: tuple[str, ...]) -> str | None:
        """Copier passes over ignored files that the new render has: are there others?"""
        if self._index is None or len(self.throwaways) < 2 or cwd != self.project.resolve():
            return None
        if any(mode == _SUBMODULE for mode, _ in self._index.files.values()):
            return None
        new = list(self.throwaways)[-1]
        found = set(_files_below(str(cwd)))
        untracked = found - self._index.files.keys()
        return "" if all(os.path.lexists(new / path) for path in untracked) else None

    def _rejected(self, cwd: Path, _: tuple[str, ...]) -> str | None:
        """Copier looks for rejected parts of the patch only."""
        return None if any(path.endswith(".rej") for path in _files_below(str(cwd))) else ""


_ANSWERS: dict[tuple[str, ...], Callable[[Known, Path, tuple[str, ...]], str | None]] = {
    ("rev-parse", "--show-toplevel"): Known._toplevel,
    ("write-tree",): Known._write_tree,
    ("rev-parse", "HEAD"): Known._head,
    ("diff-tree",): Known._diff_tree,
    ("status", "--ignored", "--porcelain"): Known._ignored,
    ("status", "--porcelain", "--ignored"): Known._rejected,
}


def _differing(old: Listing, new: Listing) -> set[str]:
    return {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}


def _files_below(root: str, below: str = "") -> Iterator[str]:
    """Paths of all files and symlinks, relative to the root, but for git's own."""
    with os.scandir(os.path.join(root, below)) as entries:  # noqa: PTH118, for hundreds of files
        for entry in entries:
            path = f"{below}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                if entry.name != ".git":
                    yield from _files_below(root, f"{path}/")
            elif entry.name != ".git":
                yield path
