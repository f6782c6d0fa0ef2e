"""What these tests share: existing plugins in git, and the real command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tests.adopt import plugins
from tests.templates.conftest import commit, git, isolated, own_template, template
from tvmplug.cli import main

__all__ = ["isolated", "own_template", "template"]

PLUGINS = {
    "kokoro_flutter": plugins.CARGOKIT,
    "g2p_flutter": plugins.JNILIBS,
    "vad_flutter": plugins.BRIDGE,
}


def existing(folder: Path, files: plugins.Files) -> Path:
    """An existing plugin in a repository of its own, with everything committed."""
    plugins.write(folder, files)
    git(folder, "init", "--quiet")
    commit(folder, "Before")
    return folder


def adopt(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
    """Run `tvmplug adopt ... --json`; returns its exit code and what it told."""
    with redirect_stdout(StringIO()) as told:
        code = main(["adopt", *map(str, arguments), "--json"])
    return code, json.loads(told.getvalue())


@dataclass(frozen=True)
class Adopted:
    """A plugin before and after. Do not change it.

    Attributes:
        folder: The author's checkout.
        before: Its branches, index and files before the adoption.
        after: The adopted plugin, checked out beside a runtime plugin.
        told: What `--json` told.
    """

    folder: Path
    before: dict[str, Any]
    after: Path
    told: dict[str, Any]

    def changed(self, path: str) -> dict[str, Any]:
        """What was told of one file."""
        return next(each for each in self.told["changes"] if each["file"] == path)


def state(folder: Path) -> dict[str, Any]:
    """All that an author would notice a change of."""
    return {
        "branches": git(folder, "for-each-ref"),
        "head": git(folder, "symbolic-ref", "HEAD"),
        "status": git(folder, "status", "--porcelain", "--ignored"),
        "worktrees": git(folder, "worktree", "list"),
        "files": plugins.read(folder),
    }


@pytest.fixture(scope="module")
def adopted(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Adopted]:
    """A function from a plugin's name to its adoption; each is made once."""
    made: dict[str, Adopted] = {}

    def adoption(name: str) -> Adopted:
        if name not in made:
            root = tmp_path_factory.mktemp("adopted")
            folder = existing(root / "before" / name, PLUGINS[name])
            before = state(folder)
            code, told = adopt(folder, "--apply", "--template", template)
            assert code == 0
            after = root / "after" / name
            git(root, "clone", "--quiet", "--branch", "tvmplug/adopt", str(folder), str(after))
            made[name] = Adopted(folder, before, after, told["plugins"][0])
        return made[name]

    return adoption
