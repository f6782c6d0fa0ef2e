"""An app of the examples that is built, started on a screen of its own, and used as by a person.

What it shows is read from the lines that it prints when it is driven, and saved as screenshots.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from demo.plugins import ROOT, PluginSet
from tools import app, toolchain
from tools.display import App, Display
from tvmplug.errors import BuildError
from tvmplug.output import say

# What builds leave in the project: kept when its sources are copied anew.
_KEPT = ("build", ".dart_tool")


class Person:
    """Someone at the keyboard, who looks at one thing after the other.

    Args:
        display: The screen.
        running: The app on it.
        pictures: Where screenshots go.
    """

    def __init__(self, display: Display, running: App, pictures: Path) -> None:
        self._display = display
        self._running = running
        self._pictures = pictures
        self._looked_at = 0

    def presses(self, *keys: str) -> None:
        """Press keys, one after the other, such as `ctrl+k`."""
        self._display.key(*keys)

    def enters(self, text: str, then: str, *, timeout_s: float = 30) -> dict[str, Any]:
        """Type a text instead of what the field with the focus holds; wait for what comes of it."""
        self.presses("ctrl+a")
        self._display.type(text)
        self.presses("Return")
        return self.sees(then, timeout_s=timeout_s)

    def sees(self, event: str, *, timeout_s: float = 30) -> dict[str, Any]:
        """Wait until the app shows something that it did not show before.

        Raises:
            ToolError: The app ended, or did not show it in time.
        """
        line = self._running.wait_for_line(
            f'"event":"{event}"', after=self._looked_at, timeout_s=timeout_s
        )
        self._looked_at = self._running.lines().index(line, self._looked_at) + 1
        found: dict[str, Any] = json.loads(line)
        return found

    def looks(self, name: str) -> None:
        """Save what is on the screen, once it holds still."""
        self._display.settle()
        self._display.screenshot(self._pictures / f"{name}.png")


def built(project: Path, plugins: PluginSet) -> Path:
    """Make the plugins, copy an app beside them and build it; return its bundle.

    Args:
        project: Where the app is built, under its name among the examples; what was built there
            before is used.
        plugins: What it needs.

    Raises:
        Unavailable: This machine cannot have Dart and Flutter.
        BuildError: A compiler failed.
    """
    # First, so that their lack is told before minutes of compiling.
    tools, desktop = toolchain.find_or_install(), toolchain.find_or_install_desktop()
    plugins.prepare()
    source = ROOT / "examples" / project.name
    project.mkdir(parents=True, exist_ok=True)
    for path in project.iterdir():
        if path.name not in _KEPT:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(source, project, ignore=shutil.ignore_patterns(*_KEPT), dirs_exist_ok=True)
    return app.build(tools, desktop, project)


def empty(folder: Path) -> None:
    """Make a folder for screenshots, with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def say_pictures(folder: Path) -> None:
    """Say which screenshots there are."""
    say("Screenshots:")
    for picture in sorted(folder.glob("*.png")):
        say(f"  {picture.relative_to(ROOT)}")


def runtimes(mapped: Sequence[Path]) -> list[Path]:
    """Return the one TVM runtime among the libraries of a process, in a list.

    Raises:
        BuildError: It holds another number of them.
    """
    found = [path for path in mapped if path.name.startswith("libtvm_runtime")]
    if len(found) != 1:
        raise BuildError(f"the app holds {len(found)} TVM runtimes instead of one: {found}")
    return found
