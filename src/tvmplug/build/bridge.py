"""flutter_rust_bridge: generates the code that carries a plugin's `api.rs` to Dart.

Plugins whose calls go over the bridge have its configuration; all others are left alone.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from tvmplug import files
from tvmplug.build.stamp import Stamp, is_current, write_stamp
from tvmplug.errors import BuildError, ProcessError, ToolError
from tvmplug.pins import PINS
from tvmplug.process import run
from tvmplug.project import Project
from tvmplug.targets import Target
from tvmplug.toolchains.cxx import find_cxx
from tvmplug.toolchains.rust import is_native

CONFIGURATION = "flutter_rust_bridge.yaml"
# Committed with the code that it describes, so that who has no generator can build the plugin.
RECORD = "rust/frb_generated.json"
RUST_OUTPUT = "rust/src/frb_generated.rs"
DART_OUTPUT = "lib/src/rust"
GENERATOR = "flutter_rust_bridge_codegen"
INSTALL = f"cargo install {GENERATOR} --version {PINS.frb} --locked"
# Generated, or the template's: an update of these changes nothing that Dart sees.
_NOT_THE_AUTHORS = frozenset({"frb_generated.rs", "lib.rs", "on_thread.rs"})
_TIMEOUT_S = 600
_LOCK_TIMEOUT_S = 1800
_EDITION = "2024"  # of the template's rust/Cargo.toml
# What the generator calls: it asks Flutter for its version, and dart formats.
_NEEDED = {
    GENERATOR: f"Run `{INSTALL}`",
    "flutter": "Install Flutter (https://docs.flutter.dev/get-started)",
    "dart": "Install Flutter (https://docs.flutter.dev/get-started), which has Dart",
    "rustfmt": "Run `rustup component add rustfmt`",
}


def is_bridged(project: Project) -> bool:
    """Whether a plugin's calls go over flutter_rust_bridge."""
    return project.is_model and (project.root / CONFIGURATION).is_file()


def exports(project: Project) -> tuple[str, ...]:
    """What a model plugin's library exports, with `*` for any text.

    The bridge's Dart package looks its own functions up under these names, in the one library that
    it is given: `frb_*` and `store_dart_post_cobject` are called the same in every plugin, what is
    generated for a plugin's types has its package's name. Nobody looks `free_zero_copy_buffer_*`
    up, which Rust lets out because a crate of the bridge's says so.
    """
    prefix = f"{project.model.prefix}*"
    if not is_bridged(project):
        return (prefix,)
    own = f"frbgen_{project.name}_*"
    return (prefix, own, "frb_*", "store_dart_post_cobject", "free_zero_copy_buffer_*")


def generate(project: Project) -> bool:
    """Generate the bridge's Rust and Dart code, unless it is that of the crate's sources.

    Args:
        project: A plugin; nothing is done for one without the bridge.

    Returns:
        True when code was generated.

    Raises:
        ToolError: The code is missing or older than the sources, and the generator or a program
            that it calls is not on PATH or of another version than the pinned one.
        BuildError: The generator refuses the sources.
    """
    if not is_bridged(project) or _is_current(project):
        return False
    with files.locked(project.root / "build/tvmplug" / GENERATOR, timeout_s=_LOCK_TIMEOUT_S):
        if _is_current(project):
            return False  # another build generated it meanwhile
        _require_tools(project)
        _run_generator(project)
        write_stamp(project.root / RECORD, Stamp(inputs_of(project), outputs_of(project)))
    return True


def compiler_variables(project: Project, target: Target, work: Path) -> dict[str, str]:
    """The variables that name a C compiler for another machine's build of the bridge.

    One of its crates has a C file. Cargo's variables name linkers alone, and what finds compilers
    for build scripts knows neither zig nor where an NDK is.

    Args:
        project: A model plugin.
        target: What it is built for.
        work: A folder for the two commands.

    Raises:
        ToolError: There is no compiler for the target; names what to install.
    """
    on_a_mac = target.is_apple and sys.platform == "darwin"  # there it asks xcrun
    if not is_bridged(project) or is_native(target) or on_a_mac:
        return {}
    toolchain = find_cxx(target)
    variables = "".join(f"{name}={shlex.quote(v)} " for name, v in toolchain.environment.items())
    # As C++ the file would have C++ names.
    compiler = [*toolchain.driver, "-x", "c", "-fPIC"]
    for name, command in (("cc", compiler), ("ar", toolchain.archiver[:-1])):
        files.write_text(work / name, f'#!/bin/sh\n{variables}exec {shlex.join(command)} "$@"\n')
        with files.file_errors(work / name):
            (work / name).chmod(0o755)
    triple = target.rust_triple.replace("-", "_")
    named = {f"CC_{triple}": str(work / "cc"), f"AR_{triple}": str(work / "ar")}
    # The command says all that there is to say, in its own spelling.
    return {**named, "CRATE_CC_NO_DEFAULTS": "1"}


def inputs_of(project: Project) -> dict[str, str]:
    """What the generated code is made from: hashes of sources and the configuration, a version."""
    sources = sorted((project.rust_dir / "src").rglob("*.rs"))
    own = [path for path in sources if path.name not in _NOT_THE_AUTHORS]
    read = [project.root / CONFIGURATION, *own]
    named = {path.relative_to(project.root).as_posix(): files.sha256_file(path) for path in read}
    return {"flutter_rust_bridge": PINS.frb, **named}


def outputs_of(project: Project) -> dict[str, str]:
    """Hashes of the generated files."""
    made = [project.root / RUST_OUTPUT, *sorted((project.root / DART_OUTPUT).rglob("*.dart"))]
    return {path.relative_to(project.root).as_posix(): files.sha256_file(path) for path in made}


def _is_current(project: Project) -> bool:
    return is_current(project.root, project.root / RECORD, inputs_of(project))


def _require_tools(project: Project) -> None:
    has_code = (project.root / RUST_OUTPUT).is_file()
    state = "older than its sources" if has_code else "not generated yet"
    what = f"the bridge's code of {project.name} is {state}"
    for program, mend in _NEEDED.items():
        if shutil.which(program) is None:
            raise ToolError(
                f"{what}, and {program} is not on PATH", mend=f"{mend}, then `tvmplug build`"
            )
    told = run([GENERATOR, "--version"], echo=False).stdout.split()
    if told[-1:] != [PINS.frb]:
        raise ToolError(
            f"{what}, and {GENERATOR} on PATH is {' '.join(told[-1:])}, not {PINS.frb}",
            mend=f"Run `{INSTALL}`, then `tvmplug build`",
        )


def _run_generator(project: Project) -> None:
    try:
        run(
            [GENERATOR, "generate", "--config-file", CONFIGURATION, "--skip-fvm-install"],
            cwd=project.root,
            env=_environment(project),
            timeout_s=_TIMEOUT_S,
        )
    except ProcessError as error:
        raise BuildError(
            f"{GENERATOR} does not take {project.rust_dir / 'src/api.rs'}: {_reason(error.output)}",
            mend="Mend rust/src/api.rs, then run `tvmplug build`",
        ) from error
    run(["rustfmt", "--edition", _EDITION, project.root / RUST_OUTPUT], echo=False)


def _environment(project: Project) -> Mapping[str, str]:
    """Variables with which the generator reads the sources as they stand.

    Where this variable names the crate, as in a build script, it does not start `cargo expand`, a
    program of its own that would compile the crate and its dependencies first, and the model for
    that. What a macro would add to api.rs is not seen.
    """
    return {"CARGO_MANIFEST_DIR": os.path.realpath(project.rust_dir)}


def _reason(output: str) -> str:
    """The line in which the generator says what it does not like."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("Error") or "panicked at" in line]
    return (told or lines or ["it said nothing"])[-1]
