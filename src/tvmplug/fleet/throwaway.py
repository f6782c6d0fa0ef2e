"""The throw-away repositories of an update's two renders, with the trees Copier would give them.

Copier makes each with `git init`, `git add` and two commits, so that it can compare trees. Only the
trees matter: here the repository is a copy of one that `git init` made, and no commit is written.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tvmplug.fleet.copier_git import Git, set_git_alternates
from tvmplug.fleet.git_index import Listing, blob_hash, read_index
from tvmplug.process import run_bytes


@dataclass(frozen=True)
class Skeleton:
    """What `git init` writes on this machine, with this user's configuration.

    Attributes:
        files: Path below `.git` -> content, but for hooks.
        has_hooks: True when committing in such a repository would start a hook.
    """

    files: dict[str, bytes]
    has_hooks: bool


_skeletons: dict[tuple[int, str | None, str | None], Skeleton] = {}


def skeleton(near: Path) -> Skeleton:
    """Return what `git init` makes in a folder's file system; tried once.

    Args:
        near: Any folder there that can be written.
    """
    about = os.environ.get("GIT_CONFIG_GLOBAL"), os.environ.get("GIT_TEMPLATE_DIR")
    key = (near.stat().st_dev, *about)
    if key not in _skeletons:
        with tempfile.TemporaryDirectory(dir=near, prefix="skeleton-") as name:
            git = Git(cwd=Path(name))
            git("init", "--quiet")
            root = Path(name, ".git")
            hooks = [path for path in root.glob("hooks/*") if path.suffix != ".sample"]
            elsewhere = git("config", "--get", "core.hooksPath", retcode=None)
            files = {
                path.relative_to(root).as_posix(): path.read_bytes()
                for path in root.rglob("*")
                if path.is_file() and path.parent.name != "hooks" and path.name != "description"
            }
        _skeletons[key] = Skeleton(files, bool(hooks or elsewhere.strip()))
    return _skeletons[key]


class Throwaway:
    """The repository of one render.

    Args:
        folder: The render, without a repository yet.
        lender: A repository with most of the same files: what it has is not written again.

    Attributes:
        tree: The tree that HEAD names.
        files: What that tree holds: path -> (mode, blob).
    """

    def __init__(self, folder: Path, lender: Path) -> None:
        self._folder = folder
        self._index = folder / ".git/index"
        for path, content in skeleton(folder.parent).files.items():
            target = folder / ".git" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        for path in ("objects/info", "refs"):
            (folder / ".git" / path).mkdir(parents=True, exist_ok=True)
        set_git_alternates(lender, path=folder)
        Git(cwd=folder)("add", ".")
        self.tree, self.files = self._point_head_at_index()

    def commit_staged(self) -> None:
        """Give HEAD what was staged since then."""
        if self._state() != self._seen:
            self.tree, self.files = self._point_head_at_index()

    def _point_head_at_index(self) -> tuple[str, Listing]:
        tree = Git(cwd=self._folder)("write-tree").strip()
        # A tree where a commit should be: all that reads it compares trees.
        (self._folder / ".git/HEAD").write_text(f"{tree}\n")
        self._seen = self._state()
        return tree, listing(self._folder)

    def _state(self) -> tuple[int, int] | None:
        if not self._index.exists():  # nothing was added
            return None
        state = self._index.stat()
        return state.st_ino, state.st_mtime_ns


def listing(folder: Path) -> Listing:
    """Return what is in the index of a repository that is no worktree: path -> (mode, blob)."""
    index = read_index(folder / ".git/index")
    if index is not None:
        return index.files
    found = {}
    for entry in Git(cwd=folder)("ls-files", "--stage", "-z").split("\0"):
        if entry:
            meta, _, path = entry.partition("\t")
            mode, blob, _ = meta.split(" ")
            found[path] = (mode, blob)
    return found


def content(folder: Path, path: str, blob: str) -> bytes:
    """Return a file of a render as git has it: what lies there may have other line ends."""
    raw = (folder / path).read_bytes()
    if blob_hash(raw, len(blob)) == blob:
        return raw
    return run_bytes(["git", "-C", folder, "cat-file", "blob", blob]).stdout
