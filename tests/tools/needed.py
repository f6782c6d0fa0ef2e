"""Tools that tests of other platforms need: the real ones, or the reason why they are missing."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import pytest

from tools.apt import Unavailable

Found = TypeVar("Found")


def needed(find: Callable[[], Found]) -> Found:
    """Return what `find` finds or installs, or skip the test; on this project's CI it must run."""
    try:
        return find()
    except Unavailable as error:
        if os.environ.get("TVMPLUG_REQUIRE_PHONES") == "1":
            raise
        pytest.skip(f"skipped: {error.message}")
