"""The one line that names the runtime plugin: changed when it must be, and nothing else with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tvmplug import sync
from tvmplug.errors import ProjectError
from tvmplug.project import Project, find_project

GIT = "{from: git, url: 'https://example.com/runtime.git', ref: v0.27.0}"
HOSTED = "{from: hosted, version: ^0.27.0}"
PATH = "{from: path, path: ../tvm_runtime_flutter}"

PUBSPEC = """\
# Mine.
name: g2p_flutter
version: 0.1.0
flutter:
  assets:
    - assets/words.txt # a list, indented my way
dependencies:
  flutter:
    sdk: flutter
  # the one runtime
  tvm_runtime_flutter:
    path: ../tvm_runtime_flutter

  ffi: ^2.1.0
"""
CARGO = """\
# Mine.
[package]
name = "g2p_flutter"

[dependencies]
# the one runtime
tvm_runtime_flutter = { path = "../../tvm_runtime_flutter/rust", features = ["golden"] } # why
serde = "1"

[dev-dependencies]
tvm_runtime_flutter = { path = "../../tvm_runtime_flutter/rust", version = "0.26.0" }
"""


@pytest.fixture
def project(model: Path) -> Project:
    (model / "pubspec.yaml").write_text(PUBSPEC)
    (model / "rust" / "Cargo.toml").write_text(CARGO.replace("0.26.0", "0.27.0"))
    return find_project(model)


def _moved(model: Path, runtime: str) -> Project:
    manifest = model / "tvm_plugin.yaml"
    manifest.write_text(manifest.read_text().replace(PATH, runtime))
    return find_project(model)


def _texts(model: Path) -> tuple[str, str]:
    return (model / "pubspec.yaml").read_text(), (model / "rust" / "Cargo.toml").read_text()


def test_files_that_are_in_step_are_not_written(project: Project) -> None:
    before = [path.stat().st_mtime_ns for path in project.root.glob("**/*")]
    assert sync.sync_project(project) == []
    assert sync.out_of_step(project) == []
    assert [path.stat().st_mtime_ns for path in project.root.glob("**/*")] == before


def test_from_path_to_git_changes_that_line_alone(project: Project) -> None:
    project = _moved(project.root, GIT)
    assert sync.out_of_step(project) == ["pubspec.yaml", "rust/Cargo.toml"]
    assert sync.sync_project(project) == ["pubspec.yaml", "rust/Cargo.toml"]
    pubspec, cargo = _texts(project.root)
    git = "    git:\n      url: https://example.com/runtime.git\n      ref: v0.27.0\n"
    assert (
        pubspec.replace("\n" + git, "\n    path: ../tvm_runtime_flutter\n").split()
        == PUBSPEC.split()
    )
    assert git in pubspec
    assert "    - assets/words.txt # a list, indented my way\n" in pubspec
    assert 'git = "https://example.com/runtime.git"' in cargo
    assert 'rev = "v0.27.0"' in cargo
    assert 'features = ["golden"]' in cargo
    assert "path =" not in cargo
    for kept in ("# Mine.", "# the one runtime", "# why", 'serde = "1"'):
        assert kept in cargo
    assert sync.sync_project(project) == []


def test_from_path_to_hosted_and_back(project: Project) -> None:
    hosted = _moved(project.root, HOSTED)
    sync.sync_project(hosted)
    pubspec, cargo = _texts(project.root)
    assert "tvm_runtime_flutter: ^0.27.0" in pubspec
    assert 'version = "0.27.0"' in cargo
    assert sync.sync_project(hosted) == []
    manifest = project.root / "tvm_plugin.yaml"
    manifest.write_text(manifest.read_text().replace(HOSTED, PATH))
    sync.sync_project(find_project(project.root))
    pubspec, cargo = _texts(project.root)
    assert "    path: ../tvm_runtime_flutter" in pubspec
    assert cargo.count('path = "../../tvm_runtime_flutter/rust"') == 2


def test_an_old_version_beside_a_path_follows_the_pin(project: Project) -> None:
    (project.root / "rust" / "Cargo.toml").write_text(CARGO)
    assert sync.sync_project(project) == ["rust/Cargo.toml"]
    assert (project.root / "rust" / "Cargo.toml").read_text() == CARGO.replace("0.26.0", "0.27.0")


def test_a_deleted_requirement_comes_back(project: Project) -> None:
    (project.root / "pubspec.yaml").write_text("name: g2p_flutter\nversion: 0.1.0\n")
    (project.root / "rust" / "Cargo.toml").write_text('[package]\nname = "g2p_flutter"\n')
    assert sync.sync_project(project) == ["pubspec.yaml", "rust/Cargo.toml"]
    pubspec, cargo = _texts(project.root)
    assert "path: ../tvm_runtime_flutter" in pubspec
    assert 'path = "../../tvm_runtime_flutter/rust"' in cargo
    assert sync.sync_project(project) == []


def test_the_runtime_plugin_has_nothing_to_keep_in_step(runtime: Path) -> None:
    assert sync.sync_project(find_project(runtime)) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pubspec.yaml", "name: {\n"),
        ("pubspec.yaml", "- a list\n"),
        ("rust/Cargo.toml", "[package\n"),
        ("rust/Cargo.toml", "dependencies = 3\n"),
        ("rust/Cargo.toml", None),
    ],
)
def test_a_broken_file_is_named_and_left_alone(
    project: Project, name: str, text: str | None
) -> None:
    path = project.root / name
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(ProjectError) as caught:
        sync.sync_project(project)
    assert name in str(caught.value)
    assert caught.value.mend
    assert (path.read_text() if path.exists() else None) == text
