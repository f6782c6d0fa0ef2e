"""`tvmplug publish`: two mirrors from one tag, which serve copies and updates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from copier.errors import UserMessageError
from plumbum import local

from tvmplug.cli import main
from tvmplug.commands.new import one_line
from tvmplug.errors import ProjectError, UsageError
from tvmplug.publish import publish

from .conftest import commit, files_of, git, render, update

pytestmark = pytest.mark.slow


def heads(mirror: Path) -> str:
    return git(mirror, "for-each-ref")


@pytest.fixture
def mirrors(tmp_path: Path) -> Path:
    return tmp_path / "mirrors"


@pytest.fixture
def github(mirrors: Path) -> Iterator[str]:
    """`gh:ORG` leads to the local mirrors."""
    redirect = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{mirrors}/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/tvm-org/",
    }
    with local.env(**redirect):
        yield "gh:tvm-org"


def test_mirrors_serve_copies_and_updates(
    own_template: Path, mirrors: Path, github: str, tmp_path: Path
) -> None:
    publish(own_template, str(mirrors), "v0.1.0")
    folder = tmp_path / "kokoro_flutter"
    render(Path(f"{github}/template-model"), folder)  # as it is spelled on the command line
    answers = (folder / ".copier-answers.yml").read_text()
    assert "_commit: v0.1.0" in answers
    assert "_src_path: gh:tvm-org/template-model" in answers
    assert "\nkind:" not in answers
    assert "kind: model" in (folder / "tvm_plugin.yaml").read_text()
    git(folder, "init", "--quiet")
    commit(folder, "Generated")

    notice = own_template / "template-model/NOTICE.md"
    notice.write_text("# New\n")
    commit(own_template, "Second release", tag="v0.2.0")
    publish(own_template, str(mirrors), "v0.2.0")
    update(folder)
    assert (folder / "NOTICE.md").read_text() == "# New\n"
    commit(folder, "Updated")
    update(folder)
    assert git(folder, "status", "--porcelain") == ""


def test_a_mirror_makes_its_own_kind_only(
    own_template: Path, mirrors: Path, github: str, tmp_path: Path
) -> None:
    publish(own_template, str(mirrors), "v0.1.0")
    with pytest.raises(UserMessageError) as caught:
        render(Path(f"{github}/template-model"), tmp_path / "x_flutter", kind="runtime")
    assert "template-runtime" in one_line(str(caught.value))
    render(Path(f"{github}/template-runtime"), tmp_path / "tvm_runtime_flutter")
    assert (tmp_path / "tvm_runtime_flutter/tvm_plugins.yaml").is_file()


def test_mirrors_hold_the_same_tree_but_for_the_questions(
    own_template: Path, mirrors: Path, tmp_path: Path
) -> None:
    publish(own_template, str(mirrors), "v0.1.0")
    trees = {}
    for kind in ("runtime", "model"):
        git(tmp_path, "clone", "--quiet", str(mirrors / f"template-{kind}.git"), kind)
        trees[kind] = files_of(tmp_path / kind)
        assert git(tmp_path / kind, "describe", "--exact-match") == "v0.1.0"
    source = files_of(own_template)
    for tree in trees.values():
        assert {name for name in source if tree.get(name) != source[name]} == {
            "cookiecutter.json",
            "questions/kind.yml",
        }
        assert set(tree) == set(source)


def test_publishing_again_changes_nothing_and_the_next_tag_only_adds(
    own_template: Path, mirrors: Path, tmp_path: Path
) -> None:
    to = ["publish", "--source", str(own_template), "--to", str(mirrors)]
    assert main(to) == 0
    mirror = mirrors / "template-model.git"
    first = heads(mirror)
    assert main(to) == 0
    assert heads(mirror) == first

    commit(own_template, "Second release", tag="v0.2.0")
    assert [done.added for done in publish(own_template, str(mirrors))] == [True, True]
    assert set(first.splitlines()[1:]) < set(heads(mirror).splitlines())
    assert git(mirror, "rev-list", "--count", "main") == "2"
    assert git(mirror, "rev-parse", "v0.2.0^{commit}^") == git(
        mirror, "rev-parse", "v0.1.0^{commit}"
    )

    publish(own_template, str(tmp_path / "second"), "v0.1.0")
    assert heads(tmp_path / "second/template-model.git") == first


def test_what_cannot_be_published_is_refused(own_template: Path, mirrors: Path) -> None:
    (own_template / "copier.yml").open("a").write("# edited\n")
    with pytest.raises(ProjectError, match="changes that no commit holds"):
        publish(own_template, str(mirrors), "v0.1.0")
    commit(own_template, "Edited")
    with pytest.raises(ProjectError, match="has no tag"):
        publish(own_template, str(mirrors))
    with pytest.raises(UsageError, match="is no release"):
        publish(own_template, str(mirrors), "main")
    with pytest.raises(ProjectError, match=r"has no tag v9\.0\.0"):
        publish(own_template, str(mirrors), "v9.0.0")
    assert not mirrors.exists()


def test_a_published_tag_never_moves_and_mirrors_never_go_back(
    own_template: Path, mirrors: Path
) -> None:
    commit(own_template, "Second release", tag="v0.2.0")
    publish(own_template, str(mirrors))
    before = heads(mirrors / "template-model.git")
    with pytest.raises(ProjectError, match=r"is at v0\.2\.0 already"):
        publish(own_template, str(mirrors), "v0.1.0")
    git(own_template, "tag", "--delete", "v0.2.0")
    (own_template / "copier.yml").open("a").write("# edited\n")
    commit(own_template, "Another second release", tag="v0.2.0")
    with pytest.raises(ProjectError, match=r"has another v0\.2\.0"):
        publish(own_template, str(mirrors))
    assert heads(mirrors / "template-model.git") == before
