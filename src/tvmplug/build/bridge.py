"""flutter_rust_bridge: generates the code that carries a plugin's `api.rs` to Dart.

Plugins whose calls go over the bridge have its configuration; all others are left alone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tvmplug import files
from tvmplug.build.stamp import Stamp, is_current, write_stamp
from tvmplug.errors import BuildError, ProcessError, ToolError
from tvmplug.pins import PINS
from tvmplug.process import run
from tvmplug.project import Project

CONFIGURATION = "flutter_rust_bridge.yaml"
# Committed with the code that it describes, so that who has no generator can build the plugin.
RECORD = "rust/frb_generated.json"
RUST_OUTPUT = "rust/src/frb_generated.rs"
DART_OUTPUT = "lib/src/rust"
GENERATOR = "flutter_rust_bridge_codegen"
INSTALL = f"cargo install {GENERATOR} --version {PINS.frb} --locked"
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
    generated for a plugin's types has its package's name.
    """
    prefix = f"{project.model.prefix}*"
    if not is_bridged(project):
        return (prefix,)
    return (prefix, "frb_*", f"frbgen_{project.name}_*", "store_dart_post_cobject")


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
        write_stamp(project.root / RECORD, Stamp(_inputs(project), _outputs(project)))
    return True


def _is_current(project: Project) -> bool:
    return is_current(project.root, project.root / RECORD, _inputs(project))


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
        run(
            ["rustfmt", "--edition", _EDITION, "src/frb_generated.rs"],
            cwd=project.rust_dir,
            echo=False,
        )
    except ProcessError as error:
        raise BuildError(
            f"{GENERATOR} failed on {project.rust_dir / 'src/api.rs'}: {_reason(error.output)}",
            mend="Mend rust/src/api.rs, then run `tvmplug build`",
        ) from error


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


def _inputs(project: Project) -> dict[str, str]:
    """What the generated code is made from."""
    sources = sorted((project.rust_dir / "src").rglob("*.rs"))
    read = [project.root / CONFIGURATION, *(path for path in sources if not _is_generated(path))]
    named = {path.relative_to(project.root).as_posix(): files.sha256_file(path) for path in read}
    return {"flutter_rust_bridge": PINS.frb, **named}


def _is_generated(path: Path) -> bool:
    return path.name == Path(RUST_OUTPUT).name


def _outputs(project: Project) -> dict[str, str]:
    made = [project.root / RUST_OUTPUT, *sorted((project.root / DART_OUTPUT).rglob("*.dart"))]
    return {path.relative_to(project.root).as_posix(): files.sha256_file(path) for path in made}
