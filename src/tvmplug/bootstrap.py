"""Make and find the environments that tvmplug runs in; standard library only.

Called by the hooks (in Copier's own Python, where nothing is installed), by the launcher that they
leave behind, and by `environment.py`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tvmplug.errors import FileError, ToolError, TvmplugError

PACKAGE_DIR = Path(__file__).resolve().parent
LOCKS_DIR = PACKAGE_DIR / "locks"
MINIMUM_PYTHON = (3, 10)
MARKER = "complete.json"
INSTALL_TIMEOUT_S = 3600


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


def lock_file(name: str) -> Path:
    """The lock (pinned versions with hashes) of the environment `name`: toolkit or compile."""
    return LOCKS_DIR / f"{name}.txt"


def environment_dir(name: str, locks: Sequence[Path]) -> Path:
    """Where the environment with these locks lies; the folder's name holds a hash of what it holds."""
    version = f"{sys.implementation.name}-{sys.version_info[0]}.{sys.version_info[1]}"
    digest = hashlib.sha256(f"{version}\n{sysconfig.get_platform()}\n".encode())
    for lock in locks:
        for line in _requirement_lines(lock):
            digest.update(line.encode() + b"\n")
    return cache_dir() / "env" / f"{name}-{digest.hexdigest()[:16]}"


def environment_python(environment: Path) -> Path | None:
    """The interpreter of a finished environment, or None when it was never finished or is broken."""
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
        raise ToolError(f"the new environment {environment} has no python", mend="Delete it, run again.")
    return python


def ensure_source() -> Path:
    """Keep a copy of this toolkit in the cache, and a launcher for it; return the folder to import from.

    Copier deletes the template that a hook runs from; the copy is what `tvmplug build` runs later.
    """
    toolkits = cache_dir() / "toolkit"
    if PACKAGE_DIR.parent.parent == toolkits.resolve():
        return PACKAGE_DIR.parent
    kept = toolkits / _source_hash()
    try:
        if not kept.is_dir():
            toolkits.mkdir(parents=True, exist_ok=True)
            work = Path(tempfile.mkdtemp(prefix=".new-", dir=toolkits))
            shutil.copytree(PACKAGE_DIR, work / PACKAGE_DIR.name, ignore=shutil.ignore_patterns("__pycache__"))
            try:
                work.rename(kept)
            except OSError:  # another process kept the same tree first
                shutil.rmtree(work, ignore_errors=True)
        _write_launcher(kept)
    except OSError as error:
        raise _unwritable(error) from error
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
    """The process environment for running the tvmplug package in `source`, and nothing else's modules."""
    return {**os.environ, "PYTHONPATH": str(source), "PYTHONNOUSERSITE": "1"}


def toolkit_command(argv: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The command and the environment variables that run `tvmplug ARGV`; makes what it needs first."""
    if sys.version_info < MINIMUM_PYTHON:
        found = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise ToolError(f"Python {found} is too old", mend="Run Copier with Python 3.10 or newer.")
    source = ensure_source()
    chosen = os.environ.get("TVMPLUG_TOOLKIT_PYTHON")
    python = chosen or str(ensure_environment("toolkit", [lock_file("toolkit")]))
    return [python, "-m", "tvmplug", *argv], toolkit_environ(source)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the toolkit in its own environment: `main(["build"])` is `tvmplug build`.

    Returns:
        The exit code of the command; that of the error (10 or 12) when the environment cannot be made.
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
        raise _unwritable(error) from error
    venv = [sys.executable, "-m", "venv", str(environment)]
    _run_quietly(venv, lock_descriptor, say, f"cannot make the {name} environment", _VENV_MEND)
    python = str(environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    # Every lock is complete, so pip has nothing to resolve: what is not in a lock must not come in.
    install = [python, "-m", "pip", "install", "--no-deps", "--require-hashes", "--no-input"]
    install += ["--disable-pip-version-check", "--progress-bar", "off"]
    for lock in locks:
        install += ["-r", str(lock)]
    _run_quietly(install, lock_descriptor, say, f"cannot install the {name} environment", mend or _PIP_MEND)
    marker = {"name": name, "locks": [str(lock) for lock in locks], "python": sys.version.split()[0]}
    temporary = environment / f".{MARKER}"
    temporary.write_text(json.dumps(marker) + "\n", encoding="utf-8")
    temporary.replace(environment / MARKER)
    say.done(f"made in {time.monotonic() - started:.0f} s: {environment}")


_VENV_MEND = "Install the venv module of this Python (Debian: apt install python3-venv) and run again."
_PIP_MEND = "See that pip can reach its package index (network, proxy, pip's configuration) and run again."


def _run_quietly(command: list[str], lock_descriptor: int, say: _Progress, what: str, mend: str) -> None:
    """Run a child that shows one line of progress; its last lines go into the error."""
    # PYTHONPATH would hide packages from pip, and the child keeps the lock when this process is killed.
    environ = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    inherited = () if os.name == "nt" else (lock_descriptor,)
    lines: list[str] = []
    with subprocess.Popen(
        command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", pass_fds=inherited,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        for line in child.stdout:
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
    """One line on a terminal that is rewritten; a line at the start, at the end and every 10 s elsewhere."""

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
    """Hold an operating-system lock, which a killed process gives back by itself; yields its descriptor."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise _unwritable(error) from error
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
                import msvcrt

                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError:
            if not waiting_said:
                waiting_said = True
                print(f"tvmplug: waiting for another process that makes {path.stem}", file=sys.stderr, flush=True)
            time.sleep(0.1)


def _requirement_lines(lock: Path) -> list[str]:
    """The requirements of a lock, comments and blank lines left out: only these decide the environment."""
    try:
        text = lock.read_text(encoding="utf-8")
    except OSError as error:
        raise ToolError(f"cannot read the lock file {lock}: {error.strerror}", mend="Restore the file.") from error
    joined = text.replace("\\\n", " ")
    stripped = (line.strip() for line in joined.splitlines())
    return [" ".join(line.split()) for line in stripped if line and not line.startswith("#")]


def _source_hash() -> str:
    digest = hashlib.sha256()
    for path in sorted(PACKAGE_DIR.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(PACKAGE_DIR).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _write_launcher(source: Path) -> None:
    """Write `cache/bin/tvmplug`: it starts this module, which makes the environment again if it is gone."""
    launcher = launcher_path()
    launcher.parent.mkdir(parents=True, exist_ok=True)
    python = getattr(sys, "_base_executable", sys.executable) or sys.executable
    if os.name == "nt":
        text = f'@set "PYTHONPATH={source}"\r\n@"{python}" -m tvmplug.bootstrap %*\r\n'
    else:
        quoted = (shlex.quote(str(source)), shlex.quote(python))
        text = "#!/bin/sh\nPYTHONPATH={0} exec {1} -m tvmplug.bootstrap \"$@\"\n".format(*quoted)
    if launcher.exists() and launcher.read_text(encoding="utf-8") == text:
        return
    descriptor, temporary = tempfile.mkstemp(dir=launcher.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
        stream.write(text)
    executable = stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH
    os.chmod(temporary, executable)
    os.replace(temporary, launcher)


def _unwritable(error: OSError) -> FileError:
    where = error.filename or cache_dir()
    return FileError(
        f"cannot write the cache folder: {where}: {error.strerror}",
        mend="Free some space or set TVMPLUG_CACHE_DIR to a folder that can be written.",
    )


if __name__ == "__main__":
    raise SystemExit(main())
