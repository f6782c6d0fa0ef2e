"""The questions that the fleet asks git, and the few things it has git do.

Reading never takes a lock and never rewrites a project's index. Nothing here runs a project's
own git hooks, and nothing depends on the folder or the git hook that the fleet is started from.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from tvmplug import files
from tvmplug.errors import FleetError, ProcessError
from tvmplug.fleet.git_files import forget_worktree
from tvmplug.fleet.records import Change
from tvmplug.process import Completed, run, run_bytes

# What `git rev-parse --local-env-vars` lists, but configuration: set inside a git hook, they
# would send every command to that hook's repository.
_LOCAL_VARIABLES = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")
_PLAIN_DIFF = ("-r", "--no-renames", "--no-ext-diff", "--no-textconv")
_NOT_THERE = 1  # what `git rev-parse --verify --quiet` and `merge-base --is-ancestor` say for no


class GitError(ProcessError):
    """git failed in a repository."""


def git(
    folder: Path,
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    check: bool = True,
    timeout_s: float = 600,
) -> str:
    """Run git in a folder and return what it printed.

    Args:
        folder: A repository or worktree.
        arguments: The command and its arguments.
        env: Variables added to the environment.
        stdin: What git reads.
        check: Raise when git fails.
        timeout_s: Seconds after which git is killed.

    Raises:
        ProcessError: git failed (with `check`): its own first complaint, and its last lines.
        ToolError: git is not installed.
    """
    done = completed(folder, *arguments, env=env, stdin=stdin, timeout_s=timeout_s)
    if check and done.returncode != 0:
        raise failed(folder, arguments, done.returncode, done.stdout + done.stderr)
    return done.stdout


def completed(
    folder: Path,
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    timeout_s: float = 600,
) -> Completed:
    """Run git like `git`, and return its exit status and output whatever they are."""
    return run(
        _command(folder, arguments),
        env=env,
        without=_LOCAL_VARIABLES,
        stdin=stdin,
        timeout_s=timeout_s,
        echo=False,
        check=False,
    )


def failed(folder: Path, arguments: Iterable[str | Path], returncode: int, output: str) -> GitError:
    """Return the error for a git command that failed."""
    verb = next((str(each) for each in arguments if not str(each).startswith(("-", "core."))), "")
    return GitError(
        f"git {verb} failed in {folder}: {complaint(output) or f'exit status {returncode}'}",
        output="\n".join(output.rstrip().splitlines()[-20:]),
        returncode=returncode,
    )


def complaint(output: str) -> str:
    """Return the first line in which git says what is wrong, else the last line of its output."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    told = (line for line in lines if line.startswith(("fatal: ", "error: ")))
    first = next(told, lines[-1] if lines else "")
    return first.removeprefix("fatal: ").removeprefix("error: ")


def resolve(folder: Path, rev: str) -> str | None:
    """Return the full hash of the commit that a branch, tag or hash names; None if there is none.

    Raises:
        ProcessError: The folder is no repository, or a broken one.
    """
    arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev}^{{commit}}")
    done = completed(folder, *arguments)
    if done.returncode == 0:
        return done.stdout.strip()
    # A name that exists but is no commit (a tag of a tree) is told on stderr with status 128.
    if done.returncode == _NOT_THERE or "expected commit type" in done.stderr:
        return None
    raise failed(folder, arguments, done.returncode, done.stdout + done.stderr)


def file_at(folder: Path, commit: str, path: str) -> bytes | None:
    """Return a file's content in a commit; None when the commit has no such file."""
    return files_at(folder, commit, [path])[path]


def files_at(folder: Path, commit: str, paths: Iterable[str]) -> dict[str, bytes | None]:
    """Return several files' contents in a commit, asked for in one process.

    Raises:
        ProcessError: The folder is no repository, or a broken one.
        FleetError: A path has a line break.
    """
    wanted = list(paths)
    if any("\n" in path for path in wanted):
        raise FleetError("a file whose name has a line break cannot be read from git")
    asked = "".join(f"{commit}:{path}\n" for path in wanted)
    answer = _bytes(folder, "cat-file", "--batch", stdin=os.fsencode(asked))
    contents: dict[str, bytes | None] = {}
    at = 0
    for path in wanted:
        end = answer.index(b"\n", at)
        header = answer[at:end].split(b" ")
        at = end + 1
        # "HASH TYPE SIZE", or "OBJECT missing"; the object may have spaces, so look at the end.
        if header[-1] in (b"missing", b"ambiguous"):
            contents[path] = None
            continue
        size = int(header[-1])
        contents[path] = answer[at : at + size] if header[-2] == b"blob" else None
        at += size + 1
    return contents


def listing(folder: Path, tree: str) -> dict[str, tuple[str, str]]:
    """Return mode and hash of every file of a commit or tree, by path; submodules are in it."""
    found: dict[str, tuple[str, str]] = {}
    for entry in _split(_bytes(folder, "ls-tree", "-r", "-z", "--full-tree", tree)):
        about, _, path = entry.partition(b"\t")
        mode, _kind, sha = about.decode().split(" ")
        found[os.fsdecode(path)] = (mode, sha)
    return found


def is_ancestor(folder: Path, ancestor: str, descendant: str) -> bool:
    """Tell whether everything in `ancestor` is in `descendant` too (a commit is in itself)."""
    arguments = ("merge-base", "--is-ancestor", ancestor, descendant)
    done = completed(folder, *arguments)
    if done.returncode not in (0, _NOT_THERE):
        raise failed(folder, arguments, done.returncode, done.stdout + done.stderr)
    return done.returncode == 0


def commits_between(folder: Path, base: str, tip: str) -> list[str]:
    """Return the hashes of the commits that `tip` has and `base` has not."""
    return git(folder, "rev-list", f"{base}..{tip}").split()


def merges_to_nothing(folder: Path, base: str, other: str) -> bool:
    """Tell whether merging a commit into `base` would change nothing and conflict nowhere."""
    done = completed(folder, "merge-tree", "--write-tree", base, other)
    return done.returncode == 0 and done.stdout.strip() == git(
        folder, "rev-parse", f"{base}^{{tree}}"
    ).strip()  # fmt: skip


def update_ref(folder: Path, ref: str, new: str, old: str | None, *, why: str = "tvmplug") -> None:
    """Move a reference, if it still is where it was.

    Args:
        folder: The repository.
        ref: Its full name, such as `refs/heads/tvmplug/update`.
        new: The commit that it shall name.
        old: The commit that it must name now; None when it must not exist.
        why: What the reference's log says.

    Raises:
        FleetError: It is somewhere else by now, or its name is in the way of another's.
    """
    done = completed(folder, "update-ref", "--create-reflog", "-m", why, ref, new, old or "")
    if done.returncode != 0:
        raise FleetError(
            f"{ref} in {folder} was not moved: {complaint(done.stderr)}",
            mend=_mend_of_ref(folder, ref, done.stderr),
        )


def _mend_of_ref(folder: Path, ref: str, told: str) -> str:
    if ".lock': File exists" in told:
        path = next(part for part in told.split("'") if part.endswith(".lock"))
        return f"If no git works there any more, delete {path}, then run the command again"
    return f"Look at it with `git -C {folder} log {ref}`, then run the command again"


def add_worktree(repository: Path, path: Path, commit: str) -> None:
    """Check a commit out into a new worktree that is on no branch."""
    git(
        repository, *NO_HOOKS, "worktree", "add", "--quiet", "--detach", path.absolute(), commit,
    )  # fmt: skip


def remove_worktree(repository: Path, path: Path) -> None:
    """Remove a worktree and all that the repository knows of it.

    It may be half made, or gone already; and the repository itself may be gone. Other worktrees
    are left alone, also those that are not here just now (`git worktree prune` would drop them).

    Raises:
        FileError: Its files cannot be removed.
    """
    path = path.absolute()
    with files.file_errors(path):
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.exists():
            shutil.rmtree(path)
        forget_worktree(repository, path)


def changes(folder: Path, before: str, after: str) -> tuple[Change, ...]:
    """Return what changes from one commit or tree to another, by path; a rename is two changes."""
    arguments = ("diff-tree", *_PLAIN_DIFF, "-z", "--raw", "--numstat", before, after)
    fields = iter(_split(_bytes(folder, *arguments)))
    status: dict[str, str] = {}
    counts: dict[str, tuple[int | None, int | None]] = {}
    for each in fields:
        if each.startswith(b":"):  # ":OLDMODE NEWMODE OLDHASH NEWHASH STATUS", then the path
            status[os.fsdecode(next(fields))] = each.decode().rsplit(" ", 1)[1][0]
        else:  # "ADDED<tab>REMOVED<tab>PATH", with dashes for a binary file
            added, removed, path = each.split(b"\t", 2)
            counts[os.fsdecode(path)] = (_count(added), _count(removed))
    return tuple(
        Change(status=letter, path=path, added=added, removed=removed)
        for path, letter in status.items()
        for added, removed in [counts.get(path, (None, None))]
    )


def patch(folder: Path, before: str, after: str) -> str:
    """Return the change from one commit or tree to another as a patch that `git apply` takes.

    Text in other encodings than UTF-8 is shown with replacement characters.
    """
    options = ("--patch", "--binary", "--full-index", "--no-color")
    return _bytes(folder, "diff-tree", *_PLAIN_DIFF, *options, before, after).decode(
        errors="replace"
    )


def _command(folder: Path, arguments: Iterable[str | Path]) -> list[str | Path]:
    return ["git", "-C", folder, "--no-optional-locks", *arguments]


def _bytes(folder: Path, *arguments: str, stdin: bytes | None = None) -> bytes:
    done = run_bytes(
        _command(folder, arguments), without=_LOCAL_VARIABLES, stdin=stdin, check=False
    )
    if done.returncode != 0:
        raise failed(folder, arguments, done.returncode, done.stderr)
    return done.stdout


def _split(output: bytes) -> list[bytes]:
    return output.split(b"\0")[:-1]


def _count(text: bytes) -> int | None:
    return None if text == b"-" else int(text)
