"""Updates, with real git: equal to a fresh render, and gentle with the author's files."""

from __future__ import annotations

from pathlib import Path

import pytest
from copier.errors import UserMessageError

from tvmplug.commands.new import one_line

from .conftest import commit, files_of, git, render, update

ANSWERS = {
    "runtime": {"kind": "runtime", "author": "Ada"},
    "model": {
        "kind": "model", "plugin_name": "g2p_flutter", "components": ["encoder", "decoder_step"],
        "author": "Ada",
    },
}  # fmt: skip
EDITED = {"runtime": "tvm_plugins.yaml", "model": "model/export.py"}


@pytest.fixture(params=["runtime", "model"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def project(kind: str, own_template: Path, tmp_path: Path) -> Path:
    """A committed plugin, generated from v0.1.0."""
    folder = render(own_template, tmp_path / "project", ref="v0.1.0", **ANSWERS[kind])
    git(folder, "init", "--quiet")
    commit(folder, "Generated")
    return folder


def release(template: Path) -> None:
    """Tag v0.2.0: another pin, a changed file, a new one, one that is gone, a changed start."""
    pins = template / "src/tvmplug/pins.yml"
    pins.write_text(pins.read_text().replace("default: 0.27.0.post1", "default: 0.27.1"))
    for kind in ANSWERS:
        root = template / f"template-{kind}"
        cmake = root / "linux/CMakeLists.txt.jinja"
        cmake.write_text(cmake.read_text().replace("VERSION 3.13", "VERSION 3.14"))
        (root / "NEWS.md.jinja").write_text("# For {{ plugin_name }}\n")
        (root / ".pubignore").unlink()
    start = template / "starters/relax/export.py.jinja"
    start.write_text(start.read_text() + "\n# a better start\n")
    commit(template, "Second release", tag="v0.2.0")


@pytest.mark.slow
def test_an_update_equals_a_fresh_render_and_the_second_one_does_nothing(
    kind: str, project: Path, own_template: Path, tmp_path: Path
) -> None:
    release(own_template)
    update(project)
    fresh = files_of(render(own_template, tmp_path / "fresh", **ANSWERS[kind]))
    updated = files_of(project)
    changed_start = {"model/export.py"} & set(
        fresh
    )  # the author's; a fresh plugin gets the new one
    assert {name for name in fresh if updated.get(name) != fresh[name]} == changed_start
    assert set(updated) == set(fresh)
    assert b"0.27.1" in updated["tvm_plugin.yaml"]

    commit(project, "Updated")
    update(project)
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.slow
def test_an_update_keeps_the_authors_edits(kind: str, project: Path, own_template: Path) -> None:
    edited = project / EDITED[kind]
    edited.write_text("# mine\n" + edited.read_text())
    mine = edited.read_text()
    commit(project, "Edited")
    release(own_template)
    update(project)
    assert edited.read_text() == mine
    assert "VERSION 3.14" in (project / "linux/CMakeLists.txt").read_text()
    assert git(project, "ls-files", "--unmerged") == ""
    assert not list(project.rglob("*.rej"))


@pytest.mark.slow
def test_an_update_refuses_another_kind(kind: str, project: Path, own_template: Path) -> None:
    release(own_template)
    other = "model" if kind == "runtime" else "runtime"
    before = files_of(project)
    with pytest.raises(UserMessageError) as caught:
        update(project, kind=other)
    assert f"cannot change from '{kind}' to '{other}'" in one_line(str(caught.value))
    assert files_of(project) == before


@pytest.mark.slow
def test_an_answer_can_change_in_an_update(own_template: Path, tmp_path: Path) -> None:
    folder = render(own_template, tmp_path / "p", ref="v0.1.0", **ANSWERS["model"])
    git(folder, "init", "--quiet")
    commit(folder, "Generated")
    update(folder, components=["encoder"])
    assert "components: [encoder]\n" in (folder / "tvm_plugin.yaml").read_text()
    assert git(folder, "ls-files", "--unmerged") == ""
