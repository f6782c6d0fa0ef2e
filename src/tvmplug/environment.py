"""The compile environment of a plugin, and what is taken out of it: results, runtime libraries."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tvmplug import bootstrap, files, output
from tvmplug.errors import CompileError, ToolError, TvmplugError, error_families
from tvmplug.pinned_env import cache_dir, ensure_environment, environment_dir, environment_python
from tvmplug.pins import PINS
from tvmplug.process import run
from tvmplug.project import Project
from tvmplug.relay import relay
from tvmplug.targets import Target

COMPILE_TIMEOUT_S = 3600
TUNE_TIMEOUT_S = 12 * 3600
# Distribution, its pin, and the library that a plugin needs at run time.
_WHEELS = {
    "apache-tvm": (PINS.tvm, "libtvm_runtime.so"),
    "apache-tvm-ffi": (PINS.tvm_ffi, "libtvm_ffi.so"),
}
# What an app needs where TVM's own wheels are used, and where one library holds both.
_FROM_WHEELS = tuple(library for _, library in _WHEELS.values())
_WHEEL_TARGETS = frozenset({"linux-x64"})


def has_wheel(target: Target) -> bool:
    """Whether TVM's wheels have the runtime of a target, ready to be staged."""
    return target.name in _WHEEL_TARGETS


def runtime_libraries_of(target: Target) -> tuple[str, ...]:
    """The file names of TVM's libraries in an app for this target; none where it is a framework."""
    if target.is_apple:
        return ()
    return _FROM_WHEELS if has_wheel(target) else (target.library_name.format("tvm_runtime"),)


def compile_locks(project: Project | None) -> list[Path]:
    """The locks of a plugin's compile environment: the compiler's, and what the author adds."""
    locks = [bootstrap.lock_file("compile")]
    if project is not None:
        added = project.root / "model" / "requirements.txt"
        if added.is_file():
            locks.append(added)
    return locks


def compile_python(project: Project | None) -> Path:
    """Return the interpreter that compiles a plugin's model; its environment is made when missing.

    Args:
        project: The plugin; None for the compiler alone.

    Raises:
        ToolError: The environment cannot be made.
    """
    if chosen := _chosen_python():
        return chosen
    locks = compile_locks(project)
    mend = None
    if len(locks) > 1:
        mend = (
            "See that pip can reach its package index, and that model/requirements.txt is complete "
            "and has hashes (`pip-compile --generate-hashes`)"
        )
    return ensure_environment("compile", locks, mend=mend)


def compile_python_made(project: Project | None) -> Path | None:
    """Return that interpreter if it is there already, else None; makes nothing."""
    if chosen := _chosen_python():
        return chosen
    return environment_python(environment_dir("compile", compile_locks(project)))


def _chosen_python() -> Path | None:
    """TVMPLUG_COMPILE_PYTHON: for tests and experts, an interpreter that has the pinned TVM."""
    named = os.environ.get("TVMPLUG_COMPILE_PYTHON")
    if not named:
        return None
    python = Path(named)
    if not python.is_file():
        raise ToolError(
            f"TVMPLUG_COMPILE_PYTHON names no file: {named}", mend="Correct it or unset it"
        )
    return python


def run_compiler(project: Project, target: Target, *, update_golden: bool) -> Mapping[str, Any]:
    """Compile a plugin's model for one target; see `run_compiler_for`.

    Raises:
        ExportError, CompileError, ArtifactError, FileError: What the compiler found.
        ToolError: The environment cannot be made.
    """
    (result,) = run_compiler_for(project, [target], update_golden=update_golden)
    if isinstance(result, TvmplugError):
        raise result
    return result


def run_compiler_for(
    project: Project, targets: Sequence[Target], *, update_golden: bool
) -> list[Mapping[str, Any] | TvmplugError]:
    """Compile a plugin's model in its environment, with the compiler's progress in sight.

    Args:
        project: The model plugin.
        targets: What to compile for, each once; `--cpu` may have changed a single one only.
        update_golden: Record the golden cases anew.

    Returns:
        The compiler's result for each target, or what it found wrong.

    Raises:
        ExportError, CompileError, FileError: What concerns all targets.
        ToolError: The environment cannot be made.
    """
    python = compile_python(project)
    argv: list[str | Path] = [python, "-m", "tvmplug.compiler", "--project", project.root]
    for target in targets:
        argv += ["--target", target.name, "--out", project.compiled_dir(target)]
    if len(targets) == 1 and targets[0].device == "cpu":
        argv += ["--cpu", str(targets[0].tvm_target["mcpu"])]
    argv += [] if all(target.scheduled for target in targets) else ["--plain"]
    argv += ["--update-golden"] if update_golden else []
    argv += ["--debug"] if os.environ.get("TVMPLUG_DEBUG") == "1" else []
    names = ", ".join(target.name for target in targets)
    with output.progress(f"compile {project.name} for {names}", every_line=True) as show:
        done = relay(
            argv,
            cwd=project.root,
            env=bootstrap.toolkit_environ(bootstrap.PACKAGE_DIR.parent),
            timeout_s=COMPILE_TIMEOUT_S * len(targets),
            show=show,
        )
        answers = _answers(done.stdout, len(targets))
        failed = next((answer for answer in answers if "error" in answer), None)
        if len(answers) < len(targets) or (done.returncode != 0 and failed is None):
            raise _compiler_error(failed, done.returncode, done.stderr)
        if len(targets) == 1 and failed is not None:
            raise _compiler_error(failed, done.returncode, done.stderr)
    _say_kernels(answers)
    return [
        _compiler_error(answer, done.returncode, done.stderr) if "error" in answer else answer
        for answer in answers
    ]


def run_tuner(project: Project, target: Target, arguments: Sequence[str]) -> Mapping[str, Any]:
    """Measure the kernels of a plugin in its environment, with the tuner's progress in sight.

    Args:
        project: The model plugin.
        target: What is compiled for.
        arguments: Where and how to measure, as `python -m tvmplug.compiler.tuning` takes it.

    Returns:
        The tuner's result; the winners lie in the plugin's `model/tuning.json`.

    Raises:
        ExportError, CompileError, FileError, UsageError: What the tuner found.
        ToolError: The environment cannot be made, or the device does not answer.
    """
    python = compile_python(project)
    argv: list[str | Path] = [python, "-m", "tvmplug.compiler.tuning", "--project", project.root]
    argv += ["--target", target.name, "--cpu", str(target.tvm_target["mcpu"]), *arguments]
    argv += ["--debug"] if os.environ.get("TVMPLUG_DEBUG") == "1" else []
    with output.progress(f"tune {project.name} for {target.name}", every_line=True) as show:
        done = relay(
            argv,
            cwd=project.root,
            env=bootstrap.toolkit_environ(bootstrap.PACKAGE_DIR.parent),
            timeout_s=TUNE_TIMEOUT_S,
            show=show,
        )
        found = _answers(done.stdout, 1)
        if done.returncode != 0 or not found:
            raise _compiler_error(next(iter(found), None), done.returncode, done.stderr)
    return found[0]


def _say_kernels(answers: Sequence[Mapping[str, Any]]) -> None:
    """How many kernels there were, where the compiler counts them."""
    counts = [answer["kernels"] for answer in answers if "kernels" in answer]
    compiled, cached = (sum(each[what] for each in counts) for what in ("compiled", "cached"))
    if compiled or cached:
        output.say(f"kernels: {compiled} compiled, {cached} from the cache")


def _answers(text: str, count: int) -> list[dict[str, Any]]:
    """The last lines that are JSON objects; an export script may have printed others before."""
    found: list[dict[str, Any]] = []
    for line in reversed(text.strip().splitlines()[-count:]):
        try:
            value = json.loads(line)
        except ValueError:
            break
        if not isinstance(value, dict):
            break
        found.insert(0, value)
    return found


_DIED_MEND = (
    "Its last lines stand above; when memory ran out, close other programs and run it again"
)


def _compiler_error(
    result: Mapping[str, Any] | None, returncode: int, last_lines: str
) -> TvmplugError:
    if result is not None and "error" in result:
        family = error_families().get(str(result["error"]), CompileError)
        return family(str(result.get("message", "failed")), mend=result.get("mend"))
    how = f"was ended by signal {-returncode}" if returncode < 0 else f"failed ({returncode})"
    output.say(last_lines)
    told = last_lines.splitlines()[-1].strip() if last_lines else "it said nothing"
    return CompileError(f"the compiler {how}: {told}", mend=_DIED_MEND)


def runtime_libraries(project: Project | None, target: Target) -> Path:
    """Return a folder with the pinned TVM runtime's shared libraries, filled once per pin.

    Args:
        project: The plugin whose compile environment has the wheels; None for the bare one.
        target: What the libraries are for.

    Raises:
        ToolError: The environment with the wheels cannot be made, or holds other versions.
        FileError: The cache cannot be written.
    """
    folder = runtime_dir(target)
    if folder.is_dir():
        return folder
    python = compile_python(project)
    sources = _libraries_of(python)
    with files.file_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
        try:
            for library, source in sources.items():
                shutil.copy2(source, work / library)
            work.chmod(0o755)
            if not folder.is_dir():
                work.rename(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return folder


def runtime_dir(target: Target) -> Path:
    """Where the cache keeps the runtime's shared libraries of a target."""
    return cache_dir() / "runtime" / f"{PINS.tvm}-{PINS.tvm_ffi}" / target.name


# Asks the installed wheels themselves, without importing TVM (which takes a second).
_QUERY = """
import importlib.metadata as m, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        d = m.distribution(name)
        libraries = [str(d.locate_file(f)) for f in d.files or () if f.suffix == ".so"]
        found[name] = [d.version, libraries]
    except m.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


def installed_wheels(python: Path) -> dict[str, tuple[str, list[Path]]]:
    """The version and the shared libraries of each pinned wheel that an interpreter has."""
    told = run([python, "-c", _QUERY, *_WHEELS], echo=False).stdout
    return {
        name: (version, [Path(path) for path in paths])
        for name, (version, paths) in json.loads(told).items()
    }


def _libraries_of(python: Path) -> dict[str, Path]:
    found = installed_wheels(python)
    libraries: dict[str, Path] = {}
    for name, (pin, library) in _WHEELS.items():
        version, paths = found.get(name, ("not installed", []))
        if version != pin:
            raise ToolError(
                f"{python} has {name} {version}, the pin is {pin}",
                mend="Unset TVMPLUG_COMPILE_PYTHON, or install the pinned version there",
            )
        source = next((path for path in paths if path.name == library), None)
        if source is None or not source.is_file():
            raise ToolError(
                f"the {name} wheel in {python.parent.parent} has no {library}",
                mend=f"Delete {python.parent.parent} and run the command again",
            )
        libraries[library] = source
    return libraries
