"""An update by the fleet gives what Copier's own command line gives, file by file."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from plumbum import local

from tests.templates.conftest import commit, copy_template, git, render
from tests.templates.test_update import release
from tvmplug.errors import FleetError
from tvmplug.fleet.copier_update import update_project, warm
from tvmplug.fleet.records import Checkout
from tvmplug.fleet.templates import TemplateStore

from . import small
from .authors import edit_at_random

COPIER = Path(sys.executable).with_name("copier")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, isolated: None) -> Path:
    """Three versions of the small template. Do not change it."""
    folder = small.small_template(tmp_path_factory.mktemp("parity") / "template")
    small.release(folder, "v0.2.0", tvm="0.28.0")
    small.release(folder, "v0.3.0")
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> TemplateStore:
    return TemplateStore(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def patterns(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A fresh plugin of either kind at either old version. Do not change them."""
    root = tmp_path_factory.mktemp("patterns")
    return {
        f"{kind} {ref}": small.make_project(template, root / f"{kind}-{ref}", kind, ref=ref)
        for kind in ("model", "runtime")
        for ref in ("v0.1.0", "v0.2.0")
    }


def in_a_fork(work: Callable[[], None], log: Path) -> int:
    """Run something in a process of its own, which has all that this one has imported."""
    child = os.fork()
    if child == 0:
        status = 70
        try:
            with log.open("w") as file, contextlib.redirect_stdout(file):
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
                try:
                    work()
                    status = 0
                except SystemExit as ended:
                    status = ended.code if isinstance(ended.code, int) else 1
                except FleetError:
                    traceback.print_exc(file=file)
                    status = 1
                except BaseException:
                    traceback.print_exc(file=file)
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def by_command_line(project: Path, options: list[str], log: Path, *, program: bool) -> int:
    """`copier update`, as a program or as the program's main class in a forked process."""
    arguments = ["update", "--trust", "--defaults", *options]
    if program:
        with log.open("w") as file:
            return subprocess.run(
                [str(COPIER), *arguments], cwd=project, stdout=file, stderr=file, check=False
            ).returncode

    def run() -> None:
        from copier._cli import CopierApp  # noqa: PLC0415, only the child uses it

        os.chdir(project)
        CopierApp.run(["copier", *arguments])

    return in_a_fork(run, log)


def by_the_fleet(
    project: Path,
    versions: tuple[Checkout, Checkout],
    ref: str | None,
    data: dict[str, Any],
    log: Path,
) -> int:
    """The fleet's update, in a process of its own as in a fleet."""

    def run() -> None:
        update_project(project, *versions, vcs_ref=ref, data=data, trust=True)

    return in_a_fork(run, log)


def ignored(folder: Path) -> set[str]:
    """The files that git ignores."""
    said = git(folder, "ls-files", "-z", "--others", "--ignored", "--exclude-standard")
    return set(said.split("\0"))


def visible(folder: Path) -> dict[str, tuple[str, bytes]]:
    """What is in a folder but ignored files."""
    hidden = ignored(folder)
    return {path: what for path, what in small.tree(folder).items() if path not in hidden}


@contextlib.contextmanager
def configured(file: Path, settings: str | None) -> Iterator[None]:
    """Add to the user's git configuration for git, and for Copier's git."""
    if settings is None:
        yield
        return
    file.write_text(Path(os.environ["GIT_CONFIG_GLOBAL"]).read_text() + settings)
    with pytest.MonkeyPatch.context() as patch, local.env(GIT_CONFIG_GLOBAL=str(file)):
        patch.setenv("GIT_CONFIG_GLOBAL", str(file))
        yield


class Comparison:
    """Random plugins, each updated in both ways."""

    def __init__(self, template: Path, store: TemplateStore, patterns: dict[str, Path]) -> None:
        self.template, self.store, self.patterns = template, store, patterns

    def check(
        self, seed: int, folder: Path, *, program: bool = False, settings: str | None = None
    ) -> str:
        """Compare one project; returns how it ended: clean, conflict or refused.

        With `settings`, the text of a user's git configuration, both are folders of their own.
        """
        kind = "runtime" if seed % 7 == 6 else "model"
        at = "v0.2.0" if seed % 5 == 4 else "v0.1.0"
        ref = {1: "v0.2.0", 2: "v0.3.0"}.get(seed % 4)
        data = {"description": "From the command line."} if seed % 6 == 5 else {}
        project = folder / f"p{seed}"
        shutil.copytree(self.patterns[f"{kind} {at}"], project, symlinks=True)
        done = edit_at_random(project, seed)
        mine = folder / f"fleet{seed}" / project.name
        if seed % 2 and settings is None:
            git(project, "worktree", "add", "--quiet", "--detach", str(mine))
            look = visible
        else:
            shutil.copytree(project, mine, symlinks=True)
            look = small.tree
        if settings is not None and "fileMode" in settings:
            for each in (mine, project):  # `git init` has written another value there
                git(each, "config", "core.fileMode", "false")
        fleet_log, copier_log = folder / f"{seed}.fleet.log", folder / f"{seed}.copier.log"
        options = [*(["--vcs-ref", ref] if ref else [])]
        options += [f"--data={key}={value}" for key, value in data.items()]
        with configured(folder / f"{seed}.gitconfig", settings):
            # A user's line ends are in the template's files too.
            store = self.store if settings is None else TemplateStore(folder / "templates")
            old = store.at(str(self.template), at)
            new = store.newest(str(self.template), ref=ref)
            by_fleet = by_the_fleet(mine, (old, new), ref, data, fleet_log)
            by_copier = by_command_line(project, options, copier_log, program=program)
        about = f"{seed}: {kind} {at} {done}\n{fleet_log.read_text()}\n{copier_log.read_text()}"
        assert by_fleet in (0, 1), about
        assert (by_fleet == 0) == (by_copier == 0), about
        if by_fleet:
            return "refused"
        ours, theirs = look(mine), look(project)
        differing = [key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)]
        assert not differing, f"{differing}\n{about}"
        assert small.staged(mine) == small.staged(project), about
        unmerged = git(mine, "ls-files", "--unmerged")
        rejected = [path for path in ours if path.endswith(".rej") and path != "keep.rej"]
        return "conflict" if unmerged or rejected else "clean"


@pytest.fixture(scope="module")
def comparison(template: Path, store: TemplateStore, patterns: dict[str, Path]) -> Comparison:
    warm([store.at(str(template), version) for version in ("v0.1.0", "v0.2.0", "v0.3.0")])
    return Comparison(template, store, patterns)


@pytest.mark.fleet
def test_twelve_random_projects_come_out_as_by_copiers_command_line(
    comparison: Comparison, tmp_path: Path
) -> None:
    ended = [comparison.check(seed, tmp_path, program=seed == 3) for seed in range(12)]
    assert ended.count("clean") >= 3
    assert ended.count("conflict") >= 2


@pytest.mark.fleet
@pytest.mark.parametrize("start", range(100, 300, 20))
def test_two_hundred_random_projects_come_out_as_by_copiers_command_line(
    start: int, comparison: Comparison, tmp_path: Path
) -> None:
    for seed in range(start, start + 20):
        comparison.check(seed, tmp_path, program=seed % 40 == 0)


HOOK = "#!/bin/sh\necho hooked >> docs/guide.md\ngit add docs/guide.md\n"
SETTINGS = {
    "no modes": "[core]\n  fileMode = false\n",
    "hooks": "[core]\n  hooksPath = {hooks}\n",
    "hooks of new repositories": "[init]\n  templateDir = {template}\n",
    "line ends": "[core]\n  autocrlf = true\n",
    "line ends going in": "[core]\n  autocrlf = input\n",
    "unquoted": "[core]\n  quotePath = false\n",
    "other index": "[index]\n  version = 4\n",
    "split index": "[core]\n  splitIndex = true\n",
    "whitespace": "[apply]\n  whitespace = fix\n",
    "diffs": "[diff]\n  noprefix = true\n  renames = copies\n  external = false\n",
    "ignored": "[core]\n  excludesFile = {ignored}\n",
    "attributes": "[core]\n  attributesFile = {attributes}\n",
    "signed": "[commit]\n  gpgSign = true\n[gpg]\n  program = false\n",
    "status": "[status]\n  showUntrackedFiles = no\n",
}


@pytest.mark.fleet
@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("seed", [2, 102, 103])
def test_a_users_git_configuration_changes_both_alike(
    name: str, seed: int, comparison: Comparison, tmp_path: Path
) -> None:
    hook = tmp_path / "template/hooks/pre-commit"
    hook.parent.mkdir(parents=True)
    hook.write_text(HOOK)
    hook.chmod(0o755)
    (tmp_path / "ignored").write_text("news/\n*.rej\nmine*\n")
    (tmp_path / "attributes").write_text("*.md text eol=crlf\n*.rs -text\n")
    settings = SETTINGS[name].format(
        hooks=hook.parent,
        template=tmp_path / "template",
        ignored=tmp_path / "ignored",
        attributes=tmp_path / "attributes",
    )
    comparison.check(seed, tmp_path, settings=settings)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, isolated: None) -> Path:
    """This repository's own templates, in two versions. Do not change it."""
    folder = copy_template(tmp_path_factory.mktemp("real") / "tvmplug")
    release(folder)
    return folder


@pytest.mark.fleet
@pytest.mark.parametrize("kind", ["model", "runtime"])
@pytest.mark.parametrize("seed", range(5))
def test_plugins_of_the_real_templates_come_out_as_by_copiers_command_line(
    kind: str, seed: int, real: Path, store: TemplateStore, tmp_path: Path
) -> None:
    project = tmp_path / "g2p_flutter"
    own = {"plugin_name": "g2p_flutter", "components": ["a", "b"]} if kind == "model" else {}
    render(real, project, ref="v0.1.0", kind=kind, **own)
    small.commit_project(project)
    done = edit_at_random(project, seed, most=8)
    mine = tmp_path / "fleet/g2p_flutter"
    git(project, "worktree", "add", "--quiet", "--detach", str(mine))
    versions = store.at(str(real), "v0.1.0"), store.newest(str(real))
    warm(versions)
    log = tmp_path / "log"
    by_fleet = by_the_fleet(mine, versions, None, {}, log)
    by_copier = by_command_line(project, [], tmp_path / "copier.log", program=seed == 0)
    about = f"{done}\n{log.read_text()}\n{(tmp_path / 'copier.log').read_text()}"
    assert (by_fleet == 0) == (by_copier == 0), about
    assert visible(mine) == visible(project), about
    assert small.staged(mine) == small.staged(project), about


@pytest.mark.slow
def test_projects_in_a_subfolder_of_a_repository_are_updated_alike(
    comparison: Comparison, template: Path, tmp_path: Path
) -> None:
    root = tmp_path / "mono"
    shutil.copytree(comparison.patterns["model v0.1.0"], root / "plugin", symlinks=True)
    shutil.rmtree(root / "plugin/.git")
    (root / "plugin/rust/src/lib.rs").write_text("// mine\n")
    git(root, "init", "--quiet")
    commit(root, "One of several")
    mine = tmp_path / "mine" / "mono"
    git(root, "worktree", "add", "--quiet", "--detach", str(mine))
    old, new = comparison.store.at(str(template), "v0.1.0"), comparison.store.newest(str(template))
    log = tmp_path / "log"
    assert by_the_fleet(mine / "plugin", (old, new), None, {}, log) == 0, log.read_text()
    assert by_command_line(root / "plugin", [], log, program=False) == 0, log.read_text()
    assert visible(mine) == visible(root)
    assert small.staged(mine) == small.staged(root)
