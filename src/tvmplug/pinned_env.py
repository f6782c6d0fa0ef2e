"""Environments installed from a lock with hashes, made once in the user's cache.

Called by `bootstrap.py` (the toolkit's environment) and `environment.py` (the compiler's).
Standard library only.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tvmplug.errors import FileError, ToolError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

MARKER = "complete.json"


def cache_dir() -> Path:
    """The user's cache folder of tvmplug: TVMPLUG_CACHE_DIR, or the platform's own place."""
    if override := os.environ.get("TVMPLUG_CACHE_DIR"):
        return Path(override).expanduser().absolute()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "tvmplug" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "tvmplug"
    xdg = os.environ.get("XDG_CACHE_HOME")
    return (Path(xdg) if xdg else Path.home() / ".cache") / "tvmplug"


def environment_dir(name: str, locks: Sequence[Path]) -> Path:
    """Where the environment with these locks lies: its name holds a hash of what is in it."""
    version = f"{sys.implementation.name}-{sys.version_info[0]}.{sys.version_info[1]}"
    digest = hashlib.sha256(f"{version}\n{sysconfig.get_platform()}\n".encode())
    for lock in locks:
        for line in _requirement_lines(lock):
            digest.update(line.encode() + b"\n")
    return cache_dir() / "env" / f"{name}-{digest.hexdigest()[:16]}"


def environment_python(environment: Path) -> Path | None:
    """The interpreter of a finished environment; None when it was not finished or is broken."""
    inner = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    python = environment / inner
    return python if (environment / MARKER).is_file() and python.exists() else None


def ensure_environment(name: str, locks: Sequence[Path], *, mend: str | None = None) -> Path:
    """Return the interpreter of the environment that holds exactly `locks`; make it when missing.

    Made once under an operating-system lock. A venv cannot be renamed into place, so a marker that
    is written last says that it is whole; without it the folder is made anew.

    Args:
        name: what it is for, in messages and in the folder's name.
        locks: pip requirement files, complete (no resolving) and with hashes.
        mend: what to say instead of the usual advice when the install fails.

    Returns:
        The path of its python.

    Raises:
        ToolError: no venv module, pip failed, a hash is missing or wrong, or there is no network.
        FileError: the cache folder cannot be written.
    """
    environment = environment_dir(name, locks)
    if python := environment_python(environment):
        return python
    with _locked(environment.with_name(environment.name + ".lock")) as lock_descriptor:
        if python := environment_python(environment):
            return python
        _make_environment(name, environment, locks, mend, lock_descriptor)
    python = environment_python(environment)
    if python is None:
        raise ToolError(
            f"the new environment {environment} has no python",
            mend="Delete it and run the command again",
        )
    return python


def unwritable(error: OSError) -> FileError:
    """The error to raise when the cache folder cannot be written."""
    where = error.filename or cache_dir()
    return FileError(
        f"cannot write the cache folder: {where}: {error.strerror}",
        mend="Free some space or set TVMPLUG_CACHE_DIR to a folder that can be written",
    )


def _make_environment(
    name: str, environment: Path, locks: Sequence[Path], mend: str | None, lock_descriptor: int
) -> None:
    started = time.monotonic()
    total = sum(len(_requirement_lines(lock)) for lock in locks)
    say = _Progress(f"making the {name} environment (once; {total} packages)")
    try:
        if environment.exists():
            shutil.rmtree(environment)
        environment.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(error) from error
    venv = [sys.executable, "-m", "venv", str(environment)]
    _run_quietly(venv, lock_descriptor, say, f"cannot make the {name} environment", _VENV_MEND)
    python = str(environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    # Every lock is complete, so pip has nothing to resolve: what is not in a lock must not come in.
    install = [python, "-m", "pip", "install", "--no-deps", "--require-hashes", "--no-input"]
    install += ["--disable-pip-version-check", "--progress-bar", "off"]
    for lock in locks:
        install += ["-r", str(lock)]
    _run_quietly(
        install, lock_descriptor, say, f"cannot install the {name} environment", mend or _PIP_MEND
    )
    marker = {
        "name": name,
        "locks": [str(lock) for lock in locks],
        "python": sys.version.split()[0],
    }
    temporary = environment / f".{MARKER}"
    temporary.write_text(json.dumps(marker) + "\n", encoding="utf-8")
    temporary.replace(environment / MARKER)
    say.done(f"made in {time.monotonic() - started:.0f} s: {environment}")


_VENV_MEND = (
    "Install the venv module of this Python (Debian: apt install python3-venv), then run again"
)
_PIP_MEND = (
    "See that pip can reach its package index (network, proxy, pip's configuration), then run again"
)


def _run_quietly(
    command: list[str], lock_descriptor: int, say: _Progress, what: str, mend: str
) -> None:
    """Run a child that shows one line of progress; its last lines go into the error."""
    # PYTHONPATH would hide packages from pip. The child keeps the lock when this process is killed.
    environ = {
        key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")
    }
    inherited = () if os.name == "nt" else (lock_descriptor,)
    lines: list[str] = []
    with subprocess.Popen(
        command,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=inherited,
    ) as child:
        for line in child.stdout or ():
            lines.append(line.rstrip())
            say.line(line.strip())
    if child.returncode != 0:
        say.done("failed")
        raise ToolError(f"{what}: {_reason(lines)}", mend=mend)


def _reason(lines: Sequence[str]) -> str:
    """The lines of pip's or venv's output that say why, as one line."""
    told = [line.strip() for line in lines if line.strip()]
    errors = [line for line in told if line.startswith("ERROR:") or "Error" in line]
    chosen = errors[-2:] or told[-2:]
    return " / ".join(chosen) or "no output"


class _Progress:
    """One line that is rewritten; where that cannot be, a line at start, end and every 10 s."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._started = self._last = time.monotonic()
        self._terminal = sys.stderr.isatty()
        self._count = 0
        if not self._terminal:
            print(f"tvmplug: {title} ...", file=sys.stderr, flush=True)
        else:
            self._rewrite(f"tvmplug: {title}")

    def line(self, text: str) -> None:
        if not text.startswith(("Collecting ", "Installing ")):
            return
        words = text.split()
        package = words[1].split("==")[0] if words[0] == "Collecting" else "all"
        self._count += words[0] == "Collecting"
        now = time.monotonic()
        doing = f"installing {package}" if package == "all" else f"[{self._count}] {package}"
        message = f"tvmplug: {self._title}: {doing}, {now - self._started:.0f} s"
        if self._terminal:
            self._rewrite(message)
        elif now - self._last > 10:
            self._last = now
            print(message, file=sys.stderr, flush=True)

    def done(self, how: str) -> None:
        if self._terminal:
            self._rewrite("")
        print(f"tvmplug: {self._title}: {how}", file=sys.stderr, flush=True)

    def _rewrite(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        print(f"\r\x1b[K{text[:width]}", end="", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Hold an operating-system lock (a killed process gives it back); yields its descriptor."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise unwritable(error) from error
    try:
        _take_lock(descriptor, path)
        yield descriptor
    finally:
        os.close(descriptor)


def _take_lock(descriptor: int, path: Path) -> None:
    waiting_said = False
    while True:
        try:
            if sys.platform == "win32":
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError:
            if not waiting_said:
                waiting_said = True
                print(
                    f"tvmplug: waiting for another process that makes {path.stem}",
                    file=sys.stderr,
                    flush=True,
                )
            time.sleep(0.1)


def _requirement_lines(lock: Path) -> list[str]:
    """The requirements of a lock without comments: only these decide what is installed."""
    try:
        text = lock.read_text(encoding="utf-8")
    except OSError as error:
        raise ToolError(
            f"cannot read the lock file {lock}: {error.strerror}", mend="Restore the file"
        ) from error
    joined = text.replace("\\\n", " ")
    stripped = (line.strip() for line in joined.splitlines())
    return [" ".join(line.split()) for line in stripped if line and not line.startswith("#")]
