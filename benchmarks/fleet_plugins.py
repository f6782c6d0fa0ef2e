"""A fleet of real plugins: this tree's templates, a next version of them, and authors' edits."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.fleet import small
from tests.templates.conftest import commit, copy_template

NEXT = "v0.2.0"
# One plugin in so many changed a line of the template's that its next version changes too.
_CONFLICT_EVERY = 20


@dataclass(frozen=True)
class Plugins:
    """A fleet that is behind.

    Attributes:
        folder: Where the plugins lie, beside each other.
        template: The template's repository, with v0.1.0 and v0.2.0.
        names: The plugins' folders, the runtime plugin first.
    """

    folder: Path
    template: Path
    names: tuple[str, ...]

    def write_fleet(self, size: int) -> Path:
        """Write the fleet.yaml of the first so many plugins, without any memory of a run."""
        shutil.rmtree(self.folder / ".fleet", ignore_errors=True)
        names = "".join(f"  - {name}\n" for name in self.names[:size])
        path = self.folder / "fleet.yaml"
        path.write_text(
            f"version: 1\ntemplates:\n  - {self.template}\nruntime: {self.names[0]}\n"
            f"repositories:\n{names}"
        )
        return path


def make_plugins(folder: Path, size: int) -> Plugins:
    """Make a fleet of plugins at v0.1.0, each with edits of its author, and tag v0.2.0.

    Args:
        folder: An empty folder.
        size: How many plugins, the runtime plugin among them.
    """
    template = copy_template(folder / "template")
    plugins = folder / "plugins"
    small.make_fleet(plugins, size - 1, template)
    names = sorted(path.name for path in plugins.iterdir() if path.is_dir())
    names.remove(small.RUNTIME_NAME)
    _compare(template, plugins / names[-1], folder / "rendered")
    for number, name in enumerate(names):
        _edit(plugins / name, number)
    _release(template)
    return Plugins(folder=plugins, template=template, names=(small.RUNTIME_NAME, *names))


def _compare(template: Path, copied: Path, folder: Path) -> None:
    """See that a plugin that was made from another one is what Copier would have rendered."""
    prefix = copied.name.removesuffix("flutter")
    rendered = small.make_project(template, folder / copied.name, name=copied.name, prefix=prefix)
    if small.tree(copied) != small.tree(rendered):
        raise AssertionError(f"{copied} differs from what Copier renders")
    shutil.rmtree(folder)


def _edit(plugin: Path, number: int) -> None:
    """Change what authors change: their own files, and now and then one of the template's."""
    for path in ("README.md", "CHANGELOG.md", f"lib/{plugin.name}.dart", "rust/src/api.rs"):
        comment = "\nMore about it.\n" if path.endswith(".md") else "\n// By the author.\n"
        _append(plugin / path, comment)
    _append(plugin / ".gitignore", "*.wav\n")
    notes = plugin / "docs/notes.md"
    notes.parent.mkdir()
    notes.write_text(f"# Notes\n\nOn {plugin.name}.\n")
    if number % 3 == 0:
        _append(plugin / "analysis_options.yaml", "# The author's own rules follow.\n")
    if number % _CONFLICT_EVERY == _CONFLICT_EVERY // 2:
        _replace(plugin / "linux/CMakeLists.txt", "VERSION 3.13", "VERSION 3.20")
    commit(plugin, "Work of a week")


def _release(template: Path) -> None:
    """Tag v0.2.0: another TVM, lines in several files, a new one, and one that is gone."""
    pins = template / "src/tvmplug/pins.yml"
    _replace(pins, "default: 0.27.0.post1", "default: 0.28.0")
    _replace(pins, "default: 0.1.15.post2", "default: 0.1.16")
    _replace(pins, "default: 0.27.0\n", "default: 0.28.0\n")
    _replace(pins, 'default: "36"', 'default: "37"')
    for kind in ("runtime", "model"):
        root = template / f"template-{kind}"
        _replace(root / "linux/CMakeLists.txt.jinja", "VERSION 3.13", "VERSION 3.14")
        _append(root / "android/build.gradle.kts.jinja", "\n// Checked with AGP 9.\n")
        (build,) = (root / "rust").glob("build.rs*")
        _append(build, "\n// Nothing else is linked here.\n")
        (start,) = (root / "lib/src").glob("plugin.dart*")
        _append(start, "\n// Made by the template.\n")
        (root / "android/.editorconfig").unlink()
        (root / ".editorconfig").write_text("root = true\n\n[*]\nend_of_line = lf\n")
    commit(template, "Second release", tag=NEXT)


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    if old not in text:
        raise AssertionError(f"{path} does not hold {old}")
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
