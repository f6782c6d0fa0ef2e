"""Runs an author's `model/export.py`; whatever goes wrong in it becomes one line with its place."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from tvmplug.errors import ExportError
from tvmplug.export import Component

_MODULE_NAME = "tvmplug_author_export"


def load_export(path: Path) -> list[Component]:
    """Run the author's export script and return what its `export()` returned, not yet validated.

    The script's folder is on `sys.path` while it runs, so that it can import its neighbours.

    Args:
        path: the script, `model/export.py`.

    Returns:
        The components.

    Raises:
        ExportError: the script is missing or has no `export()`; it raised (the message gives the
            line in the author's folder and the exception); it returned anything but a list of
            components.
    """
    path = path.absolute()
    if not path.is_file():
        raise ExportError(
            f"there is no export script {path}",
            mend="Write one that defines `export() -> list[Component]`, see `tvmplug.export`",
        )
    with _importable(path.parent), _blaming(path):
        spec = importlib.util.spec_from_file_location(_MODULE_NAME, path)
        if spec is None or spec.loader is None:  # cannot happen for a .py file
            raise ExportError(f"{path} cannot be imported")
        module = importlib.util.module_from_spec(spec)
        sys.modules[_MODULE_NAME] = module  # dataclasses and pickle look their module up
        spec.loader.exec_module(module)
        export = getattr(module, "export", None)
        if not callable(export):
            raise ExportError(
                f"{path} defines no function `export`",
                mend="Define `export() -> list[Component]`, see `tvmplug.export`",
            )
        returned = export()
    if not isinstance(returned, list):
        raise ExportError(
            f"{path}: export() returned {_a(returned)}, not a list of Component",
            mend="Return a list, even for one component: [Component(...)]",
        )
    for position, item in enumerate(returned):
        if not isinstance(item, Component):
            raise ExportError(
                f"{path}: export() returned a list with {_a(item)} at position {position}",
                mend="Every item must be a tvmplug.export.Component",
            )
    return returned


def _a(value: object) -> str:
    return "None" if value is None else f"a value of type {type(value).__name__}"


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # the author's folder is hashed, and may be read-only
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.dont_write_bytecode = before
        sys.path.remove(str(folder))
        sys.modules.pop(_MODULE_NAME, None)


@contextlib.contextmanager
def _blaming(path: Path) -> Iterator[None]:
    """Turn whatever the author's code raises, an exit included, into an ExportError."""
    try:
        yield
    except (ExportError, KeyboardInterrupt):
        raise
    except BaseException as error:
        text = str(error).strip().splitlines()
        reason = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
        mend = None
        if isinstance(error, ModuleNotFoundError):
            mend = "Add the package, with its hash, to model/requirements.txt"
        raise ExportError(f"{_place(error, path)}: {reason}", mend=mend) from error


def _place(error: BaseException, path: Path) -> str:
    """`FILE:LINE` of the innermost frame in the author's folder."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(path.parent)]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else str(path)
