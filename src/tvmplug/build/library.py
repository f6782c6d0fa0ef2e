"""Audit of a model plugin's shared library: what an app would load must be this and no more."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from tvmplug.build import bridge
from tvmplug.environment import runtime_libraries_of
from tvmplug.errors import ArtifactError
from tvmplug.project import Project
from tvmplug.proof.system import is_system_library
from tvmplug.targets import Target

if TYPE_CHECKING:
    import lief

ORIGIN = "$ORIGIN"
# Folders where sources live on a developer's machine. `/rustc/<hash>` is Rust's own stand-in.
_MACHINE_PATH = re.compile(rb"/(?:home|root|Users|tmp|work|opt|mnt|private)/[\w.@+-]+/[\w./@+-]+")
# A plugin with its own copy of the runtime would define these.
_BUNDLED = re.compile(r"^(TVMFFI|TVMBackend)")


def audit_library(path: Path, project: Project, target: Target) -> list[str]:
    """Say everything that keeps a model plugin's shared library from being shipped.

    Args:
        path: The library.
        project: The model plugin it belongs to.
        target: What it is for, one with ELF libraries.

    Returns:
        One line a problem; empty when it may be shipped.

    Raises:
        ArtifactError: It is missing, or no ELF library.
    """
    if not path.is_file():
        raise ArtifactError(f"{path} is missing", mend="Run `tvmplug build`")
    import lief  # noqa: PLC0415  takes half a second, which a build with nothing to do has not

    parsed = lief.ELF.parse(str(path))
    if not isinstance(parsed, lief.ELF.Binary):
        raise ArtifactError(
            f"{path} is no ELF library", mend="Run `tvmplug build` to make it again"
        )
    exported = [str(symbol.name) for symbol in parsed.exported_symbols]
    prefix = project.model.prefix
    return [
        *_export_problems(exported, prefix, bridge.exports(project)),
        *_needed_problems([str(name) for name in parsed.libraries], target),
        *_path_problems(_runpaths(parsed)),
        *machine_paths(path.read_bytes(), project.root),
    ]


def _export_problems(exported: Sequence[str], prefix: str, allowed: Sequence[str]) -> list[str]:
    foreign = sorted(
        name for name in exported if not any(fnmatchcase(name, pattern) for pattern in allowed)
    )
    bundled = [name for name in foreign if _BUNDLED.match(name)]
    if bundled:
        return [f"it bundles a TVM runtime of its own ({bundled[0]})"]
    if foreign:
        shown = ", ".join(foreign[:3]) + (f" and {len(foreign) - 3} more" if foreign[3:] else "")
        return [f"it exports {shown}, which do not begin with {prefix}"]
    if not exported:
        return [f"it exports no {prefix} function: is `plugin!` called in rust/src?"]
    return []


def _needed_problems(needed: Sequence[str], target: Target) -> list[str]:
    runtime = runtime_libraries_of(target)
    missing = [name for name in runtime if name not in needed]
    extra = [name for name in needed if not is_system_library(name, target) and name not in runtime]
    problems = []
    if missing:
        problems.append(f"it is not linked to {' and '.join(missing)}")
    if extra:
        problems.append(f"it needs {', '.join(extra)}, which an app does not have")
    return problems


def _runpaths(parsed: lief.ELF.Binary) -> list[str]:
    # Of all dynamic entries only DT_RPATH and DT_RUNPATH have paths.
    return [str(path) for entry in parsed.dynamic_entries for path in getattr(entry, "paths", ())]


def _path_problems(runpaths: Sequence[str]) -> list[str]:
    if list(runpaths) == [ORIGIN]:
        return []
    return [f"its search path is '{':'.join(runpaths)}', not {ORIGIN}"]


def machine_paths(content: bytes, root: Path) -> list[str]:
    """Say which folder of the machine that built it a file names, if any.

    Args:
        content: The file's bytes.
        root: The plugin's folder.
    """
    found = [match.group().decode() for match in _MACHINE_PATH.finditer(content)]
    if str(root).encode() in content:
        found.insert(0, str(root))
    return [f"it holds the path {found[0]} of this machine"] if found else []
