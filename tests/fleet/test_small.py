"""The small template makes what the toolkit takes for a plugin; the fast fleet equals Copier's."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.templates.conftest import git
from tvmplug import names
from tvmplug.manifest import Kind, read_manifest
from tvmplug.registry import REGISTRY_NAME, read_registry

from . import small


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, isolated: None) -> Path:
    return small.small_template(tmp_path_factory.mktemp("small") / "template")


@pytest.mark.slow
def test_a_fleet_of_copied_models_is_what_copier_renders(template: Path, tmp_path: Path) -> None:
    small.make_fleet(tmp_path / "fleet", 3, template)
    rendered = small.make_project(
        template, tmp_path / "rendered" / "g02_flutter", name="g02_flutter", prefix="g02_"
    )
    assert small.tree(tmp_path / "fleet/g02_flutter") == small.tree(rendered)
    assert small.staged(tmp_path / "fleet/g02_flutter") == small.staged(rendered)
    assert git(tmp_path / "fleet/g02_flutter", "status", "--porcelain") == ""


@pytest.mark.slow
def test_the_plugins_have_manifests_and_a_registry_without_conflicts(
    template: Path, tmp_path: Path
) -> None:
    small.make_fleet(tmp_path, 12, template)
    runtime = read_manifest(tmp_path / "tvm_runtime_flutter")
    models = [read_manifest(tmp_path / small.model_name(number)) for number in range(12)]
    assert (runtime.kind, runtime.tvm) == (Kind.RUNTIME, small.TVM)
    prefixes = [each.model.prefix for each in models if each.model is not None]
    assert len(prefixes) == 12
    pairs = itertools.combinations(prefixes, 2)
    assert not [pair for pair in pairs if names.conflicts(*pair)]
    registered = read_registry(runtime.root / REGISTRY_NAME)
    assert [entry.prefix for entry in registered.values()] == prefixes
    assert models[0].runtime_root == runtime.root


def test_a_release_changes_adds_deletes_and_renames(template: Path, tmp_path: Path) -> None:
    own = tmp_path / "template"
    git(tmp_path, "clone", "--quiet", str(template), str(own))
    small.release(own, "v0.2.0", tvm="0.28.0")
    small.release(own, "v0.3.0")
    before = small.tree(small.make_project(own, tmp_path / "before"))
    after = small.tree(small.make_project(own, tmp_path / "after", ref="v0.3.0"))
    assert before.keys() - after.keys() == {"docs/old.md", "docs/guide.md"}
    assert after.keys() - before.keys() == {
        "docs/guide-v0.3.0.md", "news/v0.2.0.md", "news/v0.3.0.md"
    }  # fmt: skip
    changed = {path for path in before.keys() & after.keys() if before[path] != after[path]}
    assert {"assets/logo.bin", "current", "tool/check.sh", "windows/run.bat"} <= changed
    assert read_manifest(tmp_path / "after").tvm == "0.28.0"
    assert git(own, "cat-file", "-t", "v0.3.0") == "tag"
