"""How the tests are shared out between processes: see `make test`."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
# Folders whose tests use one set of built plugins stay in one process. The longest come first, so
# that both processes end at about the same time.
GROUPS = {
    "demo": "plugins",
    "dart": "plugins",
    "rust": "rust",
    "examples": "examples",
    "toolkit": "toolkit",
    "compiler": "compiler",
    "templates": "templates",
    "artifacts": "artifacts",
    "base": "base",
}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give every test the group of its folder: early, since xdist reads it from the whole list."""
    item.add_marker(pytest.mark.xdist_group(GROUPS[_folder(item)]))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the groups."""
    order = list(GROUPS)
    items.sort(key=lambda item: order.index(_folder(item)))


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(HERE).parts[0]
