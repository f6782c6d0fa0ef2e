"""Builds a plugin for many targets: does what can be done here, and says what is left to do.

A missing toolchain (no Mac, no NDK, no standard library of Rust) is not a failure: it is what the
table at the end is for. A model that does not compile, or a library that does not link, is one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tvmplug.build import images, steps
from tvmplug.build.apple import Packed, pack
from tvmplug.build.image import Image
from tvmplug.errors import ProcessError, ToolError, TvmplugError
from tvmplug.metadata import METADATA_NAME, read_metadata
from tvmplug.project import Project
from tvmplug.targets import Target
from tvmplug.toolchains import rust

T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """How far one target came.

    Attributes:
        target: The target.
        model: The compiled model's archive; None for the runtime plugin, and where it failed.
        runtime: The one TVM runtime of the target; None where it cannot be made here.
        image: The plugin's own library; None where it was not linked.
        changed: Whether anything was done.
        todo: What this machine lacks: another one, or this one with more installed, can go on.
        failed: What went wrong.
    """

    target: Target
    model: Path | None = None
    runtime: Image | None = None
    image: Image | None = None
    changed: bool = False
    todo: tuple[ToolError, ...] = ()
    failed: TvmplugError | None = None


@dataclass(frozen=True)
class Report:
    """What a build for many targets did.

    Attributes:
        rows: One for each target.
        packed: The XCFramework that was put together; None where no slice of it is linked.
    """

    rows: tuple[Row, ...]
    packed: Packed | None

    @property
    def failed(self) -> TvmplugError | None:
        """The first thing that went wrong."""
        return next((row.failed for row in self.rows if row.failed is not None), None)

    @property
    def summary(self) -> str:
        """In a few words: how many targets have a library, and how many lack something."""
        linked = sum(row.image is not None for row in self.rows)
        proof = sum(row.image is not None and row.image.proof_only for row in self.rows)
        words = f"{linked} of {len(self.rows)} targets linked"
        return f"{words}, {proof} of them as a proof only" if proof else words


def build_for(project: Project, targets: Sequence[Target]) -> Report:
    """Build a plugin for each target, as far as this machine can.

    Args:
        project: Either kind of plugin.
        targets: What to build for, in the order of the table.

    Raises:
        TvmplugError: The XCFramework cannot be written; a target's own errors are in its row.
    """
    # All models first, in one run: targets share the exported model, and kernels the processors.
    compiled = (
        steps.compile_models(project, targets) if project.is_model else [False] * len(targets)
    )
    rows = tuple(
        _build_row(project, target, outcome)
        for target, outcome in zip(targets, compiled, strict=True)
    )
    linked = any(row.target.is_apple and row.image is not None for row in rows)
    return Report(rows, pack(project) if linked else None)


def _build_row(project: Project, target: Target, outcome: bool | TvmplugError) -> Row:
    tasks = _Tasks()
    compiled = tasks.do(lambda: _result(outcome))
    model = _archive(project, target) if project.is_model and not tasks.failed else None
    runtime = tasks.do(lambda: images.runtime_image(project, target))
    # Asked even where there is no runtime yet, so that one run names everything that is missing.
    tasks.do(lambda: rust.require_std(target) if project.is_model else None)
    built = None if tasks.todo else tasks.do(lambda: steps.build_plugin(project, target))
    return Row(
        target=target,
        model=model,
        runtime=runtime,
        image=built.image if built else None,
        changed=bool(compiled) or bool(built and built.changed),
        todo=tuple(tasks.todo),
        failed=tasks.failed,
    )


def _result(outcome: bool | TvmplugError) -> bool:
    if isinstance(outcome, TvmplugError):
        raise outcome
    return outcome


class _Tasks:
    """Does one thing after the other until one fails; what lacks a tool is left out."""

    def __init__(self) -> None:
        self.todo: list[ToolError] = []
        self.failed: TvmplugError | None = None

    def do(self, task: Callable[[], T]) -> T | None:
        if self.failed is not None:
            return None
        try:
            return task()
        except TvmplugError as error:
            if isinstance(error, ToolError) and not isinstance(error, ProcessError):
                self.todo.append(error)
            else:
                self.failed = error
            return None


def _archive(project: Project, target: Target) -> Path:
    folder = project.compiled_dir(target)
    return folder / read_metadata(folder / METADATA_NAME).archive
