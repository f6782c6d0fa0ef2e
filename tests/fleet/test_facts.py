"""What repositories say about themselves, whatever state they are in."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fleet.small import TVM, make_project, release, small_template
from tests.templates.conftest import commit, git
from tvmplug.fleet.clones import refresh_clone
from tvmplug.fleet.facts import Facts, look, look_all
from tvmplug.fleet.records import Reason, Repository, Verify

BRANCH = "tvmplug/update"


def entry(path: Path, **more: object) -> Repository:
    """A repository as fleet.yaml would have it."""
    plain = Repository(
        name=path.name,
        source=str(path),
        path=path,
        is_remote=False,
        groups=(),
        is_runtime=False,
        base=None,
        branch=BRANCH,
        data={},
        keep_edits=False,
        verify=Verify.RENDER,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template with two releases, and a plugin of each kind at the first."""
    root = tmp_path_factory.mktemp("rendered")
    template = small_template(root / "template")
    make_project(template, root / "g2p_flutter")
    make_project(template, root / "tvm_runtime_flutter", "runtime")
    release(template, "v0.2.0", tvm="0.28.0")
    return root


@pytest.fixture
def plugin(rendered: Path, tmp_path: Path) -> Path:
    shutil.copytree(rendered / "g2p_flutter", tmp_path / "g2p_flutter", symlinks=True)
    return tmp_path / "g2p_flutter"


def _problem(facts: Facts) -> tuple[Reason, str, str]:
    assert facts.problem is not None
    reason, message, mend = facts.problem
    return reason, message, mend or ""


def test_a_clean_plugin(rendered: Path, plugin: Path) -> None:
    facts = look(entry(plugin))
    assert facts.problem is None
    assert facts.head == git(plugin, "rev-parse", "HEAD")
    assert (facts.head_branch, facts.dirty) == ("main", False)
    assert (facts.branch_tip, facts.branch_checked_out) == (None, False)
    assert facts.answers["_src_path"] == str(rendered / "template")
    assert (facts.answers["_commit"], facts.answers["prefix"]) == ("v0.1.0", "g2p_")
    assert facts.manifest is not None
    assert facts.manifest.model is not None
    assert (facts.manifest.tvm, facts.manifest.model.prefix) == (TVM, "g2p_")
    assert (facts.manifest.root, facts.registered) == (plugin, None)


def test_the_runtime_plugin_tells_its_registry(rendered: Path, tmp_path: Path) -> None:
    runtime = tmp_path / "tvm_runtime_flutter"
    shutil.copytree(rendered / "tvm_runtime_flutter", runtime, symlinks=True)
    assert look(entry(runtime)).registered == {}
    text = (runtime / "tvm_plugins.yaml").read_text()
    (runtime / "tvm_plugins.yaml").write_text(text.replace(" {}", "\n  a_flutter: {prefix: a_}"))
    assert look(entry(runtime)).registered == {}  # not committed yet
    commit(runtime, "Registered")
    assert look(entry(runtime)).registered == {"a_flutter": "a_"}

    (runtime / "tvm_plugins.yaml").write_text("version: 1\nplugins: {a_flutter: x}\n")
    commit(runtime, "Broken")
    reason, message, _ = _problem(look(entry(runtime)))
    assert reason is Reason.REPOSITORY
    assert "tvm_plugins.yaml:2: 'a_flutter' has no prefix" in message


@pytest.mark.parametrize("how", ["edited", "staged", "deleted", "untracked", "renamed"])
def test_changes_make_it_dirty_and_are_not_what_it_says(plugin: Path, how: str) -> None:
    if how == "edited":
        manifest = plugin / "tvm_plugin.yaml"
        manifest.write_text(manifest.read_text().replace("g2p_flutter", "other_flutter"))
    elif how == "staged":
        (plugin / "new").write_text("x")
        git(plugin, "add", "new")
    elif how == "deleted":
        (plugin / "tvm_plugin.yaml").unlink()
    elif how == "untracked":
        (plugin / "new").write_text("x")
    else:
        (plugin / "# branch.head lies").write_text("x" * 100)
        commit(plugin, "A strange name")
        git(plugin, "mv", "# branch.head lies", "new")
    facts = look(entry(plugin))
    assert (facts.problem, facts.dirty, facts.head_branch) == (None, True, "main")
    assert facts.manifest is not None
    assert facts.manifest.name == "g2p_flutter"


def test_ignored_files_do_not_make_it_dirty(plugin: Path) -> None:
    (plugin / ".git/info/exclude").write_text("out/\n")
    (plugin / "out").mkdir()
    (plugin / "out" / "x").write_text("x")
    assert not look(entry(plugin)).dirty


def test_looking_changes_nothing_in_the_repository(plugin: Path) -> None:
    os.utime(plugin / "tvm_plugin.yaml", (1, 1))

    def state() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in (plugin / ".git").rglob("*") if p.is_file()}

    before = state()
    look(entry(plugin, base="main"))
    assert state() == before


def test_the_branch_for_updates_and_where_it_is_checked_out(plugin: Path, tmp_path: Path) -> None:
    git(plugin, "branch", BRANCH)
    facts = look(entry(plugin))
    assert (facts.branch_tip, facts.branch_checked_out) == (facts.head, False)
    git(plugin, "worktree", "add", "--quiet", str(tmp_path / "elsewhere"), BRANCH)
    assert look(entry(plugin)).branch_checked_out
    git(plugin, "worktree", "remove", str(tmp_path / "elsewhere"))
    git(plugin, "switch", "--quiet", BRANCH)
    facts = look(entry(plugin))
    assert (facts.branch_checked_out, facts.head_branch) == (True, BRANCH)


def test_a_detached_head_is_told_and_is_the_base(plugin: Path) -> None:
    git(plugin, "checkout", "--quiet", "--detach")
    commit(plugin, "On no branch")
    facts = look(entry(plugin))
    assert (facts.problem, facts.head_branch) == (None, None)
    assert facts.head == git(plugin, "rev-parse", "HEAD")


def test_a_named_base_counts_whatever_is_checked_out(plugin: Path) -> None:
    base = git(plugin, "rev-parse", "main")
    git(plugin, "switch", "--quiet", "--create", "feature")
    (plugin / "tvm_plugin.yaml").unlink()
    commit(plugin, "A feature without a manifest")
    facts = look(entry(plugin, base="main"))
    assert (facts.problem, facts.head, facts.head_branch) == (None, base, "feature")
    assert facts.manifest is not None
    reason, message, mend = _problem(look(entry(plugin, base="trunk")))
    assert (reason, message) == (Reason.REPOSITORY, "g2p_flutter has no branch trunk")
    assert "base:" in mend


def test_a_worktree_and_a_shallow_clone_are_repositories_too(plugin: Path, tmp_path: Path) -> None:
    commit(plugin, "second")
    git(plugin, "worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"))
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{plugin}", "shallow")
    head = git(plugin, "rev-parse", "HEAD")
    assert [look(entry(tmp_path / each)).head for each in ("tree", "shallow")] == [head, head]


def test_a_submodule_is_no_hindrance(plugin: Path, rendered: Path) -> None:
    template = str(rendered / "template")
    git(plugin, "-c", "protocol.file.allow=always", "submodule", "add", "--quiet", template, "sub")
    commit(plugin, "A submodule")
    facts = look(entry(plugin))
    assert (facts.problem, facts.dirty) == (None, False)


@pytest.mark.parametrize(
    ("harm", "message", "mend"),
    [
        ("rm -r .", "there is no folder", "take it out of the fleet"),
        ("rm .git", "no git repository of its own", "git -C"),
        ("init", "has no commit yet", "Commit"),
        ("rm .git/HEAD", "not a git repository", "fsck"),
        ("rm .git/objects/*", "git status failed", "fsck"),
        ("rm answers", "has no .copier-answers.yml", "log -- .copier-answers.yml"),
        ("corrupt answers", ".copier-answers.yml:2 cannot be read: ", "log -- .copier-answers.yml"),
        ("binary answers", ".copier-answers.yml cannot be read: ", "log -- .copier-answers.yml"),
        ("empty answers", "holds no answers", "log -- .copier-answers.yml"),
        ("strange answers", ".copier-answers.yml cannot be read: month", "log -- .copier-an"),
        ("no source", "records no _src_path", "log -- .copier-answers.yml"),
        ("rm manifest", "no tvmplug plugin", "take it out of the fleet"),
        ("corrupt manifest", "'kind' is 'banana'", "git checkout tvm_plugin.yaml"),
    ],
)
def test_what_is_broken_is_told_with_a_mend_and_never_raised(
    plugin: Path, harm: str, message: str, mend: str
) -> None:
    answers, manifest = plugin / ".copier-answers.yml", plugin / "tvm_plugin.yaml"
    texts = {
        "corrupt answers": (answers, b"_commit: v0.1.0\nbroken: [}\n"),
        "binary answers": (answers, b"\xff\xfe"),
        "empty answers": (answers, b"# nothing\n"),
        "strange answers": (answers, b"_commit: 2024-13-01\n"),
        "no source": (answers, b"_commit: v0.1.0\n"),
        "corrupt manifest": (manifest, b"kind: banana\n"),
    }
    if harm == "rm -r .":
        shutil.rmtree(plugin)
    elif harm == "rm .git":
        shutil.rmtree(plugin / ".git")
    elif harm == "init":
        shutil.rmtree(plugin / ".git")
        git(plugin, "init", "--quiet")
    elif harm == "rm .git/HEAD":
        git(plugin.parent, "init", "--quiet")  # what git would find instead
        (plugin / ".git/HEAD").unlink()
    elif harm == "rm .git/objects/*":
        shutil.rmtree(plugin / ".git/objects")
        (plugin / ".git/objects").mkdir()
    elif harm.startswith("rm "):
        (answers if harm == "rm answers" else manifest).unlink()
        commit(plugin, "Harm")
    else:
        path, text = texts[harm]
        path.write_bytes(text)
        commit(plugin, "Harm")
    reason, told, mended = _problem(look(entry(plugin)))
    assert reason is Reason.REPOSITORY
    assert message in told
    assert "\n" not in told
    assert mend in mended


def test_without_git_every_repository_says_so(
    plugin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    reason, message, _ = _problem(look(entry(plugin)))
    assert (reason, message) == (Reason.TOOL, "git is not installed or not on PATH")


def test_many_are_asked_at_once_and_answer_in_order(plugin: Path, tmp_path: Path) -> None:
    entries = [entry(tmp_path / "missing"), entry(plugin), entry(plugin, name="again")] * 4
    found = look_all(entries, 3)
    assert [facts.repository for facts in found] == entries
    assert [facts.problem is None for facts in found] == [False, True, True] * 4


@pytest.fixture
def remote(plugin: Path, tmp_path: Path) -> Repository:
    """A plugin that fleet.yaml names by the address of a bare repository."""
    bare = tmp_path / "remote.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(plugin), str(bare))
    git(plugin, "remote", "add", "origin", str(bare))
    place = tmp_path / ".fleet" / "clones" / "g2p_flutter"
    return entry(place, source=str(bare), is_remote=True)


def test_an_address_is_cloned_once_and_then_fetched(plugin: Path, remote: Repository) -> None:
    (facts,) = look_all([remote])
    assert (facts.problem, facts.head_branch) == (None, "main")
    assert facts.head == git(plugin, "rev-parse", "HEAD")
    inode = remote.path.stat().st_ino

    commit(plugin, "More")
    git(plugin, "push", "--quiet", "origin", "main")
    (stale,) = look_all([remote], refresh=False)
    (fresh,) = look_all([remote])
    assert stale.head == facts.head
    assert fresh.head == git(plugin, "rev-parse", "HEAD")
    assert remote.path.stat().st_ino == inode


def test_the_remotes_default_branch_is_followed_under_a_new_name(
    plugin: Path, remote: Repository
) -> None:
    look_all([remote])
    git(plugin, "switch", "--quiet", "--create", "trunk")
    commit(plugin, "More")
    git(plugin, "push", "--quiet", "origin", "trunk")
    git(Path(remote.source), "symbolic-ref", "HEAD", "refs/heads/trunk")
    git(Path(remote.source), "branch", "--delete", "--force", "main")
    (facts,) = look_all([remote])
    assert (facts.head_branch, facts.head) == ("trunk", git(plugin, "rev-parse", "HEAD"))
    (facts,) = look_all([replace(remote, base="main")])
    assert "has no branch main" in _problem(facts)[1]


def test_the_branch_for_updates_follows_the_remotes_and_never_goes_back(
    plugin: Path, remote: Repository
) -> None:
    git(plugin, "switch", "--quiet", "--create", BRANCH)
    commit(plugin, "Updated elsewhere")
    git(plugin, "push", "--quiet", "origin", BRANCH)
    first = git(plugin, "rev-parse", "HEAD")
    (facts,) = look_all([remote])
    assert facts.branch_tip == first
    assert facts.head == git(plugin, "rev-parse", "main")

    commit(plugin, "A reviewer's commit")
    git(plugin, "push", "--quiet", "origin", BRANCH)
    second = git(plugin, "rev-parse", "HEAD")
    (facts,) = look_all([remote])
    assert facts.branch_tip == second

    git(plugin, "push", "--quiet", "origin", f"+{first}:refs/heads/{BRANCH}")
    (facts,) = look_all([remote])
    assert facts.branch_tip == second
    at_branch = look(replace(remote, base=BRANCH))  # where an update that waits goes on from
    assert (at_branch.problem, at_branch.head) == (None, second)


def test_a_changed_address_is_fetched_from(
    plugin: Path, remote: Repository, tmp_path: Path
) -> None:
    look_all([remote])
    moved = tmp_path / "moved.git"
    Path(remote.source).rename(moved)
    commit(plugin, "More")
    git(plugin, "push", "--quiet", str(moved), "main")
    (facts,) = look_all([replace(remote, source=str(moved))])
    assert (facts.problem, facts.head) == (None, git(plugin, "rev-parse", "HEAD"))


def test_a_fetch_that_fails_is_told_and_names_no_password(remote: Repository) -> None:
    look_all([remote])
    Path(remote.source).rename(Path(remote.source).with_name("gone.git"))
    (facts,) = look_all([remote])
    reason, message, mend = _problem(facts)
    assert reason is Reason.REPOSITORY
    assert "cannot be fetched" in message
    assert "does not appear to be a git repository" in message
    assert f"git ls-remote {remote.source}" in mend

    closed = "http://me:secret@127.0.0.1:1/x.git"
    (facts,) = look_all([replace(remote, source=closed)])
    assert "http://127.0.0.1:1/x.git cannot be fetched" in _problem(facts)[1]
    assert "secret" not in str(facts.problem)


def test_a_clone_that_was_killed_is_made_again(plugin: Path, remote: Repository) -> None:
    begun = remote.path.with_name(".g2p_flutter.clone")
    (begun / ".git").mkdir(parents=True)
    remote.path.mkdir()
    (remote.path / "half").write_text("x")
    refresh_clone(remote)
    assert look(remote).head == git(plugin, "rev-parse", "HEAD")
    assert not begun.exists()
    assert not (remote.path / "half").exists()


def test_an_empty_remote_has_no_commit(remote: Repository, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "empty.git")
    (facts,) = look_all([replace(remote, source=str(tmp_path / "empty.git"))])
    assert "has no commit yet" in _problem(facts)[1]
