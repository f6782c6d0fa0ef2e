"""The engine: what runs only with trust, what is refused, what is shared, and what is known."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import copier._main
import pytest
from copier._main import Worker
from plumbum import local

from tests.templates.conftest import commit, git
from tvmplug.errors import FleetError
from tvmplug.fleet import copier_cache
from tvmplug.fleet.copier_update import update_project, warm
from tvmplug.fleet.copier_worker import in_surroundings
from tvmplug.fleet.git_index import read_index
from tvmplug.fleet.records import Checkout
from tvmplug.fleet.templates import TemplateStore

from . import small

pytestmark = pytest.mark.slow


class Bench:
    """A template of a test's own, a plugin made from its first version, and updates of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.template = small.small_template(root / "template")
        self.project = small.make_project(self.template, root / "g2p_flutter")

    def at(self, ref: str) -> Checkout:
        return TemplateStore(self.root / "store").newest(str(self.template), ref=ref)

    def update(self, *, trust: bool = False, to: str = "v0.2.0", **data: object) -> None:
        old = TemplateStore(self.root / "store").at(str(self.template), "v0.1.0")
        update_project(self.project, old, self.at(to), vcs_ref=to, data=data, trust=trust)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize("trust", [True, False])
def test_a_templates_programs_run_with_trust_only(
    trust: bool, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TVMPLUG_SKIP_HOOKS")
    small.release(bench.template, "v0.2.0")
    with local.env():
        del local.env["TVMPLUG_SKIP_HOOKS"]
        bench.update(trust=trust)
    assert (bench.project / ".migrated").exists() == trust
    assert "v0.2.0" in (bench.project / ".copier-answers.yml").read_text()


def test_a_template_with_extensions_needs_trust(bench: Bench) -> None:
    config = (bench.template / "copier.yml").read_text()
    extension = "_jinja_extensions: [jinja2.ext.do]\n"
    small.release(bench.template, "v0.2.0", write={"copier.yml": extension + config})
    with pytest.raises(FleetError, match="Jinja extensions") as caught:
        bench.update()
    assert caught.value.mend is not None
    assert "--trust" in caught.value.mend
    assert git(bench.project, "status", "--porcelain") == ""
    bench.update(trust=True)
    assert git(bench.project, "status", "--porcelain") != ""


@pytest.mark.parametrize("trust", [True, False])
def test_files_outside_of_the_project_are_read_with_trust_only(trust: bool, bench: Bench) -> None:
    (bench.root / "secret.yml").write_text("word: found\n")
    config = (
        "_external_data: {outside: ../secret.yml, inside: own.yml}\n"
        + (bench.template / "copier.yml").read_text()
    )
    asks = "{{ _external_data.outside.word | d('nothing') }} {{ _external_data.inside.word }}"
    (bench.project / "own.yml").write_text("word: mine\n")
    commit(bench.project, "Own data")
    small.release(
        bench.template,
        "v0.2.0",
        write={"copier.yml": config, "template-model/said.txt.jinja": "{{ said }}"},
    )
    (bench.template / "copier.yml").write_text(
        config + f'said:\n  type: str\n  default: "{asks}"\n'
    )
    commit(bench.template, "Asks", tag="v0.2.1")
    bench.update(trust=trust, to="v0.2.1")
    said = (bench.project / "said.txt").read_text()
    assert said == ("found mine" if trust else "nothing mine")


def break_config(template: Path) -> None:
    small.release(template, "v0.2.0", write={"copier.yml": "kind: [\n"})


def break_template(template: Path) -> None:
    small.release(template, "v0.2.0", write={"template-model/news.txt.jinja": "{{ nobody.x }}"})


def break_syntax(template: Path) -> None:
    small.release(template, "v0.2.0", write={"template-model/news.txt.jinja": "{% if %}"})


def require_answer(template: Path) -> None:
    config = (template / "copier.yml").read_text()
    question = "\nneeded:\n  type: str\n  default: '{{ UNSET }}'\n"
    small.release(template, "v0.2.0", write={"copier.yml": config + question})


def require_newer_copier(template: Path) -> None:
    config = (template / "copier.yml").read_text().replace('"9.19.0"', '"99.0.0"')
    small.release(template, "v0.2.0", write={"copier.yml": config})


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (break_config, "copier.yml is no YAML"),
        (break_template, "'nobody' is undefined"),
        (break_syntax, "Expected an expression"),
        (require_answer, '"needed" is required'),
        (require_newer_copier, "requires Copier version >= 99.0.0"),
    ],
)
def test_what_a_template_does_wrong_is_one_line(
    break_it: Callable[[Path], None], says: str, bench: Bench
) -> None:
    break_it(bench.template)
    with pytest.raises(FleetError) as caught:
        bench.update()
    assert says in caught.value.message
    assert "\n" not in str(caught.value)
    assert caught.value.mend


def test_a_wrong_answer_a_downgrade_and_a_dirty_project_are_refused(bench: Bench) -> None:
    small.release(bench.template, "v0.2.0")
    with pytest.raises(FleetError, match="Invalid choice"):
        bench.update(platforms=["amiga"])
    new = bench.at("v0.2.0")
    with pytest.raises(FleetError, match="downgrading"):
        update_project(
            bench.project, new, bench.at("v0.1.0"), vcs_ref="v0.1.0", data={}, trust=False
        )
    (bench.project / "new.txt").write_text("not committed\n")
    with pytest.raises(FleetError, match="dirty"):
        bench.update()


def test_copiers_own_modules_stay_as_they_are(bench: Bench) -> None:
    before = dict(vars(copier._main)), dict(vars(Worker))
    small.release(bench.template, "v0.2.0")
    bench.update()
    assert (dict(vars(copier._main)), dict(vars(Worker))) == before


def test_a_copier_of_another_make_is_told() -> None:
    with pytest.raises(FleetError, match="this Copier has no nonsense"):
        in_surroundings(Worker._apply_update, nonsense=None)


def test_what_is_kept_does_not_grow_with_the_number_of_projects(
    bench: Bench, tmp_path: Path
) -> None:
    small.release(bench.template, "v0.2.0")
    versions = bench.at("v0.1.0"), bench.at("v0.2.0")
    warm(versions)
    parts = [copier_cache.parts_of(each) for each in versions]
    sizes = []
    for number in range(3):
        name = f"p{number}_flutter"
        small.make_project(
            bench.template, tmp_path / name, name=name, prefix=f"p{number}_", description=name
        )
        update_project(tmp_path / name, *versions, vcs_ref=None, data={}, trust=False)
        sizes.append([(len(each.codes), len(each.constants), len(each.sources)) for each in parts])
    assert min(sizes[0]) > (0, 0, 0)
    assert sizes[1:] == sizes[:1] * 2


def test_an_update_leaves_no_temporary_files_and_no_objects_in_the_project(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.release(bench.template, "v0.2.0")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    before = sorted((bench.project / ".git/objects").rglob("*"))
    bench.update()
    assert list(scratch.iterdir()) == []
    assert sorted((bench.project / ".git/objects").rglob("*")) == before


def listed(folder: Path) -> dict[str, tuple[str, str]]:
    """What git says is in the index."""
    entries = git(folder, "ls-files", "--stage", "-z").split("\0")[:-1]
    about = (entry.split("\t", 1) for entry in entries)
    return {path: (meta.split(" ")[0], meta.split(" ")[1]) for meta, path in about}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with names of every length, and of every mode."""
    folder = tmp_path / "repository"
    for length in range(1, 40):
        (folder / ("d" * length)).mkdir(parents=True)
        (folder / ("d" * length) / "größe.txt").write_text(str(length))
    (folder / ("n" * 200) / ("m" * 200) / ("l" * 200)).mkdir(parents=True)
    (folder / ("n" * 200) / ("m" * 200) / ("l" * 200) / "x").write_text("x")
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    (folder / "link").symlink_to("run")
    small.commit_project(folder)
    return folder


def test_an_index_is_read_as_git_reads_it(repository: Path) -> None:
    index = read_index(repository / ".git/index")
    assert index is not None
    assert index.files == listed(repository)
    assert index.tree == git(repository, "rev-parse", "HEAD^{tree}")
    (repository / "run").write_text("changed")
    git(repository, "add", "run")
    index = read_index(repository / ".git/index")
    assert index is not None
    assert (index.files, index.tree) == (listed(repository), None)
    tree = git(repository, "write-tree")
    index = read_index(repository / ".git/index")
    assert index is not None
    assert index.tree == tree


@pytest.mark.parametrize(
    "change",
    [
        ("update-index", "--index-version=4"),
        ("update-index", "--split-index"),
        ("update-index", "--skip-worktree", "run"),
        ("rm", "--quiet", "-r", "--cached", "."),
    ],
)
def test_an_index_of_another_kind_is_left_to_git(change: tuple[str, ...], repository: Path) -> None:
    git(repository, *change)
    index = read_index(repository / ".git/index")
    assert index is None or index.files == listed(repository)
    if "rm" not in change:
        assert index is None


def test_a_damaged_index_is_left_to_git(repository: Path) -> None:
    file = repository / ".git/index"
    content = bytearray(file.read_bytes())
    content[40] ^= 1
    file.write_bytes(content)
    assert read_index(file) is None
    file.write_bytes(content[:10])
    assert read_index(file) is None
    shutil.rmtree(repository / ".git")
    empty = read_index(file)
    assert empty is not None
    assert empty.files == {}
