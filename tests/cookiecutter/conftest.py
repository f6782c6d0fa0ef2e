"""A run of its own, which `make test` starts: pytest-cookies cannot be loaded with pytest-copie."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.templates.conftest import isolated, own_template, template

__all__ = ["isolated", "own_template", "template"]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave these tests to the run that has pytest-cookies."""
    return None if config.pluginmanager.hasplugin("cookies") else True
