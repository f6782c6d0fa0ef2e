"""TVM's runtime for the targets that the wheels have none for: built, or the author's own."""

from __future__ import annotations

from tvmplug.runtime.build import build_runtime
from tvmplug.runtime.store import DEFAULT, Runtime, RuntimeOptions, find_runtime

__all__ = ["DEFAULT", "Runtime", "RuntimeOptions", "build_runtime", "find_runtime"]
