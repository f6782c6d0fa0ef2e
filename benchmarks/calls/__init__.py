"""What one call costs: through Dart, through the Rust crate, and in TVM's own virtual machine.

TVM's VM and the Rust crate are timed call by call in one C++ program, Dart in a program of its
own, compiled ahead of time as in a released app; the two programs take turns. One thread. What
Dart adds is split into what can be seen apart: the copy of an input that lies in a Dart list, and
the two messages between isolates; the rest is what is left.
"""

from __future__ import annotations

import json
import shutil
import statistics
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from demo.plugins import copier_copy
from tools import packages, toolchain
from tvmplug import files
from tvmplug.output import progress, say, table
from tvmplug.process import run

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
FOLDER = ROOT / "build" / "bench"
RESULTS = ROOT / "build" / "bench-calls.json"
PLUGIN = "calls_flutter"
RUNTIME = "tvm_runtime_flutter"
ROUNDS = 7
MANY = 1_000_000
# Component, shape of its input, calls in a round: enough of them for a median.
COMPONENTS = (("tiny", "16", 2000), ("middle", "64x256", 200), ("large", "1x3x1024x1024", 20))
ADDED = ("component", "input", "TVM's VM", "Rust", "Dart, allocated", "Dart, from a list")
PARTS = ("component", "Rust", "two messages", "threads, checks, ...", "copy of a list")
FIRST = ("component", "load libraries", "open session", "first call", "first / later")
ONE_THREAD = {"TVM_NUM_THREADS": "1"}

# {component: {what: seconds}}
Numbers = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Programs:
    """The C++ program and the Dart program."""

    cc: Path
    dart: Path


def measure() -> None:
    """Measure, print the tables, and keep the numbers in `build/bench-calls.json`."""
    _make_plugin()
    tools = toolchain.find_or_install()
    programs = Programs(_build_cc(), _build_dart(tools, "calls"))
    many = _build_dart(tools, "memory")
    rounds: list[Numbers] = []
    for number in range(ROUNDS):
        with progress(f"round {number + 1} of {ROUNDS}", every_line=False):
            rounds.append(_round(programs))
    with progress(f"{MANY} calls", every_line=False):
        command = [many, FOLDER, str(MANY)]
        memory = json.loads(run(command, env=ONE_THREAD, echo=False).stdout)["resident_bytes"]
    found = {"rounds": rounds, "memory": memory}
    files.write_text(RESULTS, json.dumps(found, indent=2) + "\n")
    _show(rounds)
    table(
        f"Memory over {MANY} calls of the tiny component through Dart",
        ["after", "resident"],
        [[str((n + 1) * MANY // 10), f"{size / 1e6:.1f} MB"] for n, size in enumerate(memory)],
    )
    say(f"All numbers: {RESULTS.relative_to(ROOT)}")


def _make_plugin() -> None:
    """The runtime plugin and one model plugin of three components, side by side and built."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    copier_copy(FOLDER / RUNTIME, "-d", "kind=runtime")
    shutil.copytree(
        HERE / "plugin", FOLDER / PLUGIN, ignore=shutil.ignore_patterns("answers.yml", "*.pyc")
    )
    copier_copy(FOLDER / PLUGIN, "--data-file", HERE / "plugin" / "answers.yml")
    for plugin in (RUNTIME, PLUGIN):
        for library in (FOLDER / plugin / "linux" / "lib" / "x64").glob("*.so"):
            shutil.copy2(library, FOLDER)


def _build_cc() -> Path:
    """The C++ program, against the headers of the pinned tvm-ffi."""
    found = find_spec("tvm_ffi")
    if found is None or found.origin is None:
        raise ImportError("tvm_ffi is not installed: run `make setup`")
    headers = [Path(found.origin).parent / "include", FOLDER / RUNTIME / "include"]
    program = FOLDER / "calls_cc"
    libraries = ["-L", FOLDER, "-lcalls_flutter", "-ltvm_runtime", "-ltvm_ffi"]
    compiler = ["g++", "-O2", "-std=c++17", "-Wl,-rpath,$ORIGIN", "-o", program]
    run([*compiler, *(f"-I{path}" for path in headers), HERE / "calls.cc", *libraries])
    return program


def _build_dart(tools: toolchain.Toolchain, name: str) -> Path:
    """One of the Dart programs, compiled ahead of time."""
    project = FOLDER / "dart"
    shutil.copytree(HERE / "dart", project, dirs_exist_ok=True)
    packages.write_config(project, tools)
    program = FOLDER / f"{name}_dart"
    source = project / "bin" / f"{name}.dart"
    run([tools.dart, "compile", "exe", "--output", program, source], env=toolchain.environment())
    return program


def _round(programs: Programs) -> Numbers:
    """One run of both programs for each component."""
    found: Numbers = {}
    for name, shape, calls in COMPONENTS:
        found[name] = {}
        for command in ([programs.cc], [programs.dart, FOLDER]):
            argv = [*command, str(calls), name, shape]
            output = run(argv, env=ONE_THREAD, echo=False, cwd=FOLDER).stdout
            found[name] |= json.loads(output)
    return found


def _show(rounds: list[Numbers]) -> None:
    """Print what the medians over all rounds say."""
    added, parts, first = [], [], []
    for name, shape, _ in COMPONENTS:
        middle = {
            what: statistics.median(numbers[name][what] for numbers in rounds)
            for what in rounds[0][name]
        }
        vm, rust = middle["vm_s"], middle["rust_s"]
        through = (rust, middle["dart_buffer_s"], middle["dart_list_s"])
        added.append([name, shape, duration(vm), *(f"{(s - vm) / vm:+.1%}" for s in through)])
        rest = middle["dart_buffer_s"] - rust - middle["messages_s"]
        costs = (rust - vm, middle["messages_s"], rest, middle["copy_s"])
        parts.append([name, *map(duration, costs)])
        begin = [duration(middle[what]) for what in ("load_s", "open_s", "dart_first_s")]
        first.append([name, *begin, f"{middle['dart_first_s'] / middle['dart_list_s']:.1f}"])
    table("One call: what is added to TVM's own time", ADDED, added)
    table("The parts of it", PARTS, parts)
    table("The first call in a new process, through Dart", FIRST, first)


def duration(seconds: float) -> str:
    """A time as a person reads it."""
    for unit, size in (("s", 1), ("ms", 1e-3)):
        if abs(seconds) >= size:
            return f"{seconds / size:.2f} {unit}"
    return f"{seconds * 1e6:.1f} us"
