"""A small template, its next versions, and fleets made from it: real git, real Copier, quickly."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from copier import run_copy

from tests.fleet import small_files
from tests.templates.conftest import commit, git

FIRST = "v0.1.0"
TVM = "0.27.0.post1"
RUNTIME_NAME = "tvm_runtime_flutter"
_KINDS = {"runtime": small_files.RUNTIME, "model": small_files.MODEL}


def small_template(folder: Path) -> Path:
    """Make a template's repository for both kinds of plugins, tagged v0.1.0.

    It has what updates trip over: files of the author's, a script, a binary, a symlink, a file
    with CRLF, an ignored output, a path with Copier's `yield`, and a migration that writes
    `.migrated` unless TVMPLUG_SKIP_HOOKS is set.

    Args:
        folder: Where to make it; it must not exist.
    """
    _write(folder / "copier.yml", small_files.COPIER)
    _write(folder / "src/tvmplug/pins.yml", small_files.PINS)
    for kind, texts in _KINDS.items():
        root = folder / f"template-{kind}"
        for path, text in {**texts, **small_files.EXECUTABLE}.items():
            _write(root / path, text)
        for path in small_files.EXECUTABLE:
            (root / path).chmod(0o755)
        for path, content in small_files.BINARY.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        for path, target in small_files.SYMLINKS.items():
            (root / path).symlink_to(target)
    git(folder, "init", "--quiet")
    commit(folder, "First release", tag=FIRST)
    return folder


def release(
    template: Path,
    version: str,
    tvm: str | None = None,
    *,
    write: dict[str, str] | None = None,
    remove: tuple[str, ...] = (),
) -> str:
    """Make and tag the next version of a small template; returns the tag.

    Every release changes lines in the middle and at the end of files, the binary, the script
    and the symlink, adds `news/VERSION.md`, deletes `docs/old.md` and renames the guide.

    Args:
        template: Its repository.
        version: The next version, such as `v0.2.0`.
        tvm: Another TVM to pin.
        write: Further files to write, by their path in the template's repository.
        remove: Further files to delete.
    """
    for kind in _KINDS:
        root = template / f"template-{kind}"
        _replace(root / "linux/CMakeLists.txt.jinja", "VERSION 3.", f"VERSION 3.{version[1:]}.")
        library = root / ("rust/src/lib.rs.jinja" if kind == "model" else "rust/src/lib.rs")
        _replace(library, "// line 20: ", f"// line 20: since {version} ")
        _replace(root / "tool/check.sh", "# Two", f"# Two, since {version}")
        binary = root / "assets/logo.bin"
        binary.write_bytes(version.encode() + binary.read_bytes())
        (root / "current").unlink()
        (root / "current").symlink_to(f"news/{version}.md")
        _write(root / f"news/{version}.md.jinja", f"# {version} of {{{{ plugin_name }}}}\n")
        (root / "docs/old.md").unlink(missing_ok=True)
        guides = sorted(root.glob("docs/guide*.md"))
        guides[0].rename(root / f"docs/guide-{version}.md")
    dart = template / "template-model/lib/src/plugin.dart.jinja"
    dart.write_text(dart.read_text() + f"// Made by {version} for {{{{ plugin_name }}}}.\n")
    batch = template / "template-model/windows/run.bat"
    batch.write_bytes(batch.read_bytes().replace(b"rem two", b"rem two " + version.encode()))
    if tvm is not None:
        pins = template / "src/tvmplug/pins.yml"
        head, _, tail = pins.read_text().partition("default: ")
        pins.write_text(f"{head}default: {tvm}\n{tail.partition(chr(10))[2]}")
    for path, text in (write or {}).items():
        _write(template / path, text)
    for path in remove:
        (template / path).unlink()
    commit(template, f"Release {version}", tag=version)
    return version


def make_project(
    template: Path,
    folder: Path,
    kind: str = "model",
    *,
    name: str = "g2p_flutter",
    prefix: str = "g2p_",
    ref: str | None = FIRST,
    **answers: Any,
) -> Path:
    """Render a plugin by Copier, and commit it.

    Args:
        template: The template's repository.
        folder: The plugin's folder.
        kind: `runtime` or `model`.
        name: A model plugin's name.
        prefix: A model plugin's prefix.
        ref: The template's version; None for the newest.
        answers: Further answers.
    """
    own = {} if kind == "runtime" else {"plugin_name": name, "prefix": prefix}
    data = {"kind": kind, **own, **answers}
    run_copy(str(template), folder, data=data, vcs_ref=ref, defaults=True, unsafe=True, quiet=True)
    commit_project(folder)
    return folder


def commit_project(folder: Path) -> None:
    """Make a git repository of a rendered plugin."""
    git(folder, "init", "--quiet")
    commit(folder, "Generated")


def model_name(number: int, width: int = 2) -> str:
    """Return the name of a fleet's model plugin: `g07_flutter`; its prefix is `g07_`."""
    return f"g{number:0{width}}_flutter"


def make_fleet(
    folder: Path, models: int, template: Path | None = None, ref: str | None = FIRST
) -> Path:
    """Make a runtime plugin and model plugins beside each other, and their fleet.yaml.

    One model is rendered by Copier; the others are that one under another name, which is what
    Copier would render (`test_small.py` compares the two).

    Args:
        folder: Where to put `tvm_runtime_flutter/`, `g00_flutter/`, ... and `fleet.yaml`.
        models: How many model plugins.
        template: The template; None makes a small one, `folder/template`.
        ref: The template's version that they are at.

    Returns:
        The path of fleet.yaml.
    """
    folder.mkdir(parents=True, exist_ok=True)
    template = template or small_template(folder / "template")
    width = len(str(max(models - 1, 10)))
    make_project(template, folder / RUNTIME_NAME, "runtime", ref=ref)
    registered = {model_name(number, width): f"g{number:0{width}}_" for number in range(models)}
    if registered:
        lines = [f"  {name}: {{prefix: {prefix}}}\n" for name, prefix in registered.items()]
        registry = folder / RUNTIME_NAME / "tvm_plugins.yaml"
        registry.write_text(registry.read_text().replace(" {}\n", "\n" + "".join(lines)))
        commit(folder / RUNTIME_NAME, "Registered")
        first, *others = registered
        pattern = folder / first
        make_project(template, pattern, name=first, prefix=registered[first], ref=ref)
        for name in others:
            copy_model(pattern, folder / name)
    names = "".join(f"  - {name}\n" for name in (RUNTIME_NAME, *registered))
    fleet = folder / "fleet.yaml"
    fleet.write_text(
        f"version: 1\ntemplates:\n  - {template}\nruntime: {RUNTIME_NAME}\nrepositories:\n{names}"
    )
    return fleet


def copy_model(pattern: Path, folder: Path) -> Path:
    """Make the plugin that Copier would render under another name, and commit it.

    Args:
        pattern: A freshly rendered model plugin whose folder has its name.
        folder: The other plugin's folder, which has its name: `g17_flutter`.
    """
    old, new = pattern.name.removesuffix("_flutter"), folder.name.removesuffix("_flutter")
    words = [(old, new), (old.title(), new.title())]
    for parent, folders, names in os.walk(pattern):
        if ".git" in folders:
            folders.remove(".git")
        below = folder / _renamed(Path(parent).relative_to(pattern).as_posix(), words)
        below.mkdir(parents=True, exist_ok=True)
        for name in names:
            source, target = Path(parent, name), below / _renamed(name, words)
            if source.is_symlink():
                target.symlink_to(source.readlink())
                continue
            content = source.read_bytes()
            for word, other in words:
                content = content.replace(word.encode(), other.encode())
            target.write_bytes(content)
            shutil.copymode(source, target)
    commit_project(folder)
    return folder


def _renamed(text: str, words: list[tuple[str, str]]) -> str:
    for word, other in words:
        text = text.replace(word, other)
    return text


def tree(folder: Path) -> dict[str, tuple[str, bytes]]:
    """Everything below a folder but `.git`: path -> (file, exec or link; content or target)."""
    found: dict[str, tuple[str, bytes]] = {}
    for parent, folders, names in os.walk(folder):
        if ".git" in folders:
            folders.remove(".git")
        links = [each for each in folders if Path(parent, each).is_symlink()]
        for name in [*names, *links]:
            path = Path(parent, name)
            if path.is_symlink():
                value = ("link", os.fsencode(path.readlink()))
            else:
                value = ("exec" if os.access(path, os.X_OK) else "file", path.read_bytes())
            found[path.relative_to(folder).as_posix()] = value
    found.pop(".git", None)  # a worktree's file
    return found


def staged(folder: Path) -> str:
    """Return the index: mode, blob, stage and path of every entry."""
    return subprocess.run(
        ["git", "ls-files", "--stage", "-z"], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_bytes().decode()
    assert old in text, f"{path} has no {old!r}"
    path.write_bytes(text.replace(old, new).encode())
