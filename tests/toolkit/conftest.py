"""What these tests share: a cache of their own, small plugins, and the real command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

MODEL_MANIFEST = """\
kind: model
name: {name}
prefix: {prefix}
components: [scale]
source: relax
runtime: {{from: path, path: ../tvm_runtime_flutter}}
platforms: [linux]
tvm: 0.27.0.post1
tvm_ffi: 0.1.15.post2
"""
RUNTIME_MANIFEST = """\
kind: runtime
name: tvm_runtime_flutter
platforms: [linux]
tvm: 0.27.0.post1
tvm_ffi: 0.1.15.post2
"""
MODEL_PUBSPEC = """\
# Owned by you.
name: {name}
version: 0.1.0
dependencies:
  flutter:
    sdk: flutter
  # the one runtime
  tvm_runtime_flutter:
    path: ../tvm_runtime_flutter
flutter:
  plugin:
    platforms:
      linux:
        ffiPlugin: true
"""
RUNTIME_PUBSPEC = """\
name: tvm_runtime_flutter
version: 0.27.0
flutter: {plugin: {platforms: {linux: {ffiPlugin: true}}}}
"""
MODEL_CARGO = """\
# Owned by you.
[package]
name = "{name}"

[dependencies]
tvm_runtime_flutter = {{ path = "../../tvm_runtime_flutter/rust" }} # the one runtime
"""
REGISTRY = "# One line a plugin.\nversion: 1\nplugins: {}\n"


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the user's cache, or follows a setting of the user's shell."""
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("TVMPLUG_CACHE_DIR", str(cache))
    for name in ("TVMPLUG_REGISTRY", "TVMPLUG_SKIP_HOOKS", "TVMPLUG_TOOLKIT_PYTHON"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TVMPLUG_COMPILE_PYTHON", sys.executable)
    return cache


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    """The folder of a runtime plugin with an empty registry; nothing in it is built."""
    root = tmp_path / "tvm_runtime_flutter"
    root.mkdir()
    (root / "tvm_plugin.yaml").write_text(RUNTIME_MANIFEST)
    (root / "tvm_plugins.yaml").write_text(REGISTRY)
    (root / "pubspec.yaml").write_text(RUNTIME_PUBSPEC)
    (root / ".copier-answers.yml").write_text("kind: runtime\n")
    return root


@pytest.fixture
def make_model(tmp_path: Path, runtime: Path) -> Callable[[str, str], Path]:
    """Makes the package files of a model plugin beside the runtime plugin."""

    def make(name: str, prefix: str) -> Path:
        root = tmp_path / name
        (root / "rust").mkdir(parents=True)
        (root / "tvm_plugin.yaml").write_text(MODEL_MANIFEST.format(name=name, prefix=prefix))
        (root / "pubspec.yaml").write_text(MODEL_PUBSPEC.format(name=name))
        (root / "rust" / "Cargo.toml").write_text(MODEL_CARGO.format(name=name))
        (root / ".copier-answers.yml").write_text(
            f"kind: model\nplugin_name: {name}\nprefix: {prefix}\n"
        )
        return root

    return make


@pytest.fixture
def model(make_model: Callable[[str, str], Path]) -> Path:
    """One model plugin, `g2p_flutter` with prefix `g2p_`, not registered and not built."""
    return make_model("g2p_flutter", "g2p_")


Tvmplug = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def tvmplug() -> Tvmplug:
    """Runs the command line as a process: `tvmplug("check", cwd=folder)`."""

    def call(
        *argv: str | Path, cwd: Path | None = None, **extra: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tvmplug", *map(str, argv)],
            cwd=cwd,
            env={**os.environ, **extra},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    return call
