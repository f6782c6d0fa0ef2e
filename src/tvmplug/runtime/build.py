"""Builds TVM's runtime for a target from the pinned wheels' C++ sources, once per pin."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from tvmplug import files, output
from tvmplug.errors import BuildError, ProcessError, ToolError
from tvmplug.pins import PINS
from tvmplug.process import run
from tvmplug.relay import relay
from tvmplug.runtime.sources import Sources, find_sources
from tvmplug.runtime.store import (
    ARCHIVES,
    CMAKE_DIR,
    DEFAULT,
    LIBRARY,
    LINK_MAP,
    PARTS,
    Runtime,
    RuntimeOptions,
    built_dir,
    imported_dir,
    read_runtime,
    write_record,
)
from tvmplug.targets import Target
from tvmplug.toolchains.cxx import CxxToolchain, find_cxx

_TIMEOUT_S = 3600
_SHOWN_LINES = 30


def build_runtime(target: Target, options: RuntimeOptions = DEFAULT) -> Runtime:
    """Return the runtime for a target; it is built when the cache does not hold it.

    Args:
        target: What it is for.
        options: What is built in beyond what every model needs; an imported runtime is taken as
            it is.

    Raises:
        ToolError: The C++ compiler, CMake or the sources are missing.
        BuildError: A compile or the link failed.
        FileError: The cache cannot be written.
    """
    if (found := read_runtime(imported_dir(target), target)) is not None:
        return found
    toolchain = find_cxx(target)
    folder = built_dir(target, options, toolchain.name)
    if found := read_runtime(folder, target):
        return found
    with files.locked(folder, timeout_s=_TIMEOUT_S):
        if found := read_runtime(folder, target):
            return found
        title = f"build TVM's runtime for {target.name} with {toolchain.version} (once)"
        with output.progress(title, every_line=False) as show, files.file_errors(folder):
            for abandoned in folder.parent.glob(f".new-{folder.name}-*"):
                shutil.rmtree(abandoned)  # a build that was killed; none runs, or it had the lock
            work = Path(tempfile.mkdtemp(prefix=f".new-{folder.name}-", dir=folder.parent))
            try:
                _compile(work, find_sources(), options, toolchain, show)
                if not target.is_apple:
                    show("link")
                    link_shared(work, ARCHIVES, toolchain)
                write_record(
                    work,
                    origin="built",
                    toolchain=toolchain.version,
                    proof_only=toolchain.proof_only,
                    archives=ARCHIVES,
                    parts=options.parts,
                )
                shutil.rmtree(folder, ignore_errors=True)
                work.chmod(0o755)
                work.rename(folder)
            finally:
                shutil.rmtree(work, ignore_errors=True)
            built = read_runtime(folder, target)
    if built is None:
        raise BuildError(f"{folder} is gone again", mend="Run the command again")
    return built


def _compile(
    work: Path,
    sources: Sources,
    options: RuntimeOptions,
    toolchain: CxxToolchain,
    show: Callable[[str], None],
) -> None:
    """Compile the sources into the two archives."""
    if shutil.which("cmake") is None:
        raise ToolError(
            "CMake is not installed; it builds TVM's runtime",
            mend="Run `pip install cmake ninja`, or install them with the system's own packages",
        )
    build = work / "build"
    environ = {**os.environ, **toolchain.environment}
    configure: list[str | Path] = [
        "cmake",
        "-S",
        CMAKE_DIR,
        "-B",
        build,
        *toolchain.cmake_arguments,
    ]
    configure += ["-G", "Ninja"] if shutil.which("ninja") else []
    configure += _settings(sources, options)
    steps: list[str | Path] = ["cmake", "--build", build, "--parallel", str(os.cpu_count() or 1)]
    try:
        for argv in (configure, steps):
            done = relay(argv, cwd=work, env=environ, timeout_s=_TIMEOUT_S, show=show)
            if done.returncode != 0:
                _say_last(f"{done.stdout}\n{done.stderr}")
                raise BuildError(
                    f"TVM's runtime does not compile with {toolchain.version}",
                    mend="The compiler's last lines stand above",
                )
        for name in ARCHIVES:
            (build / name).rename(work / name)
    finally:
        shutil.rmtree(build, ignore_errors=True)


def _settings(sources: Sources, options: RuntimeOptions) -> list[str]:
    """What the project's own CMake file is told."""
    parts = [
        f"-DWITH_{part.upper().replace('-', '_')}={'ON' if part in options.parts else 'OFF'}"
        for part in PARTS
    ]
    return [
        f"-DTVM_DIR={sources.tvm.as_posix()}",
        f"-DTVM_FFI_DIR={sources.tvm_ffi.as_posix()}",
        f"-DTVM_VERSION={PINS.tvm}",
        *parts,
    ]


def link_shared(work: Path, archives: Iterable[str], toolchain: CxxToolchain) -> None:
    """Make the library of the archives, and its map; zig first compiles its C++ library, once.

    Args:
        work: The folder of the archives, and of the library.
        archives: File names, in the order of the link.
        toolchain: The compiler that links.

    Raises:
        BuildError: The link failed.
    """
    # The names are relative, so that the link map holds no folder of this machine.
    argv = toolchain.link_command(
        LIBRARY, archives, exports=CMAKE_DIR / "exports.map", link_map=LINK_MAP
    )
    try:
        done = run(argv, cwd=work, env=toolchain.environment, timeout_s=_TIMEOUT_S)
    except ProcessError as error:
        _say_last(error.output)
        raise BuildError(
            f"TVM's runtime does not link with {toolchain.version}",
            mend="The linker's last lines stand above",
        ) from error
    if toolchain.map_to_stdout:
        files.write_text(work / LINK_MAP, done.stdout)


def _say_last(text: str) -> None:
    for line in text.rstrip().splitlines()[-_SHOWN_LINES:]:
        output.say(f"    {line}")
