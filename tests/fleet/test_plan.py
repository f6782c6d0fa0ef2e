"""What an update decides about a repository, before anything is done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.templates.conftest import commit, git
from tvmplug.fleet.books import options_from, options_to
from tvmplug.fleet.facts import Facts
from tvmplug.fleet.plan import (
    Draft,
    Options,
    Relation,
    decide,
    hindrance,
    in_order,
    relation,
)
from tvmplug.fleet.records import Checkout, Outcome, Reason, Repository, Result, Verify

PINS = "runtime_version:\n  default: {}\n  when: false\n"


def repository(path: Path, *, name: str = "g2p_flutter", runtime: bool = False) -> Repository:
    return Repository(
        name=name,
        source=str(path),
        path=path,
        is_remote=False,
        groups=(),
        is_runtime=runtime,
        base=None,
        branch="tvmplug/update",
        data={},
        keep_edits=False,
        verify=Verify.RENDER,
    )


def version(tmp_path: Path, text: str, tvm: str = "0.27.0") -> Checkout:
    """A template's version, whose runtime plugin has the TVM's version."""
    folder = tmp_path / f"template-{text}"
    (folder / "src/tvmplug").mkdir(parents=True, exist_ok=True)
    (folder / "src/tvmplug/pins.yml").write_text(PINS.format(tvm))
    return Checkout(
        source="gh:acme/template-model",
        commit=text.encode().hex().ljust(40, "0"),
        described=f"v{text}",
        version=text,
        path=folder,
        tvm=tvm,
    )


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    """A repository with one commit, and what it says."""
    folder = tmp_path / "g2p_flutter"
    folder.mkdir()
    git(folder, "init", "--quiet")
    commit(folder, "First")
    return look(folder)


def look(folder: Path) -> Facts:
    """Only what `relation` asks for."""
    tips = git(folder, "for-each-ref", "--format=%(objectname)", "refs/heads/tvmplug/update")
    return Facts(
        repository=repository(folder),
        head=git(folder, "rev-parse", "main"),
        head_branch="main",
        branch_tip=tips or None,
        answers={"_src_path": "gh:acme/template-model", "_commit": "v0.1.0"},
    )


def test_how_the_two_branches_lie_decides_where_an_update_starts(facts: Facts) -> None:
    folder = facts.repository.path
    assert relation(facts) is Relation.NONE
    git(folder, "branch", "tvmplug/update")
    assert relation(look(folder)) is Relation.MERGED
    commit(folder, "On main alone")
    assert relation(look(folder)) is Relation.MERGED
    git(folder, "switch", "--quiet", "--force-create", "tvmplug/update")
    commit(folder, "An update that waits")
    assert relation(look(folder)) is Relation.AHEAD
    git(folder, "switch", "--quiet", "main")
    commit(folder, "Meanwhile")
    # Empty commits: merging the branch would change nothing, as after a squash.
    assert relation(look(folder)) is Relation.OURS
    git(folder, "switch", "--quiet", "tvmplug/update")
    (folder / "new.txt").write_text("on the branch alone\n")
    commit(folder, "An update that waits")
    assert relation(look(folder)) is Relation.APART
    own = git(folder, "rev-list", "main..tvmplug/update").split()
    assert relation(look(folder), lambda: own) is Relation.OURS
    assert relation(look(folder), lambda: own[1:]) is Relation.APART


def test_what_hinders_an_update_and_what_does_not(facts: Facts) -> None:
    go = Options()
    assert hindrance(facts, Relation.NONE, go) is None
    assert hindrance(facts, Relation.AHEAD, go) is None
    cases: list[tuple[Facts, Relation, Reason]] = [
        (replace(facts, dirty=True), Relation.NONE, Reason.DIRTY),
        (replace(facts, branch_checked_out=True), Relation.MERGED, Reason.BRANCH),
        (facts, Relation.APART, Reason.BRANCH),
        (replace(facts, problem=(Reason.TOOL, "no git", "get it")), Relation.NONE, Reason.TOOL),
    ]
    for broken, lie, reason in cases:
        outcome = hindrance(broken, lie, go)
        assert outcome is not None
        assert (outcome.result, outcome.reason) == (Result.SKIPPED, reason)
        assert outcome.mend
    assert hindrance(replace(facts, dirty=True), Relation.NONE, replace(go, dirty=True)) is None
    # A run that moves no branch may look at any.
    assert hindrance(facts, Relation.APART, replace(go, publish=False)) is None


def test_a_plugin_is_updated_left_or_refused_by_its_version(facts: Facts, tmp_path: Path) -> None:
    old, new = version(tmp_path, "0.1.0"), version(tmp_path, "0.2.0")
    draft = decide(facts, Relation.NONE, None, old=old, new=new)
    assert isinstance(draft, Draft)
    assert (draft.start, draft.old, draft.new) == (facts.head, old, new)
    same = decide(facts, Relation.NONE, None, old=new, new=new)
    assert isinstance(same, Outcome)
    assert same.result is Result.UNCHANGED
    back = decide(facts, Relation.NONE, None, old=new, new=old)
    assert isinstance(back, Outcome)
    assert (back.result, back.reason) == (Result.SKIPPED, Reason.TEMPLATE)


def test_an_answer_that_fleet_yaml_changes_is_an_update_of_its_own(
    facts: Facts, tmp_path: Path
) -> None:
    new = version(tmp_path, "0.2.0")
    asked = replace(facts.repository, data={"organisation": "com.acme"})
    draft = decide(replace(facts, repository=asked), Relation.NONE, None, old=new, new=new)
    assert isinstance(draft, Draft)
    assert draft.data == {"organisation": "com.acme"}
    answered = {**facts.answers, "organisation": "com.acme"}
    done = decide(
        replace(facts, repository=asked, answers=answered), Relation.NONE, None, old=new, new=new
    )
    assert isinstance(done, Outcome)


def test_the_runtime_plugins_tag_moves_with_the_pin_where_it_followed_it(
    facts: Facts, tmp_path: Path
) -> None:
    old, new = version(tmp_path, "0.1.0"), version(tmp_path, "0.2.0", tvm="0.28.0")
    following = replace(facts, answers={**facts.answers, "runtime_git_ref": "v0.27.0"})
    draft = decide(following, Relation.NONE, None, old=old, new=new)
    assert isinstance(draft, Draft)
    assert draft.data == {"runtime_git_ref": "v0.28.0"}
    own = replace(facts, answers={**facts.answers, "runtime_git_ref": "main"})
    draft = decide(own, Relation.NONE, None, old=old, new=new)
    assert isinstance(draft, Draft)
    assert draft.data == {}


def test_the_runtime_plugin_is_first_and_a_limit_counts_it(facts: Facts, tmp_path: Path) -> None:
    model = decide(
        facts,
        Relation.NONE,
        None,
        old=version(tmp_path, "0.1.0"),
        new=version(tmp_path, "0.2.0"),
    )
    assert isinstance(model, Draft)
    runtime = replace(
        model, repository=repository(tmp_path, name="tvm_runtime_flutter", runtime=True)
    )
    assert in_order([model, model, runtime], None) == (runtime, model, model)
    assert in_order([model, runtime], 1) == (runtime,)


def test_options_survive_the_ledger() -> None:
    options = Options(
        only=("g*",), groups=("speech",), limit=3, tvm="0.28.0", verify=Verify.TEST, dirty=True
    )
    assert options_from(options_to(options)) == options
    assert options_from(options_to(Options())) == Options()
