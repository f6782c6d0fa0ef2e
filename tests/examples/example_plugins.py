"""Generates the runtime plugin and both examples from this checkout, and runs its toolkit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from demo import run
from demo.plugins import CACHE, ROOT, RUNTIME

PLUGINS = run.PLUGINS.examples


def tvmplug(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command line of this checkout; the crates of all plugins are built in one folder."""
    return subprocess.run(
        [sys.executable, "-m", "tvmplug", *map(str, arguments)],
        env={**os.environ, "CARGO_TARGET_DIR": str(CACHE / "cargo" / "plugins")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def generate_all(folder: Path, plugins: Mapping[str, str] = PLUGINS) -> None:
    """Make the projects of a runtime plugin and of examples side by side in `folder`."""
    copier_copy(folder / RUNTIME, "--data", "kind=runtime")
    for plugin, example in plugins.items():
        source = ROOT / "examples" / example
        # What an author wrote: Copier keeps author-owned files that it finds.
        ignored = shutil.ignore_patterns("answers.yml", "__pycache__")
        shutil.copytree(source, folder / plugin, ignore=ignored)
        copier_copy(folder / plugin, "--data-file", source / "answers.yml")


def staged(folder: Path) -> list[Path]:
    """The libraries of all plugins, where their packages hold them."""
    plugins = [folder / plugin for plugin in (RUNTIME, *PLUGINS)]
    return [file for plugin in plugins for file in (plugin / "linux" / "lib" / "x64").glob("*.so")]


def copier_copy(destination: Path, *options: str | Path) -> None:
    """Render a plugin with plain Copier; no hook compiles or builds it."""
    command = [sys.executable, "-m", "copier", "copy", "--trust", "--defaults", "--quiet"]
    done = subprocess.run(
        [*command, "--vcs-ref=HEAD", *map(str, options), str(ROOT), str(destination)],
        env={**os.environ, "TVMPLUG_SKIP_HOOKS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
