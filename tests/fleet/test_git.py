"""What the fleet asks git, against real repositories."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.templates.conftest import commit
from tests.templates.conftest import git as plain_git
from tvmplug.errors import FleetError, ProcessError, ToolError
from tvmplug.fleet import git
from tvmplug.fleet.records import Change


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    plain_git(folder, "init", "--quiet")
    (folder / "a.txt").write_text("one\ntwo\n")
    (folder / "crlf.txt").write_bytes(b"one\r\ntwo\r\n")
    (folder / "binary").write_bytes(bytes(range(256)))
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("a.txt")
    (folder / "sub").mkdir()
    (folder / "sub" / "with space and ü").write_text("x\n")
    commit(folder, "first", tag="v1")
    return folder


def _tree(folder: Path) -> dict[str, tuple[str, str]]:
    """What git's own plain output says, to compare with."""
    entries = plain_git(folder, "-c", "core.quotePath=off", "ls-tree", "-r", "HEAD").splitlines()
    pairs = [entry.split("\t") for entry in entries]
    return {path: (about.split()[0], about.split()[2]) for about, path in pairs}


def test_a_name_resolves_to_its_commit(repository: Path) -> None:
    head = plain_git(repository, "rev-parse", "HEAD")
    assert git.resolve(repository, "main") == head
    assert git.resolve(repository, "v1") == head  # annotated: the commit, not the tag
    assert git.resolve(repository, head[:8]) == head


@pytest.mark.parametrize("name", ["nothing", "refs/heads/nothing", "v1:a.txt", "--all", "f" * 40])
def test_a_name_that_is_no_commit_resolves_to_nothing(repository: Path, name: str) -> None:
    assert git.resolve(repository, name) is None


def test_an_empty_repository_resolves_to_nothing(tmp_path: Path) -> None:
    plain_git(tmp_path, "init", "--quiet")
    assert git.resolve(tmp_path, "HEAD") is None


def test_a_failure_says_the_command_the_folder_and_the_complaint(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match=r"git rev-parse failed in .*: not a git repo") as caught:
        git.resolve(tmp_path, "HEAD")
    assert caught.value.returncode == 128
    assert "fatal: not a git repository" in caught.value.output


def test_files_come_back_byte_for_byte(repository: Path) -> None:
    found = git.files_at(repository, "HEAD", ["binary", "no such file", "crlf.txt", "sub", "link"])
    assert found == {
        "binary": bytes(range(256)),
        "no such file": None,
        "crlf.txt": b"one\r\ntwo\r\n",
        "sub": None,
        "link": b"a.txt",
    }
    assert git.file_at(repository, "v1", "sub/with space and ü") == b"x\n"


def test_a_name_with_a_line_break_is_refused_and_not_misread(repository: Path) -> None:
    with pytest.raises(FleetError, match="line break"):
        git.file_at(repository, "HEAD", "a.txt\nHEAD:binary")


def test_a_listing_has_every_file_with_its_mode(repository: Path) -> None:
    found = git.listing(repository, "HEAD")
    assert found == _tree(repository)
    assert {found["run.sh"][0], found["link"][0], found["a.txt"][0]} == {
        "100755", "120000", "100644",
    }  # fmt: skip


def test_a_listing_of_a_subfolder_names_paths_from_the_top(repository: Path) -> None:
    assert git.listing(repository / "sub", "HEAD") == _tree(repository)


def test_ancestry(repository: Path) -> None:
    commit(repository, "second")
    assert git.is_ancestor(repository, "v1", "HEAD")
    assert git.is_ancestor(repository, "HEAD", "HEAD")
    assert not git.is_ancestor(repository, "HEAD", "v1")
    with pytest.raises(ProcessError, match="nothing"):
        git.is_ancestor(repository, "nothing", "HEAD")


def test_a_reference_moves_only_from_where_it_was(repository: Path) -> None:
    first = plain_git(repository, "rev-parse", "HEAD")
    commit(repository, "second")
    second = plain_git(repository, "rev-parse", "HEAD")
    branch = "refs/heads/tvmplug/update"

    git.update_ref(repository, branch, first, None)
    with pytest.raises(FleetError, match="was not moved"):
        git.update_ref(repository, branch, second, None)
    with pytest.raises(FleetError, match="was not moved"):
        git.update_ref(repository, branch, second, second)
    assert git.resolve(repository, branch) == first

    git.update_ref(repository, branch, second, first)
    assert git.resolve(repository, branch) == second


def test_changes_tell_status_and_lines(repository: Path) -> None:
    (repository / "a.txt").write_text("one\n2\nthree\n")
    (repository / "binary").write_bytes(b"\0other")
    (repository / "crlf.txt").unlink()
    (repository / "new\tfile").write_text("x\n")
    (repository / "run.sh").chmod(0o644)
    (repository / "link").unlink()
    (repository / "link").write_text("a file now\n")
    commit(repository, "second")
    assert {change.path: change for change in git.changes(repository, "v1", "HEAD")} == {
        "a.txt": Change(status="M", path="a.txt", added=2, removed=1),
        "binary": Change(status="M", path="binary", added=None, removed=None),
        "crlf.txt": Change(status="D", path="crlf.txt", added=0, removed=2),
        "new\tfile": Change(status="A", path="new\tfile", added=1, removed=0),
        "run.sh": Change(status="M", path="run.sh", added=0, removed=0),
        "link": Change(status="T", path="link", added=1, removed=1),
    }
    assert git.changes(repository, "HEAD", "HEAD") == ()


def test_a_patch_applies_and_gives_the_same_tree(repository: Path) -> None:
    (repository / "crlf.txt").write_bytes(b"one\r\nthree\r\n")
    (repository / "binary").write_bytes(bytes(reversed(range(256))))
    (repository / "run.sh").chmod(0o644)
    commit(repository, "second")
    patch = git.patch(repository, "v1", "HEAD")

    plain_git(repository, "checkout", "--quiet", "--detach", "v1")
    subprocess.run(
        ["git", "apply", "--index"], cwd=repository, input=patch.encode(), check=True
    )  # fmt: skip
    assert plain_git(repository, "write-tree") == plain_git(repository, "rev-parse", "main^{tree}")


def test_a_worktree_comes_and_goes_and_runs_no_hook(repository: Path, tmp_path: Path) -> None:
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hook-ran\n")
    hook.chmod(0o755)
    place = tmp_path / "work" / "repository"
    git.add_worktree(repository, place, "v1")
    assert (place / "crlf.txt").read_bytes() == b"one\r\ntwo\r\n"
    assert plain_git(place, "rev-parse", "--abbrev-ref", "HEAD") == "HEAD"
    assert not (tmp_path / "hook-ran").exists()

    (place / "a.txt").write_text("edited")
    git.remove_worktree(repository, place)
    assert not place.exists()
    assert len(plain_git(repository, "worktree", "list").splitlines()) == 1


@pytest.mark.parametrize(
    "state",
    [
        "absent", "gone", "no .git", "locked", "nameless", "unknown", "relative",
        "empty commondir", "empty gitdir", "empty HEAD",
    ],
)  # fmt: skip
def test_what_a_killed_run_left_of_a_worktree_is_removed(
    repository: Path, tmp_path: Path, state: str
) -> None:
    other = tmp_path / "elsewhere" / "mine"
    git.add_worktree(repository, other, "v1")
    other.rename(tmp_path / "unplugged")  # the user's own, not here just now
    place = tmp_path / "work" / "plugin"
    if state != "absent":
        git.add_worktree(repository, place, "v1")
    entry = repository / ".git" / "worktrees" / "plugin"
    if state == "gone":
        place.rename(tmp_path / "moved")
    elif state == "no .git":
        (place / ".git").unlink()
    elif state == "locked":
        (entry / "locked").write_text("initializing")
    elif state == "nameless":
        (entry / "locked").write_text("initializing")
        (entry / "gitdir").unlink()
    elif state == "relative":  # as git 2.48 can write it
        (entry / "gitdir").write_text(f"{os.path.relpath(place / '.git', entry)}\n")
    elif state.startswith("empty"):  # killed between making the file and writing it
        (entry / "locked").write_text("initializing")
        (entry / state.removeprefix("empty ")).write_text("")
    elif state == "unknown":
        for file in sorted(entry.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        entry.rmdir()

    git.remove_worktree(repository, place)
    assert not place.exists()
    assert not entry.exists()
    assert (repository / ".git" / "worktrees" / "mine").is_dir()
    git.add_worktree(repository, place, "v1")  # and the place can be used again
    assert (place / "a.txt").exists()


def test_a_worktree_that_somebody_is_just_making_is_left_alone(
    repository: Path, tmp_path: Path
) -> None:
    theirs = repository / ".git" / "worktrees" / "plugin-tried"
    theirs.mkdir(parents=True)
    (theirs / "locked").write_text("initializing")  # git has not come to `gitdir` yet
    git.remove_worktree(repository, tmp_path / "work" / "plugin")
    assert theirs.is_dir()


def test_removing_a_worktree_of_a_repository_that_is_gone(tmp_path: Path) -> None:
    place = tmp_path / "work"
    place.mkdir()
    git.remove_worktree(tmp_path / "gone", place)
    assert not place.exists()


def test_reading_does_not_rewrite_the_index(repository: Path) -> None:
    index = repository / ".git" / "index"
    before = index.read_bytes()
    os.utime(repository / "a.txt", (1, 1))  # `git status` would note the new time in the index
    assert git.git(repository, "status", "--porcelain") == ""
    assert index.read_bytes() == before


def test_variables_of_an_outer_git_hook_do_not_lead_elsewhere(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    plain_git(outer, "init", "--quiet")
    head = plain_git(repository, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(outer / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(outer))
    assert git.resolve(repository, "HEAD") == head


def test_standard_input_reaches_git(repository: Path) -> None:
    written = git.git(repository, "hash-object", "-w", "--stdin", stdin="ü\r\n").strip()
    blob = subprocess.run(
        ["git", "cat-file", "blob", written], cwd=repository, capture_output=True, check=True
    )
    assert blob.stdout == "ü\r\n".encode()


def test_without_git_the_error_names_it(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent / "nothing"))
    with pytest.raises(ToolError, match="git is not installed"):
        git.resolve(repository, "HEAD")
