"""How the tests are shared out between processes: see `make test`."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

HERE = Path(__file__).parent
# Tests that use one set of built plugins stay in one process. What takes longest comes first, so
# that all processes end at about the same time; a file that is not named goes with its folder.
GROUPS = (
    ("demo", "plugins"),
    ("dart/test_demo_app.py", "plugins"),
    ("dart/test_dart_api.py", "plugins"),
    ("dart/test_documents.py", "plugins"),
    ("dart/test_generated.py", "plugins"),
    ("rust", "rust"),
    ("docs/test_plugin_of_pages.py", "pages"),
    ("docs", "docs"),
    ("dart", "dart"),
    ("phones", "phones"),
    ("runtime", "runtime"),
    ("apple", "apple"),
    ("proof", "proof"),
    ("android", "android"),
    ("tools", "tools"),
    ("fleet", "fleet"),
    ("adopt", "adopt"),
    ("examples", "examples"),
    ("toolkit", "toolkit"),
    ("compiler", "compiler"),
    ("templates", "templates"),
    ("cookiecutter", "cookiecutter"),
    ("artifacts", "artifacts"),
    ("base", "base"),
)

# `make test-fast` draws few examples.
settings.register_profile("brief", max_examples=15)

# What builds runtimes, standard libraries and plugins for other machines is in `make test-phones`;
# of the other folders that are about them, what needs a compiler.
PHONES = frozenset({"phones", "runtime", "tools"})
PLATFORMS = frozenset({"android", "apple", "proof"})
# What follows pages to built plugins is in `make test-docs`, and so is what uses the demo's plugins
# (fixture `plugins`); whole fleets are in `make test-fleet`.
DOCS = frozenset({"adopt", "docs"})
DEMO = frozenset({"dart", "examples"})
# Kernels over random shapes are in `make test-kernels`, where each test compiles dozens.
KERNELS = PurePosixPath("compiler", "cpu")


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around pytest's own, which looks at `-m`
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None]:
    """Sort the groups, mark those that have a target of their own, and spread what takes long."""
    _mark(items)
    yield
    long = [item for item in items if item.get_closest_marker("long") is not None]
    if long:
        items[:] = [item for item in items if item not in long]
        # `--dist worksteal` begins with equal parts: each process begins with one of them.
        processes = getattr(config, "workerinput", {}).get("workercount", 1)
        part = (len(items) + len(long)) // processes
        for number, item in enumerate(long):
            items.insert(number % processes * part, item)


def _mark(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _place(item.path.relative_to(HERE).as_posix()))
    for item in items:
        path = PurePosixPath(item.path.relative_to(HERE).as_posix())
        folder = path.parts[0]
        slow = item.get_closest_marker("slow") is not None
        if folder in PHONES or (folder in PLATFORMS and slow):
            item.add_marker(pytest.mark.phones)
        if path.parent == KERNELS and slow:
            item.add_marker(pytest.mark.kernels)
        if folder in DOCS and slow:
            item.add_marker(pytest.mark.docs)
        if folder == "demo" or (folder in DEMO and "plugins" in getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.demo)
        if folder == "fleet" and slow:
            item.add_marker(pytest.mark.fleet)


class GroupScheduling(LoadScopeScheduling):
    """Gives each process a whole group at a time."""

    # `--dist loadgroup` and its marker are for this, but pytest 9.2 keeps node ids where
    # pytest-xdist 3.8 does not change them.
    def _split_scope(self, nodeid: str) -> str:
        path = PurePosixPath(nodeid.split("::", maxsplit=1)[0])
        return GROUPS[_place(path.relative_to(HERE.name).as_posix())][1]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """Share out whole groups where pytest was asked for `--dist loadscope`."""
    return GroupScheduling(config, log) if config.getvalue("dist") == "loadscope" else None


def _place(path: str) -> int:
    """Where a test file's group stands in the table."""
    names = (path, path.split("/", maxsplit=1)[0])
    return next(place for place, (name, _) in enumerate(GROUPS) if name in names)
