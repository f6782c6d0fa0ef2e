"""The question `bindings`: what each choice renders, and that an update keeps to it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import tomlkit
import yaml
from copier.errors import UserMessageError

from tvmplug import sync
from tvmplug.build import bridge
from tvmplug.build.stamp import Stamp, write_stamp
from tvmplug.commands.new import one_line
from tvmplug.errors import ToolError
from tvmplug.pins import PINS
from tvmplug.project import Project, find_project

from .conftest import REPOSITORY, commit, files_of, git, render, update

MODEL = {"kind": "model", "plugin_name": "g2p_flutter"}
# The last one whose templates did not know the question.
BEFORE = "d69ab2b"
PARTS = ("copier.yml", "questions", "starters", "hooks", "src", "template-model")


@pytest.fixture
def bridged(rendered: Any, tmp_path: Path) -> Project:
    """A generated plugin over the bridge, to be changed."""
    return find_project(Path(shutil.copytree(rendered("model-frb"), tmp_path / "g2p_flutter")))


@pytest.mark.slow
def test_the_bridge_is_pinned_to_one_version_in_both_languages(bridged: Project) -> None:
    pubspec = yaml.safe_load((bridged.root / "pubspec.yaml").read_text())
    cargo = tomlkit.parse((bridged.root / "rust/Cargo.toml").read_text())
    assert pubspec["dependencies"]["flutter_rust_bridge"] == PINS.frb
    assert cargo["dependencies"]["flutter_rust_bridge"]["version"] == f"={PINS.frb}"
    assert sync.out_of_step(bridged) == []


@pytest.mark.slow
def test_sync_moves_the_bridges_version_and_keeps_the_authors_features(bridged: Project) -> None:
    paths = [bridged.root / name for name in (sync.PUBSPEC, sync.CARGO)]
    before = [path.read_text() for path in paths]
    for path, text in zip(paths, before, strict=True):
        path.write_text(text.replace(PINS.frb, "2.0.0").replace('"thread-pool"', '"log"'))
    assert sync.sync_project(bridged) == [sync.PUBSPEC, sync.CARGO]
    after = [path.read_text().replace('"log"', '"thread-pool"') for path in paths]
    assert after == before
    assert '"log"' in paths[1].read_text()


def test_a_build_without_the_generator_names_what_installs_it(
    bridged: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    before = files_of(bridged.root)
    with pytest.raises(ToolError) as caught:
        bridge.generate(bridged)
    told = str(caught.value)
    assert (
        "g2p_flutter is not generated yet, and flutter_rust_bridge_codegen is not on PATH" in told
    )
    install = f"cargo install flutter_rust_bridge_codegen --version {PINS.frb} --locked"
    assert f"Run `{install}`, then `tvmplug build`" in told
    kept = {name: text for name, text in files_of(bridged.root).items() if ".lock" not in name}
    assert kept == before


def test_committed_code_builds_without_the_generator_until_its_sources_change(
    bridged: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (bridge.RUST_OUTPUT, f"{bridge.DART_OUTPUT}/api.dart"):
        (bridged.root / name).parent.mkdir(exist_ok=True)
        (bridged.root / name).write_text("// generated\n")
    write_stamp(
        bridged.root / bridge.RECORD, Stamp(bridge.inputs_of(bridged), bridge.outputs_of(bridged))
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not bridge.generate(bridged)
    api = bridged.rust_dir / "src/api.rs"
    api.write_text(api.read_text() + "\n// changed\n")
    with pytest.raises(ToolError, match="older than its sources"):
        bridge.generate(bridged)


@pytest.mark.slow
def test_nothing_is_generated_for_a_plugin_without_the_bridge(
    rendered: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    plugin = find_project(rendered("model-two-components"))
    assert not bridge.generate(plugin)
    assert bridge.exports(plugin) == ("g2p_*",)


def test_the_default_renders_nothing_of_the_bridge(rendered: Any) -> None:
    told = {
        name: text for name, text in files_of(rendered("model-two-components")).items()
        if b"frb" in text or b"rust_bridge" in text
    }  # fmt: skip
    assert told == {}
    answers = yaml.safe_load((rendered("model-two-components") / ".copier-answers.yml").read_text())
    assert answers["bindings"] == "ffi"


@pytest.mark.slow
def test_the_default_renders_what_it_did_before_there_was_the_question(
    template: Path, tmp_path: Path
) -> None:
    found = subprocess.run(
        ["git", "archive", BEFORE, *PARTS], cwd=REPOSITORY, check=False, capture_output=True
    )
    if found.returncode != 0:
        pytest.skip(f"skipped: this clone has no commit {BEFORE}")
    old = tmp_path / "old"
    old.mkdir()
    subprocess.run(["tar", "x"], cwd=old, check=True, input=found.stdout)
    answers = {**MODEL, "components": ["encoder", "decoder_step"]}
    before = files_of(render(old, tmp_path / "before", **answers))
    after = files_of(render(template, tmp_path / "after", **answers))
    name = ".copier-answers.yml"
    given = [yaml.safe_load(tree.pop(name)) for tree in (before, after)]
    assert after == before
    own = {"_commit", "_src_path", "bindings"}
    assert given[1]["bindings"] == "ffi"
    assert {k: v for k, v in given[1].items() if k not in own} == {
        k: v for k, v in given[0].items() if k not in own
    }


@pytest.mark.slow
@pytest.mark.parametrize(("held", "other"), [("ffi", "frb"), ("frb", "ffi")])
def test_an_update_keeps_the_bindings_and_refuses_the_other_ones(
    own_template: Path, tmp_path: Path, held: str, other: str
) -> None:
    answers = MODEL if held == "ffi" else {**MODEL, "bindings": "frb"}
    folder = render(own_template, tmp_path / "g2p_flutter", ref="v0.1.0", **answers)
    git(folder, "init", "--quiet")
    commit(folder, "Generated")
    commit(own_template, "Second release", tag="v0.2.0")
    before = files_of(folder)
    with pytest.raises(UserMessageError) as caught:
        update(folder, bindings=other)
    assert f"bindings cannot change from '{held}' to '{other}'" in one_line(str(caught.value))
    assert files_of(folder) == before
    update(folder)
    assert f"bindings: {held}\n" in (folder / ".copier-answers.yml").read_text()
    assert git(folder, "status", "--porcelain").split() == ["M", ".copier-answers.yml"]


def test_the_documentation_names_the_pinned_generator() -> None:
    assert bridge.INSTALL in (REPOSITORY / "docs/flutter-rust-bridge.md").read_text()
