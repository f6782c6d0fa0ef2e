"""What TVM raises, in the words of the toolkit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tvmplug.errors import CompileError, ExportError


@contextlib.contextmanager
def compile_errors(component: str) -> Iterator[None]:
    """Turn whatever TVM raises into a CompileError with the first telling line."""
    try:
        yield
    except (CompileError, ExportError, OSError, MemoryError):
        raise
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[-1] if lines else type(error).__name__
        raise CompileError(
            f"TVM cannot compile the component '{component}': {type(error).__name__}: {reason}",
            mend="Rewrite that part of the model with operations that TVM supports",
        ) from error
