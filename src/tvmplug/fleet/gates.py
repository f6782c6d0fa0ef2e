"""What must hold before an update is committed. Each gate raises `RefusedError`, or says nothing.

`job` calls them in the worktree of one repository, after Copier's own update.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvmplug import names
from tvmplug.errors import FleetError
from tvmplug.fleet import git
from tvmplug.fleet.records import Change, Reason, Verify
from tvmplug.manifest import Manifest
from tvmplug.process import run

# What `git merge-file` writes in Copier's name.
MARKERS = (b"<<<<<<< before updating", b">>>>>>> after updating")
_VERIFY_TIMEOUT_S = 3 * 3600.0
_FORMAT_TIMEOUT_S = 120.0


class RefusedError(FleetError):
    """A gate that an update does not pass.

    Args:
        reason: Which gate.
        message: What is wrong, in one line.
        mend: The command or edit that puts it right.
        details: What the message is about, a line each.
    """

    def __init__(
        self, reason: Reason, message: str, *, mend: str | None, details: Sequence[str] = ()
    ) -> None:
        super().__init__(message, mend=mend)
        self.reason = reason
        self.details = tuple(details)


@dataclass(frozen=True)
class Formatter:
    """A program that says which files it would write differently.

    Attributes:
        suffix: The files it is for.
        command: The program and its options; file names follow.
        marks: What stands before a file's name in its output.
    """

    suffix: str
    command: tuple[str, ...]
    marks: str


FORMATTERS = (
    Formatter(".rs", ("rustfmt", "--edition", "2024", "--check", "-l"), ""),
    Formatter(".dart", ("dart", "format", "--output=none", "--set-exit-if-changed"), "Changed "),
)


def no_conflict(worktree: Path) -> None:
    """Refuse unmerged entries of the index, rejected hunks and conflict markers.

    Args:
        worktree: Where Copier has just updated, before anything is added to the index.
    """
    found = {name for kind, name in _status(worktree) if _is_conflict(kind, worktree / name)}
    if found:
        names_ = sorted(found)
        raise RefusedError(
            Reason.CONFLICT,
            f"the template's change and yours meet in {_listed(names_)}",
            mend="Update it by hand (`copier update`), solve the conflict and commit",
            details=names_,
        )


def _is_conflict(kind: str, path: Path) -> bool:
    if kind == "u" or (kind in "?!" and path.name.endswith(".rej")):
        return True
    return path.is_file() and not path.is_symlink() and _has_marker(path.read_bytes())


def _has_marker(content: bytes) -> bool:
    # Looked for first in the whole: most files hold none, and lines are dear.
    if not any(marker in content for marker in MARKERS):
        return False
    return any(line.rstrip() in MARKERS for line in content.splitlines())


def own_prefix(manifest: Manifest, name: str, held: Mapping[str, str]) -> None:
    """Refuse a prefix that another plugin of the fleet holds, or that nests with one.

    Args:
        manifest: The updated plugin's.
        name: The repository's name in the fleet.
        held: Prefix by repository name, of the whole fleet.
    """
    if manifest.model is None:
        return
    prefix = manifest.model.prefix
    for plugin, taken in sorted(held.items()):
        if plugin != name and names.conflicts(prefix, taken):
            raise RefusedError(
                Reason.PREFIX,
                f"prefix {prefix} collides with {taken} of {plugin}",
                mend="Give one of the two another prefix (`copier update --data prefix=...`)",
            )


def one_pin(manifest: Manifest, template: str | None, runtime: str | None) -> None:
    """Refuse a plugin whose TVM is not the one of its template and of the runtime plugin.

    Args:
        manifest: The updated plugin's.
        template: The TVM that the template's new version pins, if it pins one.
        runtime: The TVM that the runtime plugin is at, if the fleet has one.
    """
    if template is not None and manifest.tvm != template:
        raise RefusedError(
            Reason.PINS,
            f"tvm_plugin.yaml says TVM {manifest.tvm}, its template pins {template}",
            mend="tvm_plugin.yaml is the template's: take your edit of its pins out",
        )
    if runtime is not None and manifest.model is not None and manifest.tvm != runtime:
        raise RefusedError(
            Reason.PINS,
            f"it would be made for TVM {manifest.tvm}, the runtime plugin is at {runtime}",
            mend="Update the runtime plugin first, or choose a template version with --tvm",
        )


def formatted(worktree: Path, base: str, tree: str, changes: Iterable[Change]) -> tuple[str, ...]:
    """Refuse an update that leaves a file unformatted that was not so before.

    Args:
        worktree: The updated worktree.
        base: The commit that the update started from.
        tree: The tree of what stands in the worktree now.
        changes: What the update changes; only these files are looked at.

    Returns:
        A notice for each formatter that is not installed though there is something for it to see.
    """
    notices = []
    kept = [change for change in changes if change.status in "AM"]
    for formatter in FORMATTERS:
        paths = [change.path for change in kept if change.path.endswith(formatter.suffix)]
        if not paths:
            continue
        if shutil.which(formatter.command[0]) is None:
            program = formatter.command[0]
            notices.append(f"{formatter.suffix} files were not checked: {program} is not installed")
            continue
        bad = _unformatted(worktree, formatter, paths)
        before = [change.path for change in kept if change.path in bad and change.status == "M"]
        if before:
            # An author's own style is no reason to refuse: only what the update spoils counts.
            git.git(worktree, "checkout", "--quiet", base, "--", *before)
            bad -= _unformatted(worktree, formatter, before)
            git.git(worktree, "checkout", "--quiet", tree, "--", *before)
        if bad:
            raise RefusedError(
                Reason.FORMATTING,
                f"{formatter.command[0]} would write {_listed(sorted(bad))} differently",
                mend="Update it by hand (`copier update`), format it and commit",
                details=sorted(bad),
            )
    return tuple(notices)


def _unformatted(worktree: Path, formatter: Formatter, paths: Sequence[str]) -> set[str]:
    done = run(
        [*formatter.command, *paths],
        cwd=worktree,
        echo=False,
        check=False,
        timeout_s=_FORMAT_TIMEOUT_S,
    )
    if done.returncode == 0:
        return set()
    told = [line.removeprefix(formatter.marks).strip() for line in done.stdout.splitlines()]
    # rustfmt tells whole paths, and those of modules that a file names as well.
    root = worktree.resolve()
    wanted = {str(root / path): path for path in paths}
    found = {wanted[str(root / line)] for line in told if str(root / line) in wanted}
    # A file that cannot be parsed is not listed; then it is the whole call that failed.
    return found if found or not done.stderr.strip() else set(paths)


def verified(worktree: Path, verify: Verify) -> None:
    """Check, build and test the updated plugin as far as `verify` says, with this toolkit."""
    steps = {
        Verify.CHECK: ("check", Reason.CHECK),
        Verify.BUILD: ("build", Reason.BUILD),
        Verify.TEST: ("test", Reason.TEST),
    }
    for step, (command, reason) in steps.items():
        if list(Verify).index(verify) >= list(Verify).index(step):
            _run_step(worktree, command, reason)


def _run_step(worktree: Path, command: str, reason: Reason) -> None:
    done = run(
        [sys.executable, "-m", "tvmplug", command, "--project", worktree, "--json"],
        echo=False,
        check=False,
        timeout_s=_VERIFY_TIMEOUT_S,
    )
    print(f"$ tvmplug {command}\n{done.stdout}{done.stderr}", file=sys.stderr)
    if done.returncode == 0:
        return
    message, mend, details = _why(done.stdout)
    raise RefusedError(
        reason,
        message or f"`tvmplug {command}` failed with exit status {done.returncode}",
        mend=mend or "Its log has the whole output",
        details=details or done.stderr.rstrip().splitlines()[-20:],
    )


def _why(told: str) -> tuple[str, str | None, list[str]]:
    """What a command of ours says with `--json`: an error, or findings."""
    try:
        answer: Any = json.loads(told)
    except ValueError:
        return "", None, []
    if "error" in answer:
        return answer["error"]["message"], answer["error"]["mend"], []
    failed = [f for f in answer.get("findings", ()) if f["status"] == "failed"]
    if not failed:
        return "", None, []
    lines = [f"{finding['name']}: {finding['detail']}" for finding in failed]
    return lines[0], failed[0]["mend"], lines


def _status(worktree: Path) -> list[tuple[str, str]]:
    """What differs from the last commit: git's kind (1 changed, u unmerged, ?, ! ignored), path."""
    options = ("--porcelain=v2", "-z", "--no-renames", "--untracked-files=all", "--ignored")
    told = git.git(worktree, "status", *options).split("\0")[:-1]
    # Fields before the path: 8 for a changed entry, 10 for an unmerged one, 1 for all others.
    before = {"1": 8, "u": 10}
    return [(row[0], row.split(" ", before.get(row[0], 1))[-1]) for row in told]


def _listed(paths: Sequence[str]) -> str:
    shown = ", ".join(paths[:3])
    return shown if len(paths) <= 3 else f"{shown} and {len(paths) - 3} more"
