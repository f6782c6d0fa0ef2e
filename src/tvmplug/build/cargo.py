"""Calls cargo in a plugin's crate, and says in one line what it did not like."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from tvmplug import output
from tvmplug.errors import BuildError, GoldenError, ToolError, TvmplugError
from tvmplug.process import Completed
from tvmplug.project import Project
from tvmplug.relay import relay
from tvmplug.targets import Target

CARGO_TIMEOUT_S = 3600
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


def build_library(project: Project, target: Target, libraries: Mapping[str, str]) -> Path | None:
    """Build the plugin's crate with optimisation.

    Args:
        project: The plugin.
        target: What it is built for.
        libraries: TVMPLUG_* variables that tell the build scripts where the libraries are.

    Returns:
        The shared library that was built; None for the runtime plugin, whose crate is a Rust one.

    Raises:
        ToolError: cargo or the C compiler is missing.
        BuildError: The crate does not build.
    """
    argv = ["build", "--release", "--message-format=json-render-diagnostics"]
    title = f"build {project.name} (cargo)"
    done = _cargo(project, argv, libraries, title, failed=partial(_build_error, project))
    if not project.is_model:
        return None
    name = target.library_name.format(project.name)
    for path in _artifacts(done.stdout):
        if path.name == name:
            return path
    raise BuildError(
        f"cargo built no {name} in {project.rust_dir}",
        mend=f'Set `name = "{project.name}"` and `crate-type = ["cdylib", "rlib"]` '
        "under [lib] in rust/Cargo.toml",
    )


def run_tests(project: Project, libraries: Mapping[str, str]) -> int:
    """Run the crate's tests, the golden test among them.

    Returns:
        How many tests passed.

    Raises:
        BuildError: A test does not build, or another test than the golden one fails.
        GoldenError: The compiled model differs from its reference.
    """
    # Cargo's test profile: the crate's own code is small and TVM's is compiled already, while the
    # release profile's link-time optimisation of every test takes ten times as long.
    argv = ["test", *(["--features", "golden"] if project.is_model else [])]
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
    flags = [f"--remap-path-prefix={path}=/{name}" for path, name in replaced.items()]
    if encoded := os.environ.get("CARGO_ENCODED_RUSTFLAGS"):
        flags = [*encoded.split("\x1f"), *flags]
    elif plain := os.environ.get("RUSTFLAGS"):
        flags = [*shlex.split(plain), *flags]
    return {"CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags)}


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
