"""Which of the author's edits an update has lost, and how they are put back: called by jobs.

Copier is silent where the template deletes or renames a file that the author changed, where both
changed a binary, a symlink or an executable bit, and where its patch put a line elsewhere. Deciding
is pure (`lost_edits`); `find` and `restore` ask git.
"""

from __future__ import annotations

import enum
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tvmplug.fleet import git
from tvmplug.fleet.copier_update import Renders
from tvmplug.fleet.git_files import git_folder
from tvmplug.fleet.git_index import Listing, blob_hash, read_index
from tvmplug.process import run_bytes

ANSWERS = ".copier-answers.yml"  # what an author writes there are answers, which Copier takes
_REGULAR = ("100644", "100755")
_MARKERS = (b"<<<<<<< before updating", b">>>>>>> after updating")


class Loss(enum.Enum):
    """What became of an edit; the value tells the author."""

    GONE = "the template deletes or renames this file, which you changed"
    BACK = "you deleted it, and the update makes it again"
    MODE = "you changed whether it is executable, and the update changes it back"
    REPLACED = "you and the template changed it, and it cannot be merged: yours would be replaced"
    CHANGED = "your change is not what came out of the update"


@dataclass(frozen=True)
class LostEdit:
    """One edit of the author's that an update has lost.

    Attributes:
        path: The file, relative to the repository.
        loss: What became of it.
    """

    path: str
    loss: Loss

    @property
    def why(self) -> str:
        """What became of it, in words."""
        return self.loss.value


def lost_edits(
    old: Listing,
    new: Listing,
    project: Listing,
    result: Listing,
    merge: Callable[[str], bytes | None],
    *,
    conflicts: Callable[[str], bool] = lambda _: False,
) -> tuple[LostEdit, ...]:
    """Return what of the author's edits is neither in the result nor in a visible conflict.

    Args:
        old: The template's render that the project began with: path -> (mode, blob).
        new: Its render at the new version.
        project: The project before the update.
        result: The project after it.
        merge: Told a path that all four have as text; returns the clean three-way merge of old,
            project and new, or None when there is none. Asked only where it is needed.
        conflicts: Whether a file of the result shows a conflict to its reader.
    """
    lost = []
    for path in sorted(old.keys() | project.keys()):
        if path == ANSWERS or project.get(path) == old.get(path):
            continue
        versions = _Versions(old.get(path), new.get(path), project.get(path), result.get(path))
        loss = _loss(versions, lambda path=path: merge(path))  # type: ignore[misc]
        if loss is not None and not (path in result and conflicts(path)):
            lost.append(LostEdit(path, loss))
    return tuple(lost)


class _Versions(NamedTuple):
    """One path in all four listings: (mode, blob), or None where it is not there."""

    before: tuple[str, str] | None
    theirs: tuple[str, str] | None
    mine: tuple[str, str] | None
    after: tuple[str, str] | None


def _loss(versions: _Versions, merge: Callable[[], bytes | None]) -> Loss | None:
    before, _, mine, after = versions
    if after == mine:
        return None
    if mine is None:
        return Loss.BACK
    if after is None:
        return Loss.GONE
    if mine[0] not in _REGULAR or after[0] not in _REGULAR:
        return Loss.REPLACED
    if (loss := _content_loss(versions, merge)) is not None:
        return loss
    is_mine = before is None or before[0] != mine[0]
    return Loss.MODE if is_mine and after[0] != mine[0] else None


def _content_loss(versions: _Versions, merge: Callable[[], bytes | None]) -> Loss | None:
    """What is lost of a file's content; it is a regular file before and after the update."""
    before, theirs, mine, after = versions
    if mine is None or after is None or after[1] == mine[1]:
        return None
    if before is not None and mine[1] == before[1]:
        return None  # the author changed nothing, or the executable bit alone
    replaced = Loss.REPLACED if theirs is not None and after[1] == theirs[1] else Loss.CHANGED
    if before is None or theirs is None or not {before[0], theirs[0]} <= set(_REGULAR):
        return replaced
    if theirs[1] == before[1]:
        return Loss.CHANGED  # the template had nothing to say
    merged_text = merge()
    kept = merged_text is not None and blob_hash(merged_text, len(after[1])) == after[1]
    return None if kept else replaced


def find(worktree: Path, base: str, tree: str, renders: Renders) -> tuple[LostEdit, ...]:
    """Return what of the author's edits an update of a worktree has lost.

    Args:
        worktree: Where it was made.
        base: The commit that it started from.
        tree: The tree of its result, which is what its index has.
        renders: What `update_project` returned.
    """
    project = renders.project or git.listing(worktree, base)
    index = read_index(git_folder(worktree) / "index")
    result = index.files if index and index.tree == tree else git.listing(worktree, tree)

    def merge(path: str) -> bytes | None:
        if path not in renders.texts:
            return None
        mine = git.file_at(worktree, base, path)
        return None if mine is None else merged(mine, *renders.texts[path])

    def conflicts(path: str) -> bool:
        return has_markers(worktree / path)

    return lost_edits(renders.old, renders.new, project, result, merge, conflicts=conflicts)


def merged(mine: bytes, before: bytes, after: bytes) -> bytes | None:
    """Return the three-way merge of a text; None when the changes meet, or it is no text."""
    if any(b"\0" in content for content in (mine, before, after)):
        return None
    with tempfile.TemporaryDirectory(prefix="merge-") as folder:
        names = []
        for name, content in (("mine", mine), ("before", before), ("after", after)):
            path = Path(folder, name)
            path.write_bytes(content)
            names.append(path)
        done = run_bytes(["git", "merge-file", "--stdout", "--quiet", *names], check=False)
    return done.stdout if done.returncode == 0 else None


def has_markers(path: Path) -> bool:
    """Tell whether a file shows a conflict, as Copier marks them."""
    if path.is_symlink() or not path.is_file():
        return False
    lines = {line.rstrip() for line in path.read_bytes().split(b"\n")}
    return any(marker in lines for marker in _MARKERS)


def restore(worktree: Path, base: str, lost: Iterable[LostEdit]) -> None:
    """Put the author's version of every lost edit back, in the worktree and in its index.

    Only the executable bit is put back where nothing else was lost.

    Args:
        worktree: Where the update was made.
        base: The commit that it started from.
        lost: What `find` returned.
    """
    back: list[str] = []
    for edit in lost:
        path = worktree / edit.path
        if edit.loss is Loss.MODE:
            path.chmod(path.stat().st_mode ^ 0o111)
        elif edit.loss is Loss.BACK:
            path.unlink(missing_ok=True)
            _remove_empty(path.parent, worktree)
        else:
            back.append(edit.path)
    if back:
        git.git(
            worktree, *git.NO_HOOKS, "checkout", "--quiet", base, "--pathspec-from-file=-",
            "--pathspec-file-nul", env={"GIT_LITERAL_PATHSPECS": "1"}, stdin="\0".join(back),
        )  # fmt: skip


def _remove_empty(folder: Path, root: Path) -> None:
    while folder != root and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
