"""From every release to the tree as it is now, for both kinds: by Copier, and as the fleet does it.

What comes out is what a fresh plugin with the same answers would be, but for the author's files.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pathspec
import pytest
from ruamel.yaml import YAML

from tests.fleet.releases import next_version, read_releases, tagged_clone
from tests.templates.conftest import commit, files_of, git, render
from tvmplug.fleet.copier_update import update_project
from tvmplug.fleet.templates import TemplateStore

pytestmark = pytest.mark.fleet

ANSWERS: dict[str, dict[str, Any]] = {
    "runtime": {"kind": "runtime", "author": "Ada", "license": "MIT"},
    "model": {
        "kind": "model",
        "plugin_name": "g2p_flutter",
        "organisation": "org.example",
        "author": "Ada",
        "components": ["encoder", "decoder_step"],
        "prefix": "gp_",
    },
}
ANSWERS_FILE = ".copier-answers.yml"
WAYS = ("copier", "fleet")


@dataclass(frozen=True, kw_only=True)
class Updated:
    """A plugin before and after its update, and what a fresh one would be."""

    kind: str
    folder: Path
    before: Mapping[str, bytes]
    after: Mapping[str, bytes]
    fresh: Mapping[str, bytes]
    authors: frozenset[str]
    scripts: frozenset[str]
    fresh_scripts: frozenset[str]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, isolated: None) -> Path:
    """This repository with a tag for each release and for the tree as it is. Do not change it."""
    return tagged_clone(tmp_path_factory.mktemp("template") / "tvmplug")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((release.version, kind, way), id=f"{release.version}-{kind}-{way}")
        for release in read_releases()
        for kind in ANSWERS
        for way in WAYS
    ],
)
def updated(
    request: pytest.FixtureRequest, clone: Path, tmp_path_factory: pytest.TempPathFactory
) -> Updated:
    """A plugin of a release, with the author's files edited, brought to the tree as it is now."""
    version, kind, way = request.param
    root = tmp_path_factory.mktemp("matrix")
    name = ANSWERS[kind].get("plugin_name", "tvm_runtime_flutter")
    folder = render(clone, root / name, ref=version, **ANSWERS[kind])
    authors = frozenset(authors_files(clone, kind, name, files_of(folder)))
    for path in authors:
        (folder / path).write_bytes((folder / path).read_bytes() + b"\n# by the author\n")
    git(folder, "init", "--quiet")
    commit(folder, "Generated")
    before = files_of(folder)
    {"copier": by_copier, "fleet": by_the_fleet}[way](clone, folder, root)
    fresh = root / "fresh" / name
    render(clone, fresh, **answers_of((folder / ANSWERS_FILE).read_bytes()))
    return Updated(
        kind=kind,
        folder=folder,
        before=before,
        after=files_of(folder),
        fresh=files_of(fresh),
        authors=authors,
        scripts=scripts_of(folder),
        fresh_scripts=scripts_of(fresh),
    )


def scripts_of(folder: Path) -> frozenset[str]:
    return frozenset(path for path in files_of(folder) if (folder / path).stat().st_mode & 0o111)


def by_copier(_clone: Path, folder: Path, _root: Path) -> None:
    program = Path(sys.executable).with_name("copier")
    subprocess.run([program, "update", "--defaults", "--trust", "--quiet"], cwd=folder, check=True)


def by_the_fleet(clone: Path, folder: Path, root: Path) -> None:
    answers = YAML(typ="safe").load((folder / ANSWERS_FILE).read_text())
    store = TemplateStore(root / "templates")
    old = store.at(answers["_src_path"], answers["_commit"])
    new = store.newest(answers["_src_path"])
    update_project(folder, old, new, vcs_ref=None, data={}, trust=True)


def answers_of(text: bytes) -> dict[str, Any]:
    told = YAML(typ="safe").load(text.decode())
    return {name: value for name, value in told.items() if not name.startswith("_")}


def authors_files(clone: Path, kind: str, name: str, files: Mapping[str, bytes]) -> list[str]:
    """Which of the files `_skip_if_exists` of the tree as it is now leaves to the author."""
    text = (clone / "copier.yml").read_text().split("\n---\n")[0]
    patterns = [
        jinja2.Template(pattern).render(kind=kind, plugin_name=name)
        for pattern in YAML(typ="safe").load(text)["_skip_if_exists"]
    ]
    spec = pathspec.GitIgnoreSpec.from_lines(patterns)
    return [path for path in files if spec.match_file(path)]


def test_there_is_no_conflict(updated: Updated) -> None:
    assert git(updated.folder, "ls-files", "--unmerged") == ""
    assert not [path for path in updated.after if path.endswith((".rej", ".orig"))]
    markers = (b"<<<<<<< ", b">>>>>>> ")
    assert not [path for path, text in updated.after.items() if any(m in text for m in markers)]


def test_it_equals_a_fresh_plugin_but_for_the_authors_files(updated: Updated) -> None:
    theirs = updated.authors
    after = {path: text for path, text in updated.after.items() if path not in theirs}
    fresh = {path: text for path, text in updated.fresh.items() if path not in theirs}
    assert sorted(after) == sorted(fresh)
    assert updated.scripts == updated.fresh_scripts
    assert [path for path in fresh if after[path] != fresh[path]] == []


def test_the_authors_files_are_as_they_were(updated: Updated) -> None:
    assert updated.authors
    changed = [path for path in updated.authors if updated.after.get(path) != updated.before[path]]
    assert changed == []


def test_the_answers_survive(updated: Updated) -> None:
    before = answers_of(updated.before[ANSWERS_FILE])
    after = answers_of(updated.after[ANSWERS_FILE])
    assert {name: after.get(name) for name in before} == before
    for name, value in ANSWERS[updated.kind].items():
        assert after[name] == value
    recorded = YAML(typ="safe").load(updated.after[ANSWERS_FILE].decode())
    assert recorded["_commit"] == next_version()
