"""Dart and Flutter for the tests of the named plugins, or the reason why they are not there."""

from __future__ import annotations

import os

import pytest

from tools import toolchain as toolchains
from tools.toolchain import Toolchain, Unavailable


def dart() -> Toolchain:
    """The toolchain, installed when it is missing; on this project's CI the tests must run."""
    try:
        return toolchains.find_or_install()
    except Unavailable as error:
        if os.environ.get("TVMPLUG_REQUIRE_DART") == "1":
            raise
        pytest.skip(f"skipped: no Dart toolchain: {error.reason}")
