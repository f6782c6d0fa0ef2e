"""`tvmplug fleet update`, `diff` and `resume` over small fleets, as a user runs them."""

from __future__ import annotations

from pathlib import Path

import pytest
from copier import run_update

from tests.fleet.commands import BRANCH, commits_on, fleet, look, show
from tests.fleet.small import RUNTIME_NAME, commit_project, make_fleet, make_project, release
from tests.templates.conftest import commit, git
from tvmplug.errors import FleetBehindError, FleetError, UsageError

pytestmark = pytest.mark.slow

MODELS = ("g00_flutter", "g01_flutter")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A fleet of a runtime plugin and two models at v0.1.0; the template has v0.2.0."""
    path = make_fleet(tmp_path / "fleet", len(MODELS))
    release(path.parent / "template", "v0.2.0")
    return path


def edit(folder: Path, path: str, old: str, new: str, message: str = "Edited") -> None:
    """Change a file as an author would, and commit it."""
    text = (folder / path).read_text()
    assert old in text
    (folder / path).write_text(text.replace(old, new))
    commit(folder, message)


def test_every_plugin_gets_one_commit_on_a_branch_and_nothing_else_changes(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [file.parent / name for name in (RUNTIME_NAME, *MODELS)]
    before = [look(folder) for folder in folders]
    told = fleet(capsys, "update", file)
    assert told.code == 0
    assert set(told.results.values()) == {"updated"}
    for folder, was in zip(folders, before, strict=True):
        tip = git(folder, "rev-parse", BRANCH)
        assert told.of(folder.name)["commit"] == tip
        assert commits_on(folder) == 1
        assert "_commit: v0.2.0" in show(folder, ".copier-answers.yml")
        git(folder, "update-ref", "-d", f"refs/heads/{BRANCH}")
        assert look(folder) == was
    assert not list((file.parent / ".fleet/work").glob("*/*"))


def test_the_branch_is_what_copier_update_makes(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = file.parent / MODELS[0]
    edit(folder, "docs/guide.md", "Two.", "Two, and mine.")
    edit(folder, "rust/src/lib.rs", "line 3: nothing", "line 3: my own")
    git(tmp_path, "clone", "--quiet", str(folder), "by-hand")
    by_hand = tmp_path / "by-hand"
    run_update(by_hand, defaults=True, overwrite=True, unsafe=True, quiet=True)
    git(by_hand, "add", "--all")
    told = fleet(capsys, "update", file, "--only", MODELS[0], "--keep-edits")
    assert told.of(MODELS[0])["result"] == "updated", told.document
    copiers = git(by_hand, "ls-tree", "-r", git(by_hand, "write-tree")).splitlines()
    ours = git(folder, "ls-tree", "-r", BRANCH).splitlines()
    # The template renamed the guide: Copier drops the edit of the old one, the fleet keeps it.
    assert [line.split("\t")[1] for line in set(ours) ^ set(copiers)] == ["docs/guide.md"]
    assert len(ours) > len(copiers)


def test_a_second_update_does_nothing_and_a_new_release_goes_on_top(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet(capsys, "update", file)
    folder = file.parent / MODELS[0]
    tip = git(folder, "rev-parse", BRANCH)
    assert set(fleet(capsys, "update", file).results.values()) == {"unchanged"}
    assert git(folder, "rev-parse", BRANCH) == tip
    release(file.parent / "template", "v0.3.0")
    assert set(fleet(capsys, "update", file).results.values()) == {"updated"}
    assert git(folder, "rev-parse", f"{BRANCH}^") == tip
    git(folder, "merge", "--quiet", "--ff-only", BRANCH)
    release(file.parent / "template", "v0.4.0")
    assert fleet(capsys, "update", file, "--only", MODELS[0]).results == {MODELS[0]: "updated"}
    assert commits_on(folder) == 1


def test_an_update_that_was_squashed_when_it_was_merged_is_in_nobodys_way(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet(capsys, "update", file, "--only", MODELS[0])
    folder = file.parent / MODELS[0]
    tip = git(folder, "rev-parse", BRANCH)
    git(folder, "merge", "--quiet", "--squash", BRANCH)
    commit(folder, "Update (#1)")
    release(file.parent / "template", "v0.3.0")
    assert fleet(capsys, "update", file, "--only", MODELS[0]).results == {MODELS[0]: "updated"}
    # A push is a fast-forward of what the remote has, and the request shows this update alone.
    git(folder, "merge-base", "--is-ancestor", tip, BRANCH)
    assert git(folder, "rev-parse", f"{BRANCH}^1") == git(folder, "rev-parse", "HEAD")
    assert "_commit: v0.3.0" in show(folder, ".copier-answers.yml")


def test_an_update_that_waits_while_the_base_moves_on_is_made_anew(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet(capsys, "update", file, "--only", MODELS[0])
    folder = file.parent / MODELS[0]
    tip = git(folder, "rev-parse", BRANCH)
    edit(folder, "rust/src/lib.rs", "line 3: nothing", "line 3: meanwhile")
    release(file.parent / "template", "v0.3.0")
    assert fleet(capsys, "update", file, "--only", MODELS[0]).results == {MODELS[0]: "updated"}
    git(folder, "merge-base", "--is-ancestor", tip, BRANCH)
    assert git(folder, "rev-parse", f"{BRANCH}^1") == git(folder, "rev-parse", "HEAD")
    assert "line 3: meanwhile" in show(folder, "rust/src/lib.rs")
    assert "_commit: v0.3.0" in show(folder, ".copier-answers.yml")


def test_what_somebody_put_on_the_branch_is_left_alone_when_it_went_apart(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet(capsys, "update", file, "--only", MODELS[0])
    folder = file.parent / MODELS[0]
    git(folder, "switch", "--quiet", BRANCH)
    (folder / "NOTES.md").write_text("somebody's\n")
    commit(folder, "A fix on the pull request")
    git(folder, "switch", "--quiet", "-")
    edit(folder, "rust/src/lib.rs", "line 3: nothing", "line 3: meanwhile")
    release(file.parent / "template", "v0.3.0")
    before = look(folder)
    outcome = fleet(capsys, "update", file, "--only", MODELS[0]).of(MODELS[0])
    assert (outcome["result"], outcome["reason"]) == ("skipped", "branch")
    assert BRANCH in outcome["mend"]
    assert look(folder) == before


def test_a_conflict_leaves_the_repository_as_it_was_and_the_others_go_on(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = file.parent / MODELS[0]
    edit(folder, "rust/src/lib.rs", "line 20: nothing", "line 20: my own")
    before = look(folder)
    told = fleet(capsys, "update", file)
    assert told.code == FleetBehindError.exit_code
    assert told.results == {RUNTIME_NAME: "updated", MODELS[0]: "failed", MODELS[1]: "updated"}
    outcome = told.of(MODELS[0])
    assert outcome["reason"] == "conflict"
    assert outcome["details"] == ["rust/src/lib.rs"]
    assert "copier update" in outcome["mend"]
    assert look(folder) == before
    log = next((file.parent / ".fleet/logs").rglob(f"{MODELS[0]}.log")).read_text()
    assert "rust/src/lib.rs" in log


def test_an_edit_that_copier_would_lose_is_reported_and_kept(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = file.parent / MODELS[0]
    edit(folder, "docs/old.md", "Nobody reads this.", "I do.")
    before = look(folder)
    outcome = fleet(capsys, "update", file, "--only", MODELS[0]).of(MODELS[0])
    assert (outcome["result"], outcome["reason"]) == ("failed", "lost edit")
    assert "docs/old.md" in outcome["message"]
    assert look(folder) == before
    outcome = fleet(capsys, "update", file, "--only", MODELS[0], "--keep-edits").of(MODELS[0])
    assert outcome["result"] == "updated"
    assert any("docs/old.md" in notice for notice in outcome["notices"])
    assert "I do." in show(folder, "docs/old.md")
    assert "docs/old.md" in git(folder, "log", "-1", "--format=%B", BRANCH)


def test_a_dirty_tree_is_left_alone_and_updated_only_when_told(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = file.parent / MODELS[0]
    (folder / "docs/guide.md").write_text("in the middle of it\n")
    before = look(folder)
    outcome = fleet(capsys, "update", file, "--only", MODELS[0]).of(MODELS[0])
    assert (outcome["result"], outcome["reason"]) == ("skipped", "dirty")
    assert "--dirty" in outcome["mend"]
    assert look(folder) == before
    outcome = fleet(capsys, "update", file, "--only", MODELS[0], "--dirty").of(MODELS[0])
    assert outcome["result"] == "updated"
    assert "in the middle of it" not in show(folder, "docs/guide-v0.2.0.md")
    git(folder, "update-ref", "-d", f"refs/heads/{BRANCH}")
    assert look(folder) == before


def test_diff_and_dry_run_show_the_change_and_make_none(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = file.parent / MODELS[0]
    before = look(folder)
    compared = fleet(capsys, "diff", file, "--only", MODELS[0]).of(MODELS[0])
    assert "+// Made by v0.2.0 for g00_flutter." in compared["patch"]
    tried = fleet(capsys, "update", file, "--only", MODELS[0], "--dry-run").of(MODELS[0])
    assert tried["result"] == "updated"
    assert tried["commit"] is None
    assert look(folder) == before
    fleet(capsys, "update", file, "--only", MODELS[0])
    git(folder, "merge", "--quiet", "--ff-only", BRANCH)
    git(folder, "reset", "--quiet", "--hard", "HEAD~1")
    applied = folder.parent / "the.patch"
    applied.write_text(compared["patch"])
    git(folder, "apply", "--index", str(applied))
    assert git(folder, "write-tree") == git(folder, "rev-parse", f"{BRANCH}^{{tree}}")


def test_tvm_moves_across_the_fleet_in_one_run(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release(file.parent / "template", "v0.3.0", tvm="0.28.0")
    release(file.parent / "template", "v0.4.0", tvm="0.29.0")
    told = fleet(capsys, "update", file, "--tvm", "0.28.0")
    assert set(told.results.values()) == {"updated"}
    for name in (RUNTIME_NAME, *MODELS):
        assert "tvm: 0.28.0" in show(file.parent / name, "tvm_plugin.yaml")
        assert "_commit: v0.3.0" in show(file.parent / name, ".copier-answers.yml")


def test_models_wait_for_a_runtime_plugin_that_cannot_move_to_the_new_tvm(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release(file.parent / "template", "v0.3.0", tvm="0.28.0")
    runtime = file.parent / RUNTIME_NAME
    edit(runtime, "rust/src/lib.rs", "line 20: nothing", "line 20: my own")
    told = fleet(capsys, "update", file)
    assert told.of(RUNTIME_NAME)["reason"] == "conflict"
    for name in MODELS:
        outcome = told.of(name)
        assert (outcome["result"], outcome["reason"]) == ("skipped", "runtime plugin")
        assert RUNTIME_NAME in outcome["mend"]
    # Without a new TVM nothing binds them to it.
    told = fleet(capsys, "update", file, "--to", "v0.2.0")
    assert told.results == {RUNTIME_NAME: "failed", **dict.fromkeys(MODELS, "updated")}


def test_a_model_alone_does_not_leave_the_runtime_plugins_tvm(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release(file.parent / "template", "v0.3.0", tvm="0.28.0")
    outcome = fleet(capsys, "update", file, "--only", MODELS[0]).of(MODELS[0])
    assert (outcome["result"], outcome["reason"]) == ("skipped", "runtime plugin")


def test_two_plugins_with_one_prefix_are_both_refused(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_project(
        file.parent / "template", file.parent / "twin_flutter", name="twin_flutter", prefix="g00_"
    )
    file.write_text(file.read_text() + f"  - {folder.name}\n")
    told = fleet(capsys, "update", file)
    assert told.results == {
        RUNTIME_NAME: "updated",
        MODELS[0]: "failed",
        MODELS[1]: "updated",
        "twin_flutter": "failed",
    }
    assert told.of("twin_flutter")["reason"] == told.of(MODELS[0])["reason"] == "prefix"
    assert MODELS[0] in told.of("twin_flutter")["message"]


def test_a_template_that_the_fleet_does_not_name_is_never_run(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    git(tmp_path, "clone", "--quiet", str(file.parent / "template"), str(other))
    folder = make_project(other, file.parent / "odd_flutter", name="odd_flutter", prefix="odd_")
    file.write_text(file.read_text() + f"  - {folder.name}\n")
    before = look(folder)
    outcome = fleet(capsys, "update", file, "--trust").of("odd_flutter")
    assert (outcome["result"], outcome["reason"]) == ("skipped", "template")
    assert str(other) in outcome["message"]
    assert "templates:" in outcome["mend"]
    assert look(folder) == before


@pytest.mark.parametrize("trust", [False, True])
def test_hooks_of_the_template_run_only_with_trust(
    trust: bool,
    file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TVMPLUG_SKIP_HOOKS")
    options = ["--trust"] if trust else []
    fleet(capsys, "update", file, "--only", MODELS[0], *options)
    files = git(file.parent / MODELS[0], "ls-tree", "--name-only", BRANCH)
    assert (".migrated" in files.splitlines()) is trust


def test_limit_is_a_canary_and_groups_choose(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = fleet(capsys, "update", file, "--limit", "1")
    assert told.results == {RUNTIME_NAME: "updated"}
    told = fleet(capsys, "update", file, "--only", "g0*", "--limit", "1")
    assert told.results == {MODELS[0]: "updated"}
    file.write_text(
        file.read_text().replace(f"- {MODELS[1]}", f"- {{path: {MODELS[1]}, groups: [b]}}")
    )
    assert fleet(capsys, "update", file, "--group", "b").results == {MODELS[1]: "updated"}
    assert fleet(capsys, "update", file, "--group", "c").code == UsageError.exit_code


def test_resume_without_a_killed_run_says_so(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet(capsys, "update", file)
    assert fleet(capsys, "resume", file).document == {"run": None, "repositories": []}


def test_a_formatted_file_must_stay_formatted(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library = file.parent / "template/template-model/rust/src/lib.rs.jinja"
    source = library.read_text().replace("vec![PREFIX", "vec![ PREFIX")
    release(
        file.parent / "template", "v0.3.0", write={"template-model/rust/src/lib.rs.jinja": source}
    )
    outcome = fleet(capsys, "update", file, "--only", MODELS[0]).of(MODELS[0])
    assert (outcome["result"], outcome["reason"]) == ("failed", "formatting")
    assert outcome["details"] == ["rust/src/lib.rs"]
    # What was unformatted before is its author's own affair.
    folder = file.parent / MODELS[1]
    edit(folder, "rust/src/lib.rs", "pub fn names() ->", "pub fn names()   ->")
    outcome = fleet(capsys, "update", file, "--only", MODELS[1]).of(MODELS[1])
    assert outcome["result"] == "updated"


def test_exit_codes_name_the_family(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = fleet(capsys, "update", file, "--tvm", "9.9.9")
    assert told.code == FleetError.exit_code
    assert "0.27.0.post1" in told.document["error"]["message"] + told.document["error"]["mend"]
    told = fleet(capsys, "update", file, "--to", "v0.2.0", "--tvm", "0.27.0.post1")
    assert told.code == UsageError.exit_code
    told = fleet(capsys, "update", file, "--only", "g0_flutter")
    assert told.code == UsageError.exit_code
    assert "g00_flutter" in told.document["error"]["mend"]


def test_a_repository_without_commits_or_manifest_does_not_stop_the_others(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (file.parent / "empty").mkdir()
    git(file.parent / "empty", "init", "--quiet")
    (file.parent / "plain").mkdir()
    (file.parent / "plain/README.md").write_text("no plugin\n")
    commit_project(file.parent / "plain")
    file.write_text(file.read_text() + "  - empty\n  - plain\n  - gone\n")
    told = fleet(capsys, "update", file)
    assert {told.of(name)["reason"] for name in ("empty", "plain", "gone")} == {"repository"}
    assert all(told.of(name)["mend"] for name in ("empty", "plain", "gone"))
    assert {told.results[name] for name in (RUNTIME_NAME, *MODELS)} == {"updated"}


def test_the_defaults_of_somebodys_settings_do_not_get_into_an_update(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "mine.yml"
    settings.write_text("defaults: {motto: mine}\n")
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(settings))
    questions = (file.parent / "template/copier.yml").read_text()
    release(
        file.parent / "template",
        "v0.3.0",
        write={"copier.yml": questions + "\nmotto:\n  type: str\n  default: the template's\n"},
    )
    assert fleet(capsys, "update", file, "--only", MODELS[0]).results == {MODELS[0]: "updated"}
    assert "motto: the template's" in show(file.parent / MODELS[0], ".copier-answers.yml")
