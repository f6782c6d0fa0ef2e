"""Updates one repository, from its worktree to its branch; runs in a process of its own.

Nothing of the repository changes before the last step, which moves the branch in one go.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tvmplug import sync
from tvmplug.errors import FileError, FleetError, ProjectError, ToolError, TvmplugError
from tvmplug.files import file_errors
from tvmplug.fleet import edits, gates, git
from tvmplug.fleet.copier_update import update_project, warm
from tvmplug.fleet.gates import RefusedError
from tvmplug.fleet.records import Change, Job, Outcome, Reason, Result, Verify
from tvmplug.manifest import MANIFEST_NAME, Manifest, read_manifest
from tvmplug.project import Project

# `warm` is called once in the process that those of jobs are forked from, with all this imported.
__all__ = ["clear", "update_repository", "warm", "worktree_of"]

Tell = Callable[[str], None]

# In git's words; the second is all that it says of a worktree's file.
_DISK_FULL = (os.strerror(errno.ENOSPC), "unable to write file")

# Why an error that no gate raised kept a repository from its update.
_REASONS: tuple[tuple[type[TvmplugError], Reason], ...] = (
    (FileError, Reason.TOOL),
    (git.GitError, Reason.REPOSITORY),
    (ToolError, Reason.TOOL),
    (ProjectError, Reason.REPOSITORY),
    (FleetError, Reason.TEMPLATE),
)


@dataclass
class _Clock:
    """Seconds by phase, and who is told when a phase begins."""

    tell: Tell
    seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        self.tell(name)
        print(f"--- {name}", file=sys.stderr)
        started = time.monotonic()
        try:
            yield
        finally:
            spent = time.monotonic() - started
            self.seconds[name] = self.seconds.get(name, 0.0) + spent


def worktree_of(scratch: Path, folder_name: str) -> Path:
    """Return where a job's worktree is: a folder of the plugin's own name, with room beside it."""
    return scratch / "tree" / folder_name


def update_repository(job: Job, tell: Tell) -> Outcome:
    """Update one repository, or say why not.

    Args:
        job: What to do.
        tell: Told the name of each phase as it begins.

    Returns:
        What became of it. Never raises: an error of ours is an outcome too, with its traceback in
        the log.
    """
    clock = _Clock(tell)
    outcome = Outcome(
        attempt=job.attempt,
        name=job.name,
        result=Result.FAILED,
        from_version=job.old.described,
        to_version=job.new.described,
    )
    worktree = worktree_of(job.scratch, job.folder_name)
    try:
        outcome = _update(job, worktree, clock, outcome)
    except RefusedError as refused:
        print(f"refused: {refused}", *refused.details, sep="\n  ", file=sys.stderr)
        outcome = _failed(outcome, refused.reason, refused, refused.details)
    except TvmplugError as error:
        traceback.print_exc()
        outcome = _failed(outcome, *_explained(job, error), _last_lines(error))
    except OSError as error:
        traceback.print_exc()
        outcome = _failed(outcome, *_explained(job, _named(error, job.scratch)), ())
    except Exception as error:  # one repository must not stop the others
        traceback.print_exc()
        text = f"{type(error).__name__}: {' '.join(str(error).split())}"
        outcome = _failed(outcome, Reason.CRASH, TvmplugError(text, mend="See its log"), ())
    finally:
        clear(job.repository, job.scratch, worktree)
    times = os.times()
    return replace(
        outcome,
        seconds=clock.seconds,
        cpu_seconds=times.user + times.system + times.children_user + times.children_system,
    )


def clear(repository: Path, scratch: Path, worktree: Path) -> None:
    """Take away what an attempt needed: its worktree and its scratch, whole or half-made."""
    try:
        git.remove_worktree(repository, worktree)
    except TvmplugError as error:  # the repository itself may be gone
        print(f"{worktree} stays registered: {error}", file=sys.stderr)
    shutil.rmtree(scratch, ignore_errors=True)


def _update(job: Job, worktree: Path, clock: _Clock, outcome: Outcome) -> Outcome:
    with clock.phase("worktree"), file_errors(job.scratch):
        shutil.rmtree(job.scratch, ignore_errors=True)
        temporary = job.scratch / "tmp"
        temporary.mkdir(parents=True)
        git.add_worktree(job.repository, worktree, job.base)
    with clock.phase("render"), _own_surroundings(temporary):
        renders = update_project(
            worktree,
            job.old,
            job.new,
            vcs_ref=job.vcs_ref,
            data=job.data,
            trust=job.trust,
        )
    with clock.phase("gates"):
        gates.no_conflict(worktree)
        tree = _tree_of(worktree)
        lost = edits.find(worktree, job.base, tree, renders)
        if lost and not job.keep_edits:
            raise RefusedError(
                Reason.LOST_EDIT,
                f"Copier would lose your edit of {lost[0].path}: {lost[0].why}"
                + (f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""),
                mend="Keep it with --keep-edits (or keep_edits: true in fleet.yaml), or take the "
                "edit out",
                details=[f"{edit.path}: {edit.why}" for edit in lost],
            )
        notices = [f"kept your edit of {edit.path}: {edit.why}" for edit in lost]
        edits.restore(worktree, job.base, lost)
        changes = git.changes(worktree, job.base, tree)
        manifest = read_manifest(worktree)
        if _in_step(manifest, changes) or lost:
            tree = _tree_of(worktree)
            changes = git.changes(worktree, job.base, tree)
        gates.own_prefix(manifest, job.name, job.prefixes)
        gates.one_pin(manifest, job.new.tvm, job.tvm)
        notices += gates.formatted(worktree, job.base, tree, changes)
    outcome = replace(outcome, changes=changes, notices=tuple(notices))
    if not changes:
        return replace(outcome, result=Result.UNCHANGED)
    if job.verify is not Verify.RENDER:
        with clock.phase(f"verify: {job.verify.value}"):
            _beside(job, worktree, manifest)
            gates.verified(worktree, job.verify)
    with clock.phase("commit"):
        if job.want_patch:
            outcome = replace(outcome, patch=git.patch(worktree, job.base, tree))
        if not job.publish:
            return replace(outcome, result=Result.UPDATED)
        parents = ["-p", job.base]
        if job.supersedes and job.branch_tip is not None:
            parents += ["-p", job.branch_tip]
        message = _message(job, notices)
        commit = git.git(worktree, "commit-tree", tree, *parents, "-F", "-", stdin=message).strip()
        _publish(job, commit)
    return replace(outcome, result=Result.UPDATED, commit=commit, branch=job.branch)


def _publish(job: Job, commit: str) -> None:
    """The one step that the repository sees: from nothing to everything."""
    try:
        git.update_ref(job.repository, f"refs/heads/{job.branch}", commit, job.branch_tip)
    except FleetError as error:
        raise RefusedError(Reason.BRANCH, error.message, mend=error.mend) from error


def _tree_of(worktree: Path) -> str:
    git.git(worktree, "add", "--all")
    return git.git(worktree, "write-tree").strip()


def _in_step(manifest: Manifest, changes: Sequence[Change]) -> bool:
    """Set the one line of the author's package files that follows the template's version."""
    # Only then can it have moved; parsing three files for each of many projects is dear.
    if any(change.path == MANIFEST_NAME for change in changes):
        return bool(sync.sync_project(Project(manifest)))
    return False


def _beside(job: Job, worktree: Path, manifest: Manifest) -> None:
    """Put the updated runtime plugin where the plugin looks for it, seen from its worktree."""
    if manifest.model is None or job.runtime is None:
        return
    wanted = manifest.runtime_root
    if wanted is None:
        return
    wanted = Path(os.path.normpath(wanted))
    # Never outside of this job's own scratch: that would be somebody else's folder.
    if wanted.is_relative_to(job.scratch) and not wanted.exists():
        wanted.parent.mkdir(parents=True, exist_ok=True)
        wanted.symlink_to(job.runtime)


def _message(job: Job, notices: list[str]) -> str:
    lines = [
        f"Update the template to {job.new.described}",
        "",
        f"From {job.old.described} of {job.new.source}, by `tvmplug fleet update`.",
    ]
    if job.new.tvm is not None and job.new.tvm != job.old.tvm:
        lines.append(f"TVM moves from {job.old.tvm or 'an unknown version'} to {job.new.tvm}.")
    if notices:
        lines += ["", *notices]
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def _own_surroundings(folder: Path) -> Iterator[None]:
    """Copier's renders, cache and settings are this job's own.

    A kill leaves nothing elsewhere, and what comes out does not depend on who runs it where: the
    answers are fleet.yaml's and the project's, not the defaults of somebody's settings.
    """
    settings = folder / "settings.yml"
    settings.write_text("{}\n", encoding="utf-8")
    own = {"COPIER_SETTINGS_PATH": str(settings), "COPIER_CACHE_DIR": str(folder / "cache")}
    before = tempfile.tempdir, {name: os.environ.get(name) for name in own}
    tempfile.tempdir = str(folder)
    os.environ.update(own)
    try:
        yield
    finally:
        tempfile.tempdir, variables = before
        for name, value in variables.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _failed(
    outcome: Outcome, reason: Reason, error: TvmplugError, details: tuple[str, ...]
) -> Outcome:
    return replace(
        outcome,
        result=Result.FAILED,
        reason=reason,
        message=error.message,
        mend=error.mend,
        details=details,
    )


def _explained(job: Job, error: TvmplugError) -> tuple[Reason, TvmplugError]:
    """The reason that fits an error which no gate raised, with a mend where it has none."""
    if not (job.repository / ".git").exists():
        mend = f"Put {job.repository} back, or take {job.name} out of the fleet file"
        return Reason.REPOSITORY, FleetError("its repository went away meanwhile", mend=mend)
    if isinstance(error, git.GitError):
        if any(words in error.message + error.output for words in _DISK_FULL):
            places = (job.scratch.parent, job.repository)
            fuller = min(places, key=lambda place: shutil.disk_usage(place).free)
            error.mend = f"Free some space on the disk of {fuller}, then update again"
            return Reason.TOOL, error
        error.mend = error.mend or f"See what `git -C {job.repository} fsck` says"
    reasons = (reason for family, reason in _REASONS if isinstance(error, family))
    return next(reasons, Reason.CHECK), error


def _last_lines(error: TvmplugError) -> tuple[str, ...]:
    return tuple(getattr(error, "output", "").splitlines()[-20:])


def _named(error: OSError, scratch: Path) -> FileError:
    try:
        with file_errors(scratch):
            raise error
    except FileError as named:
        return named
