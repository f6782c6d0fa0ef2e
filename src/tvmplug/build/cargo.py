"""Calls cargo in a plugin's crate, and says in one line what it did not like."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tvmplug import files, output
from tvmplug.build import bridge
from tvmplug.errors import BuildError, GoldenError, ToolError, TvmplugError
from tvmplug.manifest import RuntimePath
from tvmplug.process import Completed
from tvmplug.project import Project
from tvmplug.relay import relay
from tvmplug.targets import Target
from tvmplug.toolchains import rust

CARGO_TIMEOUT_S = 3600
# Android maps libraries in pages of 16 KB, and loads none whose parts are not aligned to them.
_LINKER_ARGUMENTS = {"android": ("-Wl,-z,max-page-size=16384",)}
_MISSING = {
    "cargo": "Install Rust (https://rustup.rs), then run `tvmplug build`",
    "cc": "Install a C compiler, which Rust links with (Debian: apt install gcc), "
    "then run `tvmplug build`",
}


def require_tools() -> None:
    """Refuse to begin when a program that every build needs is not there.

    Raises:
        ToolError: cargo or a C compiler is not on PATH.
    """
    for tool, mend in _MISSING.items():
        if shutil.which(tool) is None:
            raise ToolError(f"{tool} is not on PATH", mend=mend)


@dataclass(frozen=True)
class Crate:
    """A model plugin's built crate.

    Attributes:
        path: A shared library; for Apple's targets a static one, which `tvmplug.apple` links.
        link_map: What the linker put into the shared library; None for a static one.
        linker: What linked it, for people.
    """

    path: Path
    link_map: Path | None
    linker: str


def check_crate(project: Project, libraries: Mapping[str, str]) -> None:
    """Build the runtime plugin's crate for this machine: model plugins' crates build on it.

    Args:
        project: The runtime plugin.
        libraries: TVMPLUG_* variables that tell the build scripts where the libraries are.

    Raises:
        ToolError: cargo or the C compiler is missing.
        BuildError: The crate does not build.
    """
    title = f"build {project.name} (cargo)"
    _cargo(project, ["build", "--release"], libraries, title, failed=partial(_build_error, project))


def build_library(project: Project, target: Target, libraries: Mapping[str, str]) -> Crate:
    """Build a model plugin's crate with optimisation.

    Args:
        project: The plugin.
        target: What it is built for.
        libraries: TVMPLUG_* variables that tell the build scripts where the libraries are.

    Returns:
        What was built.

    Raises:
        ToolError: cargo, the target's standard library or its linker is missing.
        BuildError: The crate does not build.
    """
    require_tools()
    rust.require_std(target)
    work = _work_dir(project, target)
    link_map = None if target.is_apple else work / "link.map"
    argv = ["rustc", "--release", "--lib", "--message-format=json-render-diagnostics"]
    argv += ["--crate-type", "staticlib" if target.is_apple else "cdylib"]
    argv += [] if rust.is_native(target) else ["--target", target.rust_triple]
    if link_map is not None:
        arguments = [f"-Wl,-Map={link_map}", *_LINKER_ARGUMENTS.get(target.os, ())]
        argv += ["--", *(f"-Clink-arg={argument}" for argument in arguments)]
    variables = {**libraries, **rust.linker_variables(target, work), **rust.minimum_os(target)}
    variables |= bridge.compiler_variables(project, target, work)
    title = f"build {project.name} for {target.name} (cargo)"
    done = _cargo(project, argv, variables, title, failed=partial(_build_error, project))
    name = f"lib{project.name}.a" if target.is_apple else target.library_name.format(project.name)
    for path in _artifacts(done.stdout):
        if path.name == name:
            kept = link_map if link_map is not None and link_map.is_file() else None
            return Crate(path, kept, rust.linker_name(target))
    raise BuildError(
        f"cargo built no {name} in {project.rust_dir}",
        mend=f'Set `name = "{project.name}"` under [package] in rust/Cargo.toml',
    )


def _work_dir(project: Project, target: Target) -> Path:
    """Return a folder beside cargo's own files, with which it lives and goes.

    As long as cargo takes a library for fresh, its link map lies there. Checkouts that share a
    CARGO_TARGET_DIR have a folder each.
    """
    parent = Path(os.environ.get("CARGO_TARGET_DIR") or project.rust_dir / "target")
    own = f"{project.name}-{files.sha256_bytes(str(project.root).encode())[:8]}"
    folder = parent.absolute() / "tvmplug" / own / target.name
    with files.file_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def run_tests(project: Project, target: Target, libraries: Mapping[str, str]) -> int:
    """Run the crate's tests, the golden test among them.

    Args:
        project: The plugin.
        target: What is tested; one of another processor runs under an emulator.
        libraries: TVMPLUG_* variables that tell the build scripts where the libraries are.

    Returns:
        How many tests passed.

    Raises:
        ToolError: A linker for the target, or what runs its programs, is missing.
        BuildError: A test does not build, or another test than the golden one fails.
        GoldenError: The compiled model differs from its reference.
    """
    # Cargo's test profile: the crate's own code is small and TVM's is compiled already, while the
    # release profile's link-time optimisation of every test takes ten times as long.
    require_tools()
    rust.require_std(target)
    libraries = {
        **libraries,
        **rust.linker_variables(target, _work_dir(project, target)),
        **bridge.compiler_variables(project, target, _work_dir(project, target)),
        **rust.runner_variables(target),
    }
    if target.is_apple:
        # A test's program has no folder of frameworks beside it, as an app has.
        libraries["DYLD_FRAMEWORK_PATH"] = libraries["TVMPLUG_RUNTIME_LIB_DIR"]
    argv = ["test", *(["--features", "golden"] if project.is_model else [])]
    if not rust.is_native(target):
        # Examples in documentation are this machine's: older Rusts cannot run them elsewhere.
        argv += ["--target", target.rust_triple, "--lib", "--tests"]
    title = f"build the tests of {project.name} (cargo)"
    _cargo(project, [*argv, "--no-run"], libraries, title, failed=partial(_build_error, project))
    title = f"test {project.name}"
    return _passed(
        _cargo(project, argv, libraries, title, failed=partial(_test_error, project)).stdout
    )


def _cargo(
    project: Project,
    argv: list[str],
    libraries: Mapping[str, str],
    title: str,
    *,
    failed: Callable[[Completed], TvmplugError],
) -> Completed:
    require_tools()
    with output.progress(title, every_line=False) as show:
        done = relay(
            ["cargo", *argv],
            cwd=project.rust_dir,
            env={**os.environ, **libraries, **_remapped(project)},
            timeout_s=CARGO_TIMEOUT_S,
            show=show,
        )
        if done.returncode != 0:
            raise failed(done)
    if "\nwarning: " in f"\n{done.stderr}":
        output.say(_tail(done.stderr))
    return done


def _remapped(project: Project) -> dict[str, str]:
    """Compiler flags that keep this machine's folders out of what is published.

    Panic messages hold the path of the source file; that of a dependency is absolute, that of
    the crate itself is not. The flags are the same for all plugins over one runtime plugin, so
    that those who share a CARGO_TARGET_DIR compile their dependencies once.
    """
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    replaced = {home: "cargo"}
    if runtime := project.manifest.runtime_root:
        replaced[runtime] = runtime.name
        # Where that folder is a link, cargo names files by the link, not by what it points to.
        replaced[_runtime_as_written(project)] = runtime.name
    replaced[rust.sysroot()] = "rust"  # the standard library's own sources, where they are there
    flags = [f"--remap-path-prefix={path}=/{name}" for path, name in replaced.items()]
    if encoded := os.environ.get("CARGO_ENCODED_RUSTFLAGS"):
        flags = [*encoded.split("\x1f"), *flags]
    elif plain := os.environ.get("RUSTFLAGS"):
        flags = [*shlex.split(plain), *flags]
    return {"CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags)}


def _runtime_as_written(project: Project) -> Path:
    """The runtime plugin's folder by the path that the manifest says, links in it kept."""
    if project.is_model and isinstance(project.model.runtime, RuntimePath):
        return Path(os.path.normpath(project.root / project.model.runtime.path))
    return project.root


def _artifacts(messages: str) -> Iterator[Path]:
    """The files that cargo's JSON messages name, wherever the target folder is."""
    for line in messages.splitlines():
        if line.startswith('{"reason":"compiler-artifact"'):
            yield from (Path(name) for name in json.loads(line)["filenames"])


def _build_error(project: Project, done: Completed) -> BuildError:
    """Show cargo's last lines and name the first error among them."""
    output.say(_tail(done.stderr))
    lines = done.stderr.splitlines()
    first = next((i for i, line in enumerate(lines) if line.startswith("error")), None)
    if first is None:
        return BuildError(f"{project.rust_dir} does not build: cargo said nothing more")
    place = next((line for line in lines[first : first + 4] if "--> " in line), "")
    where = f" ({place.partition('--> ')[2].strip()})" if place else ""
    message = lines[first]
    if "custom build command" in message:
        told = next(
            (line.strip() for line in lines if "tvmplug" in line.partition("error:")[2]), ""
        )
        message = told or message
    return BuildError(
        f"{project.rust_dir} does not build: {message}{where}",
        mend="Mend the crate, then run `tvmplug build`",
    )


def _test_error(project: Project, done: Completed) -> TvmplugError:
    """Show the tests' last lines, and say which one failed and why."""
    output.say(_tail(done.stdout + done.stderr))
    failed = ", ".join(re.findall(r"^test (\S+) \.\.\. FAILED", done.stdout, re.MULTILINE))
    if "--test golden" in done.stderr:
        return GoldenError(
            f"the golden test of {project.name} failed: {_panic(done.stdout) or failed}",
            mend="If the model was changed on purpose, record new outputs with "
            "`tvmplug compile --update-golden`",
        )
    return BuildError(f"tests of {project.name} failed: {failed or 'see above'}")


def _panic(text: str) -> str:
    """What the failing assertion said."""
    lines = text.splitlines()
    at = next((i for i, line in enumerate(lines) if "panicked at" in line), None)
    if at is None:
        return ""
    return ": ".join(line.strip() for line in lines[at + 1 : at + 3] if line.strip())


def _passed(text: str) -> int:
    return sum(int(n) for n in re.findall(r"^test result: ok\. (\d+) passed", text, re.MULTILINE))


def _tail(text: str, count: int = 40) -> str:
    return "\n".join(text.rstrip().splitlines()[-count:])
