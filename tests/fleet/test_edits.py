"""An author's edit is in the result of an update, or in a conflict, or reported: never lost."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.templates.conftest import commit, git
from tvmplug.errors import FleetError
from tvmplug.fleet import edits
from tvmplug.fleet.copier_update import update_project, warm
from tvmplug.fleet.edits import Loss, LostEdit, lost_edits
from tvmplug.fleet.git import listing
from tvmplug.fleet.git_index import blob_hash
from tvmplug.fleet.records import Checkout
from tvmplug.fleet.templates import TemplateStore

from . import small
from .authors import EDITS

PATHS = st.sampled_from(["a", "b", "c/d", "c/e"])
ENTRIES = st.tuples(
    st.sampled_from(["100644", "100755", "120000"]), st.sampled_from(["1" * 40, "2" * 40, "3" * 40])
)
LISTINGS = st.dictionaries(PATHS, ENTRIES)


def no_merge(_: str) -> None:
    """No text can be merged."""


@given(LISTINGS, LISTINGS, LISTINGS)
def test_a_result_that_is_the_project_has_lost_nothing(
    old: edits.Listing, new: edits.Listing, project: edits.Listing
) -> None:
    assert lost_edits(old, new, project, project, no_merge) == ()


@given(LISTINGS, LISTINGS, LISTINGS)
def test_a_project_without_edits_can_lose_none(
    old: edits.Listing, new: edits.Listing, result: edits.Listing
) -> None:
    assert lost_edits(old, new, old, result, no_merge) == ()


@given(LISTINGS, LISTINGS, LISTINGS)
def test_where_nothing_merges_whatever_the_author_changed_is_kept_or_reported(
    old: edits.Listing, new: edits.Listing, project: edits.Listing
) -> None:
    lost = {edit.path for edit in lost_edits(old, new, project, new, no_merge)}
    for path in old.keys() | project.keys():
        mine, before, after = project.get(path), old.get(path), new.get(path)
        if mine in (before, after):
            assert path not in lost
        elif (
            mine is None
            or after is None
            or before is None
            or mine[1] not in {before[1], after[1]}
            or mine[0] not in {before[0], after[0]}
        ):
            assert path in lost


def test_a_merge_is_asked_only_where_both_sides_changed_a_text() -> None:
    old = {"both": ("100644", "1" * 40), "mine": ("100644", "1" * 40)}
    new = {"both": ("100644", "2" * 40), "mine": ("100644", "1" * 40)}
    project = {"both": ("100644", "3" * 40), "mine": ("100644", "3" * 40)}
    merged = b"both of us\n"
    result = {"both": ("100644", blob_hash(merged)), "mine": ("100644", "3" * 40)}
    asked: list[str] = []

    def merge(path: str) -> bytes:
        asked.append(path)
        return merged

    assert lost_edits(old, new, project, result, merge) == ()
    assert asked == ["both"]
    wrong = {**result, "both": ("100644", "4" * 40)}
    assert lost_edits(old, new, project, wrong, merge) == (LostEdit("both", Loss.CHANGED),)
    shown = lost_edits(old, new, project, wrong, merge, conflicts=lambda path: path == "both")
    assert shown == ()


class Updates:
    """Plugins with edits, updated by the fleet's engine in this process."""

    def __init__(self, root: Path) -> None:
        template = small.small_template(root / "template")
        small.release(template, "v0.2.0")
        self.pattern = small.make_project(template, root / "pattern")
        store = TemplateStore(root / "store")
        self.old, self.new = store.at(str(template), "v0.1.0"), store.newest(str(template))
        self.fresh = listing(self.pattern, "HEAD")
        self.root = root
        warm([self.old, self.new])

    def edited(self, change: Callable[[Path], None]) -> Path:
        """Return a project with an edit, committed."""
        project = self.root / "project"
        shutil.rmtree(project, ignore_errors=True)
        shutil.copytree(self.pattern, project, symlinks=True)
        change(project)
        commit(project, "Edited")
        return project

    def update(self, project: Path, versions: tuple[Checkout, Checkout] | None = None) -> Updated:
        """Update a project in place."""
        renders = update_project(
            project, *(versions or (self.old, self.new)), vcs_ref=None, data={}, trust=False
        )
        conflict = bool(git(project, "ls-files", "--unmerged"))
        untracked = git(project, "ls-files", "-z", "--others").split("\0")
        conflict = conflict or any(path.endswith(".rej") for path in untracked)
        git(project, "add", "--all")
        tree = git(project, "write-tree")
        return Updated(project, conflict, edits.find(project, "HEAD", tree, renders), tree)


class Updated:
    """What became of a project."""

    def __init__(
        self, project: Path, conflict: bool, lost: tuple[LostEdit, ...], tree: str
    ) -> None:
        self.project, self.conflict, self.lost, self.tree = project, conflict, lost, tree

    @property
    def losses(self) -> dict[str, Loss]:
        return {edit.path: edit.loss for edit in self.lost}


@pytest.fixture(scope="module")
def updates(tmp_path_factory: pytest.TempPathFactory, isolated: None) -> Updates:
    return Updates(tmp_path_factory.mktemp("edits"))


def append(path: str, content: bytes) -> Callable[[Path], None]:
    """An edit that adds something to a file."""

    def edit(project: Path) -> None:
        with (project / path).open("ab") as file:
            file.write(content)

    return edit


def relink(project: Path) -> None:
    (project / "current").unlink()
    (project / "current").symlink_to("docs/guide.md")


def not_executable(project: Path) -> None:
    (project / "tool/check.sh").chmod(0o644)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("edit", "losses"),
    [
        (append("docs/old.md", b"mine\n"), {"docs/old.md": Loss.GONE}),
        (append("docs/guide.md", b"mine\n"), {"docs/guide.md": Loss.GONE}),
        (append("assets/logo.bin", b"\0mine"), {"assets/logo.bin": Loss.REPLACED}),
        (append("rust/src/lib.rs", b"// mine\n"), {}),
        (append("pubspec.yaml", b"# mine\n"), {}),
        (append("mine.md", b"mine\n"), {}),
        (lambda project: (project / "linux/CMakeLists.txt").unlink(), {}),
    ],
    ids=["deleted", "renamed", "binary", "text", "own", "new", "removed"],
)
def test_what_copier_loses_is_reported_and_can_be_put_back(
    edit: Callable[[Path], None], losses: dict[str, Loss], updates: Updates
) -> None:
    project = updates.edited(edit)
    mine = listing(project, "HEAD")
    updated = updates.update(project)
    assert not updated.conflict
    assert updated.losses == losses
    edits.restore(project, "HEAD", updated.lost)
    git(project, "add", "--all")
    after = listing(project, git(project, "write-tree"))
    assert {path: after.get(path) for path in losses} == {path: mine.get(path) for path in losses}
    assert "docs/guide-v0.2.0.md" in after  # and the template's change is there


def test_a_symlink_that_both_changed_is_a_conflict(updates: Updates) -> None:
    assert updates.update(updates.edited(relink)).conflict


def test_a_deleted_file_that_came_back_goes_again(updates: Updates) -> None:
    def delete(project: Path) -> None:
        (project / "docs/guide.md").unlink()
        (project / "windows/run.bat").unlink()

    project = updates.edited(delete)
    mine = listing(project, "HEAD")
    result = {**mine, "windows/run.bat": ("100644", "1" * 40)}
    lost = lost_edits(updates.fresh, updates.fresh, mine, result, no_merge)
    assert lost == (LostEdit("windows/run.bat", Loss.BACK),)
    (project / "windows").mkdir(exist_ok=True)
    (project / "windows/run.bat").write_text("back\n")
    edits.restore(project, "HEAD", lost)
    assert git(project, "status", "--porcelain") == ""


def test_the_authors_executable_bit_stays_with_the_templates_content(updates: Updates) -> None:
    project = updates.edited(not_executable)
    updated = updates.update(project)
    assert updated.lost == ()
    assert listing(project, updated.tree)["tool/check.sh"][0] == "100644"
    assert "since v0.2.0" in (project / "tool/check.sh").read_text()


def test_of_a_lost_executable_bit_only_the_bit_is_put_back(updates: Updates) -> None:
    project = updates.edited(not_executable)
    mine, path = listing(project, "HEAD"), "tool/check.sh"
    result = {**mine, path: ("100755", "1" * 40)}
    lost = lost_edits(updates.fresh, updates.fresh, mine, result, no_merge)
    assert lost == (LostEdit(path, Loss.MODE),)
    (project / path).write_text("# the template's\n")
    (project / path).chmod(0o755)
    edits.restore(project, "HEAD", lost)
    assert (project / path).read_text() == "# the template's\n"
    assert git(project, "diff", "--summary") == ""


def check_nothing_is_lost(updates: Updates, chosen: list[tuple[int, int]]) -> str:
    """Make edits, update, and look for each of them without asking how losses are found."""

    def change(project: Path) -> None:
        for which, seed in chosen:
            EDITS[which](random.Random(seed), project)  # noqa: S311, nothing secret

    project = updates.edited(change)
    mine, before = listing(project, "HEAD"), updates.fresh
    contents = {path: git_content(project, blob) for path, (_, blob) in mine.items()}
    try:
        updated = updates.update(project)
    except FleetError:
        return "refused"  # the gate before all gates: nothing is committed
    if updated.conflict:
        return "conflict"
    reported = set(updated.losses)
    result = listing(project, updated.tree)
    for path in before.keys() | mine.keys():
        if path == edits.ANSWERS or mine.get(path) == before.get(path) or path in reported:
            continue
        if path not in mine:
            assert path not in result, f"{path} came back"
            continue
        assert path in result, f"{path} is gone"
        kept = git_content(project, result[path][1])
        # Lines that are the author's alone must be there, whatever else is.
        old = before.get(path)
        was = set(git_content(updates.pattern, old[1]).split(b"\n")) if old else set()
        own = [line for line in contents[path].split(b"\n") if line not in was]
        missing = [line for line in own if line not in kept.split(b"\n")]
        assert not missing, f"{path} lacks {missing}"
        if old is None or old[0] != mine[path][0]:
            assert result[path][0] == mine[path][0], f"{path} has another mode"
    return "lost" if reported else "clean"


def git_content(repository: Path, blob: str) -> bytes:
    """The content of a blob."""
    return edits.run_bytes(["git", "-C", repository, "cat-file", "blob", blob]).stdout


CHOSEN = st.lists(
    st.tuples(st.integers(0, len(EDITS) - 1), st.integers(0, 9999)), min_size=1, max_size=5
)
_ONE_AT_A_TIME = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=_ONE_AT_A_TIME, derandomize=True)
@given(chosen=CHOSEN)
def test_random_edits_are_never_lost(updates: Updates, chosen: list[tuple[int, int]]) -> None:
    check_nothing_is_lost(updates, chosen)


@pytest.mark.fleet
@settings(max_examples=300, deadline=None, suppress_health_check=_ONE_AT_A_TIME)
@given(chosen=CHOSEN)
def test_many_random_edits_are_never_lost(updates: Updates, chosen: list[tuple[int, int]]) -> None:
    check_nothing_is_lost(updates, chosen)
