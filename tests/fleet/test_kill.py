"""A run that is killed at any moment: every repository is untouched or fully updated, and `resume`
does the rest once.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.fleet.commands import BRANCH
from tests.fleet.small import RUNTIME_NAME, make_fleet, model_name, release, tree
from tests.templates.conftest import commit, git
from tvmplug.cli import INTERRUPTED
from tvmplug.fleet.books import close_attempts
from tvmplug.fleet.ledger import Ledger
from tvmplug.fleet.lock import FleetLock
from tvmplug.fleet.places import Places
from tvmplug.fleet.records import Result

pytestmark = pytest.mark.fleet
MOVED = f".git/refs/heads/{BRANCH}"  # what an update ends with


@dataclass(frozen=True)
class Before:
    """A repository before any update."""

    head: str
    checked_out: str
    index: bytes
    refs: frozenset[str]
    files: dict[str, tuple[str, bytes]] = field(repr=False)


@dataclass(frozen=True)
class Pattern:
    """A fleet to copy, and what an update that nobody kills makes of it."""

    folder: Path
    names: tuple[str, ...]
    before: dict[str, Before]
    results: dict[str, str]
    trees: dict[str, str]  # of the branch, for those that are updated
    seconds: float


def look(folder: Path) -> Before:
    """Look at a repository, and leave no trace."""
    lines = git(folder, "for-each-ref", "--format=%(objectname) %(refname)").splitlines()
    return Before(
        head=git(folder, "rev-parse", "HEAD"),
        checked_out=(folder / ".git/HEAD").read_text(),
        index=(folder / ".git/index").read_bytes(),
        refs=frozenset(line for line in lines if not line.endswith(f" refs/heads/{BRANCH}")),
        files=tree(folder),
    )


def start(folder: Path, action: str, *options: str) -> subprocess.Popen[str]:
    """Start a fleet command in a session of its own, as a terminal does."""
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    # Where the tests run in the background, a shell may have told them to ignore Ctrl-C.
    command = ["env", "--default-signal=INT"]
    command += [sys.executable, "-m", "tvmplug", "fleet", action, "--json"]
    return subprocess.Popen(
        [*command, "--fleet", str(folder / "fleet.yaml"), "--jobs", "2", *options],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def results_of(folder: Path, action: str) -> tuple[int | None, dict[str, str]]:
    """Run a fleet command to its end, and print why a repository was not updated.

    Returns:
        The number of the run, and the result of each repository.
    """
    process = start(folder, action)
    out, err = process.communicate()
    assert process.returncode in (0, 14), f"{action}: {err}\n{out}"
    document: dict[str, Any] = json.loads(out)
    for each in document["repositories"]:
        if each["reason"] is not None:
            print(f"{action}: {each['name']}: {each['reason']}: {each['message']}")
    return document["run"], {each["name"]: each["result"] for each in document["repositories"]}


def make_pattern(folder: Path, plugins: int) -> Pattern:
    """Make a fleet in which not everything goes well, and update a copy of it."""
    file = make_fleet(folder / "pattern", plugins - 1)
    release(file.parent / "template", "v0.2.0")
    names = (RUNTIME_NAME, *(model_name(number) for number in range(plugins - 1)))
    merged, conflict, dirty, detached = (file.parent / name for name in names[1:5])
    library = "rust/src/lib.rs"
    _edit(merged / library, "line 3: ", "line 3: my own ")
    commit(merged, "Merges")
    _edit(conflict / library, "line 20: ", "line 20: my own ")
    commit(conflict, "Conflicts")
    _edit(dirty / library, "line 3: ", "line 3: not committed ")
    git(detached, "checkout", "--quiet", "--detach")

    undisturbed = copy(Pattern(file.parent, names, {}, {}, {}, 0), folder / "undisturbed")
    started = time.monotonic()
    _, results = results_of(undisturbed, "update")
    seconds = time.monotonic() - started
    updated = [name for name, result in results.items() if result == "updated"]
    assert results[conflict.name] == "failed"
    assert results[dirty.name] == "skipped"
    assert len(updated) == plugins - 2
    return Pattern(
        folder=file.parent,
        names=names,
        before={name: look(file.parent / name) for name in names},
        results=results,
        trees={
            name: git(undisturbed / name, "rev-parse", f"{BRANCH}^{{tree}}") for name in updated
        },
        seconds=seconds,
    )


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def copy(pattern: Pattern, folder: Path) -> Path:
    """Make the fleet again elsewhere, with the same template."""
    folder.mkdir()
    for name in pattern.names:
        shutil.copytree(pattern.folder / name, folder / name, symlinks=True)
    shutil.copy(pattern.folder / "fleet.yaml", folder)
    return folder


def kill_at(
    folder: Path, process: subprocess.Popen[str], has_come: Callable[[], bool], *, group: bool
) -> None:
    """Kill a run when its moment has come, and wait until none of its processes is left."""
    while not has_come() and process.poll() is None:
        time.sleep(0.002)
    if not group:
        process.kill()
    elif process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    if (folder / ".fleet").exists():
        with FleetLock(places_of(folder).lock, patience_s=60):
            pass


def in_seconds(seconds: float) -> Callable[[], bool]:
    """A moment for `kill_at`."""
    at = time.monotonic() + seconds
    return lambda: time.monotonic() >= at


def places_of(folder: Path) -> Places:
    return Places.beside(folder / "fleet.yaml")


def updated_in(pattern: Pattern, folder: Path) -> int:
    """Count the branches, cheaply."""
    return sum((folder / name / MOVED).exists() for name in pattern.names)


def assert_untouched_or_updated(pattern: Pattern, folder: Path) -> set[str]:
    """Look at a fleet whose run was killed.

    Returns:
        The repositories that are updated.
    """
    updated = set()
    for name in pattern.names:
        assert look(folder / name) == pattern.before[name], name
        tip = git(folder / name, "for-each-ref", "--format=%(objectname)", f"refs/heads/{BRANCH}")
        if tip:
            updated.add(name)
            base = pattern.before[name].head
            assert git(folder / name, "rev-list", f"{base}..{BRANCH}").split() == [tip], name
            assert git(folder / name, "rev-parse", f"{tip}^{{tree}}") == pattern.trees[name], name
    return updated


def assert_done(pattern: Pattern, folder: Path) -> None:
    """Look at a fleet whose run was resumed to its end."""
    assert assert_untouched_or_updated(pattern, folder) == set(pattern.trees)
    places = places_of(folder)
    for name in pattern.names:
        repository = folder / name
        assert git(repository, "fsck", "--strict", "--no-dangling", "--no-progress") == "", name
        assert len(git(repository, "worktree", "list").splitlines()) == 1, name
        assert not list((repository / ".git").glob("worktrees/*")), name
        # What a killed git wrote of an object may lie about until `git gc`; a lock must not.
        assert not list((repository / ".git").rglob("*.lock")), name
    assert not places.work(0).parent.exists() or not list(places.work(0).parent.iterdir())
    with Ledger(places.ledger) as ledger:
        assert ledger.unfinished() is None
        told = [attempt for run in ledger.runs() for attempt in ledger.attempts(run.id)]
    results = [(each.name, each.outcome.result) for each in told if each.outcome is not None]
    assert len(results) == len(told)
    # Once each: nothing was done twice, and nothing that was done is unknown.
    done = sorted(name for name, result in results if result is Result.UPDATED)
    assert done == sorted(pattern.trees)


def finish(pattern: Pattern, folder: Path) -> None:
    """Resume a run that was killed; begin it when it was killed before it had begun."""
    ledger = Ledger.reading(places_of(folder).ledger)
    runs = ledger.runs() if ledger is not None else []
    if ledger is not None:
        ledger.close()
    run, results = results_of(folder, "resume")
    assert (run is None) == (not runs or runs[-1].is_done)
    if run is not None:
        assert results == pattern.results
    elif not runs:
        assert results_of(folder, "update")[1] == pattern.results
    assert_done(pattern, folder)


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory, isolated: None) -> Pattern:
    """A fleet of seven. Do not change it."""
    return make_pattern(tmp_path_factory.mktemp("pattern"), 7)


def test_a_run_that_is_killed_again_and_again_is_resumed(pattern: Pattern, tmp_path: Path) -> None:
    folder = copy(pattern, tmp_path / "killed")
    for action, enough in (("update", 1), ("resume", 2), ("resume", 4)):
        kill_at(
            folder,
            start(folder, action),
            lambda enough=enough: updated_in(pattern, folder) >= enough,
            group=enough == 2,
        )
        assert len(assert_untouched_or_updated(pattern, folder)) >= enough
    finish(pattern, folder)


def test_ctrl_c_ends_a_run_that_cleans_up_and_can_be_resumed(
    pattern: Pattern, tmp_path: Path
) -> None:
    folder = copy(pattern, tmp_path / "interrupted")
    process = start(folder, "update")
    while not updated_in(pattern, folder) and process.poll() is None:
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGINT)  # what a terminal does: the whole foreground group
    _, err = process.communicate()
    assert process.returncode == INTERRUPTED, err
    assert "Traceback" not in err
    updated = assert_untouched_or_updated(pattern, folder)
    assert 0 < len(updated) < len(pattern.trees)
    # Nothing is left for anybody to sweep: the jobs that ran took their worktrees away.
    for name in pattern.names:
        assert not list((folder / name / ".git").glob("worktrees/*"))
    assert "interrupted; `tvmplug fleet resume` goes on" in err
    finish(pattern, folder)


def test_a_resume_that_is_killed_before_it_begins_loses_nothing(
    pattern: Pattern, tmp_path: Path
) -> None:
    folder = copy(pattern, tmp_path / "killed")
    process = start(folder, "update")
    kill_at(folder, process, lambda: updated_in(pattern, folder) > 0, group=False)
    assert len(assert_untouched_or_updated(pattern, folder)) < len(pattern.trees)
    # What a git leaves that was killed while it moved the branch.
    name = next(name for name in pattern.trees if not (folder / name / MOVED).exists())
    lock = folder / name / f"{MOVED}.lock"
    lock.parent.mkdir(exist_ok=True)
    lock.touch()
    # What a resume wrote that was killed right after it closed the attempts it found.
    with Ledger(places_of(folder).ledger) as ledger:
        killed = ledger.unfinished()
        assert killed is not None
        close_attempts(ledger, killed)
    finish(pattern, folder)


def test_what_a_kill_leaves_of_a_worktree_is_swept(tmp_path: Path) -> None:
    file = make_fleet(tmp_path / "fleet", 4)
    places = Places.beside(file)
    made, emptied, forgotten, cut = (file.parent / model_name(number) for number in range(4))
    for folder in (made, emptied, forgotten, cut):
        worktree = places.work(1) / folder.name / "tree" / folder.name
        git(folder, "worktree", "add", "--quiet", "--detach", str(worktree))
        if folder is not made:
            shutil.rmtree(worktree)  # killed while it was removed
    (forgotten / ".git/worktrees" / forgotten.name / "gitdir").unlink()  # a moment later
    # Killed between making a file and writing it: no git command that looks at it goes on.
    (cut / ".git/worktrees" / cut.name / "commondir").write_text("")
    other = tmp_path / "other"
    git(made, "worktree", "add", "--quiet", "--detach", str(other))

    assert results_of(file.parent, "resume") == (None, {})
    for folder in (emptied, forgotten, cut):
        assert not list((folder / ".git").glob("worktrees/*"))
    assert git(made, "worktree", "list", "--porcelain").count("worktree ") == 2
    assert (other / "README.md").exists() == (made / "README.md").exists()
    assert not places.work(1).exists()


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("half", ["one", "two"])  # 25 kills each, side by side
def test_a_fleet_of_30_survives_50_kills_at_random_moments(half: str, tmp_path: Path) -> None:
    pattern = make_pattern(tmp_path, 30)
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"{half}: seed {seed}")
    pick = random.Random(seed)  # noqa: S311
    updated = []
    # One moment in each 25th of a run's time, so that some are early and some are late.
    moments = [pick.uniform(n, n + 1) / 25 * pattern.seconds for n in range(25)]
    pick.shuffle(moments)
    for number, moment in enumerate(moments):
        folder = copy(pattern, tmp_path / f"killed-{number}")
        kill_at(folder, start(folder, "update"), in_seconds(moment), group=number % 2 == 0)
        updated.append(len(assert_untouched_or_updated(pattern, folder)))
        if number % 4 == 3:
            seconds = pick.uniform(0, pattern.seconds)
            kill_at(folder, start(folder, "resume"), in_seconds(seconds), group=True)
            assert len(assert_untouched_or_updated(pattern, folder)) >= updated[-1]
        finish(pattern, folder)
        if number % 10 == 0:
            # And a run after it finds nothing to do.
            again = results_of(folder, "update")[1]
            assert {again[name] for name in pattern.trees} == {"unchanged"}
            assert_untouched_or_updated(pattern, folder)
        print(f"kill {number}: {updated[-1]} of {len(pattern.trees)} were updated")
        shutil.rmtree(folder)
    assert min(updated) == 0
    assert max(updated) > 10
    assert len(set(updated)) > 5
