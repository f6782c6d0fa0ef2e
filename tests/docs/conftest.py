"""What the tests of pages share: a reader's environment, and plugins that pages build on."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks_of
from tests.docs.running import Reader
from tests.templates.conftest import copy_template
from tools import toolchain

CACHE = ROOT / ".cache"
_GIT = """\
[user]
  name = A reader
  email = reader@example.com
[init]
  defaultBranch = main
"""


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a reader who has what the page asks for, and nothing else of this process.

    `$TVMPLUG` is a repository of this checkout's templates with one release; `flutter` is
    `flutter.py`.
    """
    folder = tmp_path_factory.mktemp("reader")
    programs = folder / "bin"
    programs.mkdir()
    command = f'exec "{sys.executable}" "{ROOT}/tests/docs/flutter.py" "$@"'
    (programs / "flutter").write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" {command}\n')
    (programs / "flutter").chmod(0o755)
    (folder / "gitconfig").write_text(_GIT)
    (folder / "settings.yml").write_text("{}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", str(folder / "gitconfig"))
        template = copy_template(folder / "tvmplug")
    kept = ("HOME", "LANG", "TMPDIR", "RUSTUP_HOME", "CARGO_HOME", "TVMPLUG_TOOLCHAIN_DIR")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "PATH": os.pathsep.join(
            [str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]
        ),
        "TVMPLUG": str(template),
        "TVMPLUG_CACHE_DIR": os.environ.get("TVMPLUG_CACHE_DIR", str(CACHE / "tvmplug")),
        # Crates that several plugins need are compiled once.
        "CARGO_TARGET_DIR": str(CACHE / "cargo" / "plugins"),
        "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
        "GIT_CONFIG_SYSTEM": "/dev/null",
        "COPIER_SETTINGS_PATH": str(folder / "settings.yml"),
        "COPIER_CACHE_DIR": str(folder / "copier"),
        "COLUMNS": "110",
        "NO_COLOR": "1",
        "TERM": "dumb",
    }


@pytest.fixture(scope="session")
def tutorial(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """Someone who has done the whole tutorial, and goes on in its first folder."""
    try:
        toolchain.find_or_install()
        toolchain.find_or_install_desktop()
    except toolchain.Unavailable as error:
        # On this project's CI these tests must run.
        if os.environ.get("TVMPLUG_REQUIRE_DART") == "1":
            raise
        pytest.skip(f"skipped: no Dart toolchain: {error.reason}")
    reader = Reader(tmp_path_factory.mktemp("tutorial"), environment)
    reader.follow(blocks_of(ROOT / "docs" / "tutorial.md"))
    return reader
