"""What the parts of the fleet hand to each other: plain, frozen, and good for pickle and JSON."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class Result(enum.Enum):
    """How one attempt at one repository ended."""

    UPDATED = "updated"
    UNCHANGED = "unchanged"  # it is at that version already, or the update changes nothing
    FAILED = "failed"  # a gate or a program said no; the repository is as it was
    SKIPPED = "skipped"  # it was not begun: dirty, or the runtime plugin failed before it
    INTERRUPTED = "interrupted"  # the run was killed; `resume` makes a new attempt


class Reason(enum.Enum):
    """Why a repository was not updated: what the report groups by."""

    CONFLICT = "conflict"
    LOST_EDIT = "lost edit"
    PREFIX = "prefix"
    PINS = "pins"
    FORMATTING = "formatting"
    CHECK = "check"
    BUILD = "build"
    TEST = "test"
    DIRTY = "dirty"
    BRANCH = "branch"
    TEMPLATE = "template"
    REPOSITORY = "repository"
    RUNTIME = "runtime plugin"
    TOOL = "tool"
    CRASH = "crash"


class Verify(enum.Enum):
    """How far an update is tried before it is committed; each holds those before it."""

    RENDER = "render"
    CHECK = "check"
    BUILD = "build"
    TEST = "test"


@dataclass(frozen=True, kw_only=True)
class Repository:
    """One entry of fleet.yaml with the defaults filled in.

    Attributes:
        name: Its name in the fleet: the last part of its path or address, or `name:`.
        source: A folder, or a git address, as it stands in the file.
        path: Where its git repository is on this machine: the folder, or its clone.
        is_remote: True when `source` is an address and `path` a clone of ours.
        groups: Names that `--group` picks by.
        is_runtime: True for the one runtime plugin.
        base: The branch that updates start from; None for what is checked out.
        branch: The branch that updates are put on.
        data: Answers that every update gives, by question.
        keep_edits: Put back what Copier would lose in silence, instead of failing.
        verify: How far its updates are tried.
    """

    name: str
    source: str
    path: Path
    is_remote: bool
    groups: tuple[str, ...]
    is_runtime: bool
    base: str | None
    branch: str
    data: Mapping[str, Any]
    keep_edits: bool
    verify: Verify


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """One version of a template, checked out once for all that need it.

    Attributes:
        source: The template's address as projects record it (`_src_path`).
        commit: Its full hash.
        described: What Copier records as `_commit`: `git describe --tags --always`.
        version: The PEP 440 version that Copier compares, as text; None when there is none.
        path: The folder, read-only for all.
        tvm: The TVM that this version pins; None for a template that is not tvmplug's.
    """

    source: str
    commit: str
    described: str
    version: str | None
    path: Path
    tvm: str | None


@dataclass(frozen=True, kw_only=True)
class Job:
    """All that a process needs to update one repository.

    Attributes:
        attempt: The ledger's number for this attempt.
        run: The ledger's number of the run.
        name: The repository's name in the fleet.
        repository: Its git repository on this machine.
        folder_name: What the plugin's folder is called; templates can see it.
        base: Full hash of the commit that the update starts from.
        branch: The branch to put the update on.
        branch_tip: Full hash of that branch now; None when it is not there.
        supersedes: That branch has commits that `base` lacks, all of earlier updates or without a
            change of their own: the update replaces them, and takes them in as a second parent, so
            that a push needs no force.
        old: The template version that the project is at.
        new: The version to bring it to.
        vcs_ref: What `copier update --vcs-ref` would say; None for the newest tag.
        data: Answers given to the update.
        prefixes: Prefix by repository name, of every model plugin of the fleet; one mapping for all
            jobs, since a copy for each would grow with the square of the fleet.
        tvm: The TVM that the runtime plugin is at; None when the fleet names none.
        runtime: The folder of the updated runtime plugin, for builds; None when unknown.
        scratch: An empty place of its own for the worktree and temporary files.
        log: The file that takes everything said about this attempt.
        publish: False makes the change known, and leaves the branch alone (`diff`, `--dry-run`).
        want_patch: Return the change as a patch (`diff`).
        keep_edits: Put back what Copier would lose in silence, instead of failing.
        trust: Run the template's own hooks.
        verify: How far the update is tried.
    """

    attempt: int
    run: int
    name: str
    repository: Path
    folder_name: str
    base: str
    branch: str
    branch_tip: str | None
    supersedes: bool
    old: Checkout
    new: Checkout
    vcs_ref: str | None
    data: Mapping[str, Any]
    prefixes: Mapping[str, str]
    tvm: str | None
    runtime: Path | None
    scratch: Path
    log: Path
    publish: bool
    want_patch: bool
    keep_edits: bool
    trust: bool
    verify: Verify


@dataclass(frozen=True, kw_only=True)
class Change:
    """One file that an update changes.

    Attributes:
        status: git's letter: A, M, D or T.
        path: Relative to the repository.
        added: Lines added; None for a binary file.
        removed: Lines removed; None for a binary file.
    """

    status: str
    path: str
    added: int | None
    removed: int | None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one attempt.

    Attributes:
        attempt: The ledger's number.
        name: The repository's name in the fleet.
        result: How it ended.
        reason: Why not, for those that were not updated.
        message: One sentence; empty when it went well.
        mend: The command or edit that puts it right.
        details: What the message is about: paths, findings, the last lines of a program.
        notices: What a person should know though it went well: kept edits, gates not run.
        commit: Full hash of the update on its branch.
        branch: The branch it is on.
        from_version: The template version it was at.
        to_version: The one it was brought to.
        changes: The files.
        patch: The change as a patch, when the job wanted one.
        seconds: Wall time by phase: worktree, render, gates, verify, commit.
        cpu_seconds: Processor time of the process and its children.
    """

    attempt: int
    name: str
    result: Result
    reason: Reason | None = None
    message: str = ""
    mend: str | None = None
    details: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    commit: str | None = None
    branch: str | None = None
    from_version: str | None = None
    to_version: str | None = None
    changes: tuple[Change, ...] = ()
    patch: str | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    cpu_seconds: float = 0.0
