"""Every model's files in the formats of all ways: made once, and again when sources change."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from benchmarks.speed import ways
from benchmarks.speed.models import Model, Task
from tvmplug import files
from tvmplug.output import progress
from tvmplug.process import run

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "bench" / "speed" / "networks"
FORMATS = ("pytorch", "onnx", "executorch", "litert")
_LIMIT_S = 1800


def convert(models: tuple[Model, ...], formats: tuple[str, ...]) -> None:
    """Make what is missing of these models' files in these formats."""
    interpreter, packages = ways.python("torch"), ways.packages()
    for model in models:
        folder = FOLDER / model.name
        stamp, sources = folder / ".made-from", _sources()
        if not stamp.is_file() or stamp.read_text() != sources:
            shutil.rmtree(folder, ignore_errors=True)
        for wanted in ("reference", *formats):
            if _is_made(model, wanted):
                continue
            script = "benchmarks.speed.networks.convert"
            command = [str(part) for part in (interpreter, "-m", script, wanted, model.name)]
            command += [str(folder), str(packages)]
            with progress(f"{model.name}: {wanted}", every_line=False):
                done = run(
                    command,
                    env={"PYTHONPATH": str(ROOT), "TORCHINDUCTOR_CACHE_DIR": str(folder)},
                    timeout_s=_LIMIT_S,
                    echo=False,
                    check=wanted == "reference",
                )
            if done.returncode != 0:
                _note_failure(model, wanted, done.returncode, done.stderr)
        files.write_text(stamp, sources)


def folder(task: Task) -> Path:
    """Where a component's files lie."""
    return FOLDER / task.model.name / task.component


def network(task: Task) -> dict[str, Any]:
    """A component's `network.json`: names of inputs and outputs, operations, bytes."""
    told: dict[str, Any] = json.loads((folder(task) / "network.json").read_text())
    return told


def outcome(task: Task, wanted: str) -> dict[str, Any]:
    """How a conversion went: `seconds` and `bytes`, or `error`."""
    told: dict[str, Any] = json.loads((folder(task) / f"{wanted}.json").read_text())
    return told


def _is_made(model: Model, wanted: str) -> bool:
    name = "network.json" if wanted == "reference" else f"{wanted}.json"
    return all((FOLDER / model.name / each / name).is_file() for each in model.components)


def _note_failure(model: Model, wanted: str, status: int, output: str) -> None:
    """A converter that ended its process: say so where it would have told its error."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    reason = f"ended by signal {-status}" if status < 0 else (lines or ["no output"])[-1]
    for component in model.components:
        path = FOLDER / model.name / component / f"{wanted}.json"
        if not path.is_file():
            files.write_text(path, json.dumps({"error": reason}) + "\n")


def _sources() -> str:
    tree = files.sha256_tree(ways.HERE / "networks", ignore=lambda path: path.suffix == ".pyc")
    locks = [files.sha256_file(ways.HERE / f"{name}.txt") for name in ("torch", "weights")]
    return "\n".join([tree, *locks]) + "\n"
