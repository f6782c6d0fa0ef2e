"""What the tests of Dart code share: the real toolchain, or the reason why it is not there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from demo.plugins import CACHE
from demo.run import PLUGINS
from tools import toolchain as toolchains
from tools.toolchain import Desktop, Toolchain, Unavailable

Found = TypeVar("Found")


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    """Dart and Flutter; installed when they are not there yet."""
    return _found(toolchains.find_or_install)


@pytest.fixture(scope="session")
def desktop() -> Desktop:
    """A desktop to build and show Linux apps on; installed when it is not there yet."""
    return _found(toolchains.find_or_install_desktop)


@pytest.fixture(scope="session")
def plugins() -> Path:
    """The folder with the runtime plugin and both examples, built, and their `bundle/lib`.

    They are those of `make demo`, made if need be. TVMPLUG_TEST_PLUGINS names others, for work on
    the Dart code alone.
    """
    given = os.environ.get("TVMPLUG_TEST_PLUGINS")
    if given:
        return Path(given)
    os.environ.setdefault("TVMPLUG_CACHE_DIR", str(CACHE / "tvmplug"))
    PLUGINS.prepare()
    return PLUGINS.folder


def _found(find: Callable[[], Found]) -> Found:
    try:
        return find()
    except Unavailable as error:
        # On this project's CI these tests must run.
        if os.environ.get("TVMPLUG_REQUIRE_DART") == "1":
            raise
        pytest.skip(f"skipped: no Dart toolchain: {error.reason}")
