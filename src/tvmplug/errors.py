"""Every error a user can meet: one tree, one exit code per family.

A message is one sentence that says what is wrong and where; `mend` is the
command or edit that puts it right. The command line prints both on one line.
"""

from __future__ import annotations

from typing import ClassVar


class TvmplugError(Exception):
    """Base of all errors that are shown without a traceback.

    Args:
        message: What is wrong and where, in one line.
        mend: The command or edit that puts it right, if there is one.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, mend: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend

    def __str__(self) -> str:
        return self.message if self.mend is None else f"{self.message}. {self.mend}"


class UsageError(TvmplugError):
    """The command line was used wrongly."""

    exit_code = 2


class NamingError(TvmplugError):
    """A plugin name, prefix or component name breaks a rule."""

    exit_code = 3


class RegistryError(TvmplugError):
    """The registry cannot be read, or a prefix collides."""

    exit_code = 4


class ProjectError(TvmplugError):
    """A folder is no plugin, or its manifest is wrong."""

    exit_code = 5


class ExportError(TvmplugError):
    """The author's export script failed or returned the wrong thing."""

    exit_code = 6


class CompileError(TvmplugError):
    """TVM could not compile a component."""

    exit_code = 7


class ArtifactError(TvmplugError):
    """An archive, a shared library or its metadata is not what it must be."""

    exit_code = 8


class BuildError(TvmplugError):
    """cargo or the linker failed."""

    exit_code = 9


class ToolError(TvmplugError):
    """A tool or an environment is missing or could not be made."""

    exit_code = 10


class ProcessError(ToolError):
    """A program that was started failed or ran out of time.

    Args:
        message: What is wrong and where, in one line.
        mend: The command or edit that puts it right, if there is one.
        output: The last lines that the program printed.
        returncode: What the program returned; None when it was stopped.
    """

    def __init__(
        self,
        message: str,
        *,
        mend: str | None = None,
        output: str = "",
        returncode: int | None = None,
    ) -> None:
        super().__init__(message, mend=mend)
        self.output = output
        self.returncode = returncode


class GoldenError(TvmplugError):
    """A compiled component does not reproduce its reference outputs."""

    exit_code = 11


class FileError(TvmplugError):
    """A file or folder cannot be read or written."""

    exit_code = 12


class FleetError(TvmplugError):
    """fleet.yaml is wrong, or a repository or template of the fleet cannot be used."""

    exit_code = 13


class FleetBehindError(TvmplugError):
    """Some repositories of the fleet are behind, or were not updated."""

    exit_code = 14


class AdoptError(TvmplugError):
    """An existing plugin has something to adopt, or cannot be adopted as it is."""

    exit_code = 15


def error_families() -> dict[str, type[TvmplugError]]:
    """Return every error class by its name, for carrying errors between processes."""
    families: dict[str, type[TvmplugError]] = {}
    pending: list[type[TvmplugError]] = [TvmplugError]
    while pending:
        family = pending.pop()
        families[family.__name__] = family
        pending.extend(family.__subclasses__())
    return families
