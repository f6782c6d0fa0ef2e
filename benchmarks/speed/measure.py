"""Measure: make the files and the plugins, then run everything in turn, round by round.

A round runs each component in all ways, one process after the other, so that whatever else the
machine does falls on all of them; the ways begin in another order each time.
"""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.speed import conversion, plugins, ways
from benchmarks.speed.models import MODELS, Model, Task, tasks
from benchmarks.speed.plot import svg_plot
from benchmarks.speed.results import Cell, Cells, Roof, Run, Work, difference
from benchmarks.speed.tables import Report, markdown
from benchmarks.speed.ways import WAYS, Way
from tvmplug import files
from tvmplug.errors import ProcessError, UsageError
from tvmplug.output import progress, say, stdout
from tvmplug.process import run

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "build" / "bench"
ROUNDS = 5
THREADS = (1, 2)
# What one process may take for its calls, and how many calls are enough.
SECONDS, CALLS = 1.0, 1000
_LIMIT_S = 600


def measure(models: Sequence[str] = (), wanted: Sequence[str] = (), rounds: int = ROUNDS) -> None:
    """Measure, print the tables, and keep `speed.json`, `.md` and `.svg` in `build/bench/`.

    Args:
        models: The names of the models; all when empty.
        wanted: The names of the ways besides tvmplug itself; all when empty.
        rounds: How often each process is run.

    Raises:
        UsageError: There is no such model or way.
    """
    chosen = tuple(model for model in MODELS if not models or model.name in models)
    taking = tuple(way for way in WAYS if not wanted or way.name in {*wanted, ways.OURS})
    _check_names("model", models, [model.name for model in MODELS])
    _check_names("way", wanted, [way.name for way in WAYS])
    for way in taking:
        if way.environment:
            ways.python(way.environment)
    formats = [way.format for way in taking if way.format]
    conversion.convert(chosen, tuple(dict.fromkeys(["onnx", *formats])))
    report = Report(
        tasks=[task.name for task in tasks(chosen)],
        ways=[way.name for way in taking],
        threads=THREADS,
        machine=_machine(),
        about={model.name: model.about for model in chosen},
    )
    for task in tasks(chosen):
        told = conversion.network(task)
        report.work[task.name] = Work(told["flops"], told["weight_bytes"])
        for way in taking:
            if way.format:
                report.files[task.name, way.name] = conversion.outcome(task, way.format)
    _make_plugins(chosen, taking, report)
    _run_all(chosen, taking, rounds, report)
    stdout.print(markdown(report), markup=False)
    shown = (RESULTS / "speed.json").relative_to(ROOT)
    say(f"Numbers, tables and plot: {shown}, .md, .svg")


def _check_names(what: str, names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise UsageError(f"there is no {what} '{name}'", mend=f"There are: {', '.join(known)}")


def _make_plugins(models: Sequence[Model], taking: Sequence[Way], report: Report) -> None:
    builds = [way for way in taking if way.build is not None]
    plugins.make_runtime()
    for model in models:
        plugins.generate(model)
        for way in builds:
            report.plugins[model.name, way.name] = plugins.build(model, way)


def _build_peak() -> Path:
    program = plugins.FOLDER / "peak"
    options = ["-O3", "-march=native", "-ffp-contract=fast", "-pthread"]
    run(["gcc", *options, "-o", program, ways.HERE / "peak.c"], echo=False)
    return program


def _raise_roofs(program: Path, report: Report) -> None:
    """What the machine can do: the best of all rounds, since others may use it as well."""
    with progress("the machine's own speed", every_line=False):
        for threads in THREADS:
            told = json.loads(run([program, str(threads)], echo=False).stdout)
            before = report.roofs.get(threads, Roof(0, 0))
            report.roofs[threads] = Roof(
                max(before.flops, told["flops"]), max(before.bytes, told["bytes"])
            )


def _run_all(models: Sequence[Model], taking: Sequence[Way], rounds: int, report: Report) -> None:
    runner, peak = plugins.build_runner(), _build_peak()
    cells: Cells = report.cells
    for number in range(rounds):
        _raise_roofs(peak, report)
        for task in tasks(tuple(models)):
            first = number % len(taking)
            order = [*taking[first:], *taking[:first]]
            with progress(f"round {number + 1} of {rounds}: {task.name}", every_line=False):
                for threads in THREADS:
                    for way in order:
                        if way.once and number > 0:
                            continue
                        cell = cells.setdefault((task.name, threads, way.name), Cell())
                        cell.problem = cell.problem or _missing(task, way, report)
                        if not cell.problem:
                            _run_once(task, way, threads, runner, cell)
        _keep(report, number + 1)


def _missing(task: Task, way: Way, report: Report) -> str:
    """Why there is nothing to run: a conversion or a build that failed."""
    if way.build is not None:
        return report.plugins[task.model.name, way.name].error
    return str(report.files[task.name, way.name].get("error", ""))


def _run_once(task: Task, way: Way, threads: int, runner: Path, cell: Cell) -> None:
    """One process; what keeps it from running is noted in the cell."""
    told, folder = conversion.network(task), conversion.folder(task)
    inputs = {name: name for name in told["inputs"]}
    command: list[str | Path]
    if way.build is not None:
        library = plugins.library(task.model, way)
        command = [runner, f"{library}:{_prefix(task.model)}:{task.component}"]
    else:
        command = [ways.python(way.environment), "-m", f"benchmarks.speed.runners.{way.runner}"]
        command.append(folder / way.file)
        inputs = told["onnx_inputs"] if way.format == "onnx" else inputs
    with tempfile.TemporaryDirectory() as out:
        command += [str(threads), str(CALLS), str(SECONDS), out]
        command += [f"{name}={folder}/inputs/{file}.npy" for name, file in inputs.items()]
        environment = {"PYTHONPATH": str(ROOT), "TVM_NUM_THREADS": str(threads)}
        try:
            done = run(
                command, env=environment, echo=False, check=False, timeout_s=_LIMIT_S, cwd=ROOT
            )
        except ProcessError as error:
            cell.problem = str(error)
            return
        if done.returncode != 0:
            cell.problem = _reason(done.returncode, done.stderr)
            return
        found = Run(**json.loads(done.stdout.strip().splitlines()[-1]))
        paths = sorted(Path(out).glob("*.bin"), key=lambda path: int(path.stem))
        results = [np.fromfile(path, dtype=np.float32) for path in paths]
        references = [np.load(folder / f"{name}.reference.npy") for name in told["outputs"]]
        found.error = difference(results, references)
        cell.runs.append(found)


def _prefix(model: Model) -> str:
    """An example keeps the prefix that its answers give it."""
    return f"{model.example}_" if model.example else model.prefix


def _reason(status: int, output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if status < 0:
        return f"ended by signal {-status}"
    errors = [line for line in lines if "rror" in line]
    return (errors or lines or ["no output"])[-1]


def _keep(report: Report, rounds: int) -> None:
    """Write what there is after each round: a run that is stopped has not been for nothing."""
    cells = [
        {"task": task, "threads": threads, "way": way, **asdict(cell)}
        for (task, threads, way), cell in report.cells.items()
    ]
    document = {
        "machine": report.machine,
        "rounds": rounds,
        "roofs": {threads: asdict(roof) for threads, roof in report.roofs.items()},
        "work": {task: asdict(work) for task, work in report.work.items()},
        "plugins": [
            {"model": model, "way": way, **asdict(plugin)}
            for (model, way), plugin in report.plugins.items()
        ],
        "files": [{"task": task, "way": way, **told} for (task, way), told in report.files.items()],
        "cells": cells,
    }
    files.write_text(RESULTS / "speed.json", json.dumps(document, indent=1) + "\n")
    files.write_text(RESULTS / "speed.md", markdown(report))
    files.write_text(RESULTS / "speed.svg", svg_plot(report))


def _machine() -> str:
    """The processor and how much of it there is."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        if names:
            model = f"{names[0].partition(':')[2].strip()}, {len(names)} cores"
    return f"{model}, {platform.system()}"
