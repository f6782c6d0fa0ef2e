"""releases.yml, and a clone of this repository that is tagged by it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.version import Version
from ruamel.yaml import YAML

from tests.templates.conftest import PARTS, REPOSITORY, commit, git

RELEASES_FILE = REPOSITORY / "releases.yml"


@dataclass(frozen=True)
class Release:
    """One line of releases.yml."""

    version: str
    commit: str


def read_releases() -> tuple[Release, ...]:
    """All releases, the oldest first."""
    entries = YAML(typ="safe").load(RELEASES_FILE.read_text(encoding="utf-8"))["releases"]
    return tuple(Release(**entry) for entry in entries)


def next_version() -> str:
    """What the current tree would be released as."""
    last = Version(read_releases()[-1].version)
    return f"v{last.major}.{last.minor + 1}.0"


def need_history() -> None:
    """Skip where this clone lacks the releases: it is shallow, or no git repository."""
    for release in read_releases():
        known = subprocess.run(
            ["git", "cat-file", "-e", f"{release.commit}^{{commit}}"],
            cwd=REPOSITORY,
            check=False,
            capture_output=True,
        )
        if known.returncode != 0:
            pytest.skip(
                f"this clone does not hold {release.version} ({release.commit[:12]}): "
                "fetch its whole history (git fetch --unshallow)"
            )


def tagged_clone(folder: Path) -> Path:
    """Clone this repository, tag the releases, and commit and tag the tree as it is now.

    What is not committed here is part of the clone's last version.
    """
    need_history()
    git(folder.parent, "clone", "--quiet", "--no-tags", str(REPOSITORY), str(folder))
    for release in read_releases():
        git(folder, "tag", "--annotate", release.version, "--message", "", release.commit)
    ignore = shutil.ignore_patterns("__pycache__", "target", "Cargo.lock")
    for part in PARTS:
        source, copy = REPOSITORY / part, folder / part
        if source.is_dir():
            shutil.rmtree(copy)
            shutil.copytree(source, copy, ignore=ignore, symlinks=True)
        else:
            shutil.copy2(source, copy)
    commit(folder, "The tree as it is", tag=next_version())
    return folder
