"""What the template tests share: real git and real Copier, isolated from the user's."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from copier import run_copy, run_update
from plumbum import local

REPOSITORY = Path(__file__).parents[2]
PARTS = (
    "cookiecutter.json",
    "copier.yml",
    "questions",
    "starters",
    "hooks",
    "src",
    "template-model",
    "template-runtime",
    "{{cookiecutter.plugin_name}}",
)


def git(folder: Path, *arguments: str) -> str:
    """Run git and return what it says."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(folder: Path, message: str, *, tag: str | None = None) -> None:
    """Commit everything, and tag it."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    if tag is not None:
        git(folder, "tag", "--annotate", tag, "--message", tag)


def render(template: Path, folder: Path, *, ref: str | None = None, **answers: Any) -> Path:
    """Generate a plugin with defaults for what `answers` leaves out."""
    run_copy(
        str(template), folder, data=answers, vcs_ref=ref, defaults=True, unsafe=True, quiet=True
    )
    return folder


def update(folder: Path, *, ref: str | None = None, **answers: Any) -> None:
    """Update a generated plugin."""
    run_update(
        folder, data=answers, vcs_ref=ref, defaults=True, overwrite=True, unsafe=True, quiet=True
    )


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file by its relative path, but git's own."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


@pytest.fixture(scope="module", autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's git configuration, Copier settings or caches.

    For one module at a time, so that the tests after these see the environment as it was.
    """
    home = tmp_path_factory.mktemp("home")
    (home / "gitconfig").write_text(
        "[user]\n  name = Test\n  email = test@example.com\n"
        '[init]\n  defaultBranch = main\n[protocol "file"]\n  allow = always\n'
    )
    (home / "settings.yml").write_text("{}\n")
    variables = {
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
        "GIT_CONFIG_SYSTEM": "/dev/null",
        "COPIER_CACHE_DIR": str(home / "copier"),
        "COPIER_SETTINGS_PATH": str(home / "settings.yml"),
        "TVMPLUG_CACHE_DIR": str(home / "tvmplug"),
        "TVMPLUG_SKIP_HOOKS": "1",
    }
    with pytest.MonkeyPatch.context() as patch, local.env(**variables):
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


def copy_template(folder: Path) -> Path:
    """Make this repository's templates a git repository of their own, tagged v0.1.0."""
    folder.mkdir(parents=True)
    ignore = shutil.ignore_patterns("__pycache__", "target", "Cargo.lock")
    for part in PARTS:
        source = REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=ignore)
        else:
            shutil.copy2(source, folder / part)
    git(folder, "init", "--quiet")
    commit(folder, "First release", tag="v0.1.0")
    return folder


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, isolated: None) -> Path:
    """The templates as a git repository of their own, tagged v0.1.0. Do not change it."""
    return copy_template(tmp_path_factory.mktemp("template") / "tvmplug")


@pytest.fixture(scope="session")
def renders() -> dict[str, Path]:
    """The variants that are generated so far."""
    return {}


@pytest.fixture(scope="module")
def rendered(
    template: Path, renders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """A function from a variant's name to its folder; each is generated once. Do not change it."""
    from .matrix import variants  # noqa: PLC0415, it reads this file

    answers = variants()

    def folder_of(variant: str) -> Path:
        if variant not in renders:
            folder = tmp_path_factory.mktemp(variant) / "plugin"
            renders[variant] = render(template, folder, **answers[variant])
        return renders[variant]

    return folder_of


@pytest.fixture
def own_template(template: Path, tmp_path: Path) -> Path:
    """A clone of the templates that a test may change and tag."""
    folder = tmp_path / "own-template"
    git(tmp_path, "clone", "--quiet", str(template), str(folder))
    return folder
