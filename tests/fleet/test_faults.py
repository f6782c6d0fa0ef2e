"""What can be wrong with a repository, the disk or the clock: the run goes on with the others, says
what to do, and leaves the repository as it was.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fleet.commands import BRANCH, fleet, look
from tests.fleet.small import RUNTIME_NAME, make_fleet, model_name, release
from tests.templates.conftest import commit, git
from tvmplug.fleet.ledger import Ledger
from tvmplug.fleet.places import Places

pytestmark = pytest.mark.fleet

Look = dict[str, Any]


def run(file: Path, action: str, *options: str) -> tuple[int, dict[str, Any], str]:
    """Run a fleet command in a process of its own.

    Returns:
        The exit code, the JSON that it printed, and what it said to people.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tvmplug", "fleet", action, "--fleet", file, "--json", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


def by_name(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in document["repositories"]}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


# --- one repository of each kind, in one fleet


@dataclass(frozen=True)
class Fault:
    """What is wrong with a repository, and what is said about it.

    Attributes:
        make: Puts it wrong.
        result: How the update ends.
        reason: Why, as the report groups it.
        says: What its message and its mend hold.
    """

    make: Callable[[Path], None]
    result: str
    reason: str | None = None
    says: tuple[str, ...] = ()


def _corrupt_answers(folder: Path) -> None:
    (folder / ".copier-answers.yml").write_text("_commit: v0.1.0\n\t- : {broken\n")
    commit(folder, "Corrupt")


def _detached(folder: Path) -> None:
    git(folder, "checkout", "--quiet", "--detach")


def _submodule(folder: Path) -> None:
    other = folder.parent / "weights"
    if not other.exists():
        other.mkdir()
        (other / "weights.txt").write_text("1 2 3\n")
        git(other, "init", "--quiet")
        commit(other, "Weights")
    git(folder, "submodule", "--quiet", "add", str(other), "weights")
    commit(folder, "A submodule")


def _shallow(folder: Path) -> None:
    (folder / "NEWS.md").write_text("A second commit\n")
    commit(folder, "Second")
    deep = folder.with_name("deep")
    folder.rename(deep)
    git(folder.parent, "clone", "--quiet", "--depth", "1", f"file://{deep}", folder.name)
    shutil.rmtree(deep)
    assert (folder / ".git/shallow").exists()


def _branch_of_somebody(folder: Path) -> None:
    git(folder, "checkout", "--quiet", "-b", BRANCH)
    (folder / "mine.txt").write_text("mine\n")
    commit(folder, "Somebody's own work")
    git(folder, "checkout", "--quiet", "main")
    (folder / "other.txt").write_text("other\n")
    commit(folder, "And main went on")


def _branch_ahead(folder: Path) -> None:
    git(folder, "checkout", "--quiet", "-b", BRANCH)
    (folder / "mine.txt").write_text("mine\n")
    commit(folder, "Somebody's own work")
    git(folder, "checkout", "--quiet", "main")


def _branch_checked_out(folder: Path) -> None:
    git(folder, "checkout", "--quiet", "-b", BRANCH)


def _branch_elsewhere(folder: Path) -> None:
    git(folder, "worktree", "add", "--quiet", "-b", BRANCH, str(folder.parent / "elsewhere"))


def _conflict(folder: Path) -> None:
    edit(folder / "rust/src/lib.rs", "line 20: ", "line 20: my own ")
    commit(folder, "Where the template changes too")


def _vanished_tag(folder: Path) -> None:
    edit(folder / ".copier-answers.yml", "_commit: v0.1.0", "_commit: v0.0.9")
    commit(folder, "At a version that was deleted")


def _deleted_while_it_is_updated(folder: Path) -> None:
    # git runs this when it fills the worktree: the repository is gone while it is read.
    script = folder.parent / "gone.sh"
    script.write_text(f"#!/bin/sh\nrm -rf '{folder}'\ncat\n")
    script.chmod(0o755)
    (folder / ".gitattributes").write_text("pubspec.yaml filter=gone\n")
    commit(folder, "A filter")
    git(folder, "config", "filter.gone.smudge", str(script))


def _locked_branch(folder: Path) -> None:
    """What a git that was killed while it moved the branch leaves."""
    lock = folder / f".git/refs/heads/{BRANCH}.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()


def _locked_index(folder: Path) -> None:
    """What a git that works in the repository just now has."""
    (folder / ".git/index.lock").touch()


def _damaged_object(folder: Path) -> None:
    blob = git(folder, "rev-parse", "HEAD:docs/old.md")
    path = folder / ".git/objects" / blob[:2] / blob[2:]
    path.chmod(0o644)
    path.write_bytes(b"not what it was")


def _nothing(folder: Path) -> None:
    assert folder.is_dir()


FAULTS = {
    "nothing": Fault(_nothing, "updated"),
    "detached head": Fault(_detached, "updated"),
    "submodule": Fault(_submodule, "updated"),
    "shallow clone": Fault(_shallow, "updated"),
    "locked index": Fault(_locked_index, "updated"),
    "branch ahead": Fault(_branch_ahead, "updated"),
    "corrupt answers": Fault(
        _corrupt_answers, "skipped", "repository", (".copier-answers.yml", "commit")
    ),
    "branch of somebody": Fault(
        _branch_of_somebody, "skipped", "branch", ("went apart", "branch -D")
    ),
    "branch checked out": Fault(
        _branch_checked_out, "skipped", "branch", ("is checked out", "Check out another")
    ),
    "branch in another worktree": Fault(
        _branch_elsewhere, "skipped", "branch", ("is checked out",)
    ),
    "conflict": Fault(_conflict, "failed", "conflict", ("rust/src/lib.rs",)),
    "vanished tag": Fault(_vanished_tag, "skipped", "template", ("v0.0.9",)),
    "deleted": Fault(_deleted_while_it_is_updated, "failed", "repository", ()),
    "locked branch": Fault(_locked_branch, "failed", "branch", (f"{BRANCH}.lock",)),
    "damaged object": Fault(_damaged_object, "failed", "repository", ("fsck",)),
}


@dataclass(frozen=True)
class Seen:
    """One repository before and after the update."""

    folder: Path
    outcome: dict[str, Any]
    before: Look
    after: Look | None


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, isolated: None) -> dict[str, Seen]:
    """One update of a fleet with every fault in it."""
    file = make_fleet(tmp_path_factory.mktemp("faults") / "fleet", len(FAULTS))
    release(file.parent / "template", "v0.2.0")
    folders = {name: file.parent / model_name(n) for n, name in enumerate(FAULTS)}
    for name, fault in FAULTS.items():
        fault.make(folders[name])
    before = {name: look_at(folder) for name, folder in folders.items()}
    code, document, _ = run(file, "update", "--jobs", "2")
    assert code == 14
    outcomes = by_name(document)
    assert outcomes[RUNTIME_NAME]["result"] == "updated"
    assert not (file.parent / ".fleet/work").exists() or not list(
        (file.parent / ".fleet/work").iterdir()
    )
    return {
        name: Seen(
            folder,
            outcomes[folder.name],
            before[name],
            look_at(folder) if folder.exists() else None,
        )
        for name, folder in folders.items()
    }


def look_at(folder: Path) -> Look:
    """All of a repository; where its index is locked, without asking for its status."""
    lock = folder / ".git/index.lock"
    if not lock.exists():
        return look(folder)
    lock.unlink()
    try:
        return look(folder)
    finally:
        lock.touch()


def but_branch(repository: Look) -> Look:
    """All of a repository but its branch for updates."""
    lines = repository["refs"].splitlines()
    kept = [line for line in lines if not line.endswith(f"refs/heads/{BRANCH}")]
    return {**repository, "refs": kept}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_with_its_reason_and_what_to_do(seen: dict[str, Seen], name: str) -> None:
    fault, outcome = FAULTS[name], seen[name].outcome
    assert (outcome["result"], outcome["reason"]) == (fault.result, fault.reason), outcome
    if fault.result == "updated":
        return
    told = "\n".join([outcome["message"], outcome["mend"] or "", *outcome["details"]])
    for word in fault.says:
        assert word in told
    assert outcome["message"]
    assert outcome["mend"]
    assert "\n" not in outcome["message"]


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "deleted"])
def test_a_repository_stays_as_it_was_but_for_its_branch(seen: dict[str, Seen], name: str) -> None:
    this = seen[name]
    assert this.after is not None
    assert but_branch(this.after) == but_branch(this.before)
    if FAULTS[name].result == "updated":
        commits = git(this.folder, "rev-list", f"{this.before['head']}..{BRANCH}").split()
        assert commits[0] == this.outcome["commit"]
        assert len(commits) == (2 if name == "branch ahead" else 1)
    else:
        assert this.after == this.before


def test_a_submodule_stays_on_the_branch(seen: dict[str, Seen]) -> None:
    folder = seen["submodule"].folder
    entry = git(folder, "ls-tree", "HEAD", "weights")
    assert entry.startswith("160000 commit")
    assert git(folder, "ls-tree", BRANCH, "weights") == entry
    assert git(folder, "show", f"{BRANCH}:.gitmodules") == git(folder, "show", "HEAD:.gitmodules")
    assert (folder / "weights/weights.txt").read_text() == "1 2 3\n"


def test_a_shallow_clone_stays_shallow(seen: dict[str, Seen]) -> None:
    folder = seen["shallow clone"].folder
    assert git(folder, "rev-parse", "--is-shallow-repository") == "true"
    assert git(folder, "rev-list", "--count", BRANCH) == "2"


def test_a_repository_that_was_deleted_stays_deleted(seen: dict[str, Seen]) -> None:
    assert not seen["deleted"].folder.exists()


def test_work_of_somebody_on_the_branch_is_kept_below_the_update(seen: dict[str, Seen]) -> None:
    folder = seen["branch ahead"].folder
    assert git(folder, "show", f"{BRANCH}:mine.txt") == "mine"
    assert git(folder, "log", "--format=%s", f"{BRANCH}~1", "-1") == "Somebody's own work"


# --- what concerns the whole run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A fleet of a runtime plugin and three models at v0.1.0; the template has v0.2.0."""
    path = make_fleet(tmp_path / "fleet", 3)
    release(path.parent / "template", "v0.2.0")
    return path


@pytest.fixture
def mounted() -> Iterator[Callable[[Path, str], None]]:
    """Mounts an empty disk of some size over a folder, and keeps what is in the folder."""
    folders: list[Path] = []

    def mount(folder: Path, size: str) -> None:
        held = folder.with_name(f"{folder.name}.held")
        folder.rename(held)
        folder.mkdir()
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            pytest.skip(f"a disk cannot be mounted here: {made.stderr.strip()}")
        folders.append(folder)
        shutil.copytree(held, folder, symlinks=True, dirs_exist_ok=True)

    yield mount
    for folder in folders:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path, leave: int) -> Path:
    """Fill a disk but for some bytes."""
    filler = folder / ".git/filler" if (folder / ".git").exists() else folder / "filler"
    filler.write_bytes(b"x" * (shutil.disk_usage(folder).free - leave))
    return filler


def test_a_repository_on_a_full_disk_is_as_it_was_and_the_others_are_updated(
    file: Path, mounted: Callable[[Path, str], None]
) -> None:
    folder = file.parent / model_name(1)
    mounted(folder, "4m")
    filler = fill(folder, 8192)
    before = look(folder)
    code, document, _ = run(file, "update")
    outcomes = by_name(document)
    assert code == 14
    outcome = outcomes.pop(folder.name)
    assert outcome["result"] == "failed", outcome
    assert outcome["reason"] == "tool"
    told = "\n".join([outcome["message"], outcome["mend"] or "", *outcome["details"]])
    assert "No space left on device" in told
    assert "space" in (outcome["mend"] or ""), outcome
    assert look(folder) == before
    assert {each["result"] for each in outcomes.values()} == {"updated"}
    filler.unlink()
    code, document, _ = run(file, "update")
    assert (code, by_name(document)[folder.name]["result"]) == (0, "updated")


@pytest.mark.parametrize("leave", [0, 100_000, 250_000, 600_000])
def test_a_full_disk_below_the_fleets_own_folder_says_so_and_nothing_is_half_done(
    file: Path, mounted: Callable[[Path, str], None], leave: int
) -> None:
    state = file.parent / ".fleet"
    folders = [file.parent / name for name in (RUNTIME_NAME, *map(model_name, range(3)))]
    before = [look(folder) for folder in folders]
    run(file, "status")  # the template is there, and so is the ledger's folder
    mounted(state, "8m")
    filler = fill(state, leave)
    code, document, _ = run(file, "update")
    if code == 12:
        # It could not write down what it was about to do, and did nothing.
        assert "space" in document["error"]["mend"]
        assert [look(folder) for folder in folders] == before
    else:
        assert code == 14
        for outcome in document["repositories"]:
            if outcome["result"] != "updated":
                assert outcome["reason"] == "tool", outcome
                assert "Free some space" in (outcome["mend"] or ""), json.dumps(outcome, indent=1)
    for folder, was in zip(folders, before, strict=True):
        assert but_branch(look(folder)) == but_branch(was)
        assert git(folder, "fsck", "--strict", "--no-dangling", "--no-progress") == ""
        branch = git(folder, "for-each-ref", f"refs/heads/{BRANCH}")
        assert not branch or git(folder, "rev-list", "--count", f"HEAD..{BRANCH}") == "1"
    filler.unlink()
    code, document, _ = run(file, "resume")
    if code or document["run"] is None:
        # It had come to its end, with repositories that failed for want of room.
        code, document, _ = run(file, "update")
    assert code == 0, document
    for folder in folders:
        assert git(folder, "rev-list", "--count", f"HEAD..{BRANCH}") == "1"


def test_a_tag_that_vanished_from_the_template_after_it_was_seen_still_serves(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template = file.parent / "template"
    fleet(capsys, "status", file)
    git(template, "tag", "--delete", "v0.1.0")
    told = fleet(capsys, "update", file)
    assert set(told.results.values()) == {"updated"}, told.document


def test_a_clock_that_jumps_changes_nothing(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A run of next century, killed before it did anything: then the clock was set right.
    names = [RUNTIME_NAME, *map(model_name, range(3))]
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: 4.1e9)
        told = fleet(capsys, "update", file, "--only", names[1], "--limit", "1")
        assert told.results == {names[1]: "updated"}
        with Ledger(Places.beside(file).ledger) as ledger:
            finished = ledger.runs()[0]
            killed = ledger.begin_run(finished.options, finished.targets)
    told = fleet(capsys, "resume", file)
    assert told.document["run"] == killed

    clock = iter(range(10**9, 0, -(10**6)))
    monkeypatch.setattr(time, "time", lambda: float(next(clock)))
    told = fleet(capsys, "update", file)
    assert told.code == 0
    assert told.results == {name: "updated" for name in names if name != names[1]} | {
        names[1]: "unchanged"
    }
    assert all(
        seconds >= 0
        for each in told.document["repositories"]
        for seconds in each["seconds"].values()
    )
    # The last results are those of the last run, though its clock was centuries behind.
    with Ledger(Places.beside(file).ledger) as ledger:
        latest = ledger.latest_of_all()
    assert {name: attempt.run for name, attempt in latest.items()} == dict.fromkeys(
        names, told.document["run"]
    )


def test_a_damaged_ledger_stops_the_run_before_anything_is_done(file: Path) -> None:
    ledger = file.parent / ".fleet/ledger.sqlite3"
    ledger.parent.mkdir()
    ledger.write_bytes(b"damaged " * 1000)
    folder = file.parent / model_name(0)
    before = look(folder)
    code, document, err = run(file, "update")
    assert code == 13
    assert "is damaged" in document["error"]["message"]
    assert "Move it" in document["error"]["mend"]
    assert err.startswith("error: ")
    assert look(folder) == before


def test_while_one_run_goes_on_a_second_is_refused(file: Path) -> None:
    lock = Places.beside(file).lock
    lock.parent.mkdir(exist_ok=True)
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path;"
            "from tvmplug.fleet.lock import FleetLock;"
            "lock = FleetLock(Path(sys.argv[1])); lock.acquire();"
            "print('held', flush=True); time.sleep(600)",
            str(lock),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        code, document, _ = run(file, "update")
        assert code == 13
        assert f"process {holder.pid}" in document["error"]["message"]
    finally:
        holder.kill()
        holder.communicate()
    assert run(file, "update")[0] == 0
