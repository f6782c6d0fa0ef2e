"""Run the toolkit in its own environment, from a Python that has nothing installed.

Called by the hooks (in Copier's own Python) and by the launcher that they leave in the
cache. Standard library only.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tvmplug.errors import ToolError, TvmplugError
from tvmplug.pinned_env import cache_dir, ensure_environment, unwritable

PACKAGE_DIR = Path(__file__).resolve().parent
LOCKS_DIR = PACKAGE_DIR / "locks"
MINIMUM_PYTHON = (3, 10)


def lock_file(name: str) -> Path:
    """The lock (pinned versions with hashes) of the environment `name`: toolkit or compile."""
    return LOCKS_DIR / f"{name}.txt"


def ensure_source() -> Path:
    """Keep a copy of this toolkit in the cache, and a launcher for it.

    Copier deletes the template that a hook runs from; the copy is what `tvmplug build` runs later.

    Returns:
        The folder to import `tvmplug` from.

    Raises:
        FileError: The cache folder cannot be written.
    """
    toolkits = cache_dir() / "toolkit"
    if PACKAGE_DIR.parent.parent == toolkits.resolve():
        return PACKAGE_DIR.parent
    kept = toolkits / _source_hash()
    try:
        if not kept.is_dir():
            toolkits.mkdir(parents=True, exist_ok=True)
            work = Path(tempfile.mkdtemp(prefix=".new-", dir=toolkits))
            shutil.copytree(
                PACKAGE_DIR, work / PACKAGE_DIR.name, ignore=shutil.ignore_patterns("__pycache__")
            )
            try:
                work.rename(kept)
            except OSError:  # another process kept the same tree first
                shutil.rmtree(work, ignore_errors=True)
        _write_launcher(kept)
    except OSError as error:
        raise unwritable(error) from error
    return kept


def launcher_path() -> Path:
    """The command left in the cache for an author who has Copier but never installed tvmplug."""
    return cache_dir() / "bin" / ("tvmplug.cmd" if os.name == "nt" else "tvmplug")


def command_name() -> str:
    """How this user can start tvmplug right now; messages name this."""
    if shutil.which("tvmplug"):
        return "tvmplug"
    launcher = launcher_path()
    return shlex.quote(str(launcher)) if launcher.exists() else "tvmplug"


def toolkit_environ(source: Path) -> dict[str, str]:
    """The variables for running the tvmplug package in `source`, and nobody else's modules."""
    return {**os.environ, "PYTHONPATH": str(source), "PYTHONNOUSERSITE": "1"}


def toolkit_command(argv: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Make what is missing; return the command and the variables that run `tvmplug ARGV`."""
    if sys.version_info < MINIMUM_PYTHON:
        found = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise ToolError(f"Python {found} is too old", mend="Run Copier with Python 3.10 or newer")
    source = ensure_source()
    chosen = os.environ.get("TVMPLUG_TOOLKIT_PYTHON")
    python = chosen or str(ensure_environment("toolkit", [lock_file("toolkit")]))
    return [python, "-m", "tvmplug", *argv], toolkit_environ(source)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the toolkit in its own environment: `main(["build"])` is `tvmplug build`.

    Returns:
        The exit code of the command, or the error's (10, 12) when there is no environment for it.
    """
    try:
        command, environ = toolkit_command(sys.argv[1:] if argv is None else argv)
    except TvmplugError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    sys.stderr.flush()
    sys.stdout.flush()
    try:
        return subprocess.call(command, env=environ)
    except KeyboardInterrupt:
        return 130


def _source_hash() -> str:
    digest = hashlib.sha256()
    for path in sorted(PACKAGE_DIR.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(PACKAGE_DIR).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _write_launcher(source: Path) -> None:
    """Write `cache/bin/tvmplug`; it starts this module, so a lost environment is made again."""
    launcher = launcher_path()
    launcher.parent.mkdir(parents=True, exist_ok=True)
    python = getattr(sys, "_base_executable", sys.executable) or sys.executable
    if os.name == "nt":
        text = f'@set "PYTHONPATH={source}"\r\n@"{python}" -m tvmplug.bootstrap %*\r\n'
    else:
        command = f"PYTHONPATH={shlex.quote(str(source))} exec {shlex.quote(python)}"
        text = f'#!/bin/sh\n{command} -m tvmplug.bootstrap "$@"\n'
    if launcher.exists() and launcher.read_text(encoding="utf-8") == text:
        return
    descriptor, name = tempfile.mkstemp(dir=launcher.parent)
    temporary = Path(name)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
        stream.write(text)
    executable = stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH
    temporary.chmod(executable)
    temporary.replace(launcher)


if __name__ == "__main__":
    raise SystemExit(main())
