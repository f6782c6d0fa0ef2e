"""The tuner's run: which kernels a plugin has, each measured once, the winners kept."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tvmplug.compiler import freshness, frontends, lowering, tvm_facade
from tvmplug.compiler.cpu.choices import Asked
from tvmplug.compiler.cpu.isa import instruction_set
from tvmplug.compiler.loading import load_export
from tvmplug.compiler.tuning import measuring, winners
from tvmplug.compiler.tuning.devices import Device, Remote, opened
from tvmplug.compiler.tuning.sizes import Samples, samples_of
from tvmplug.compiler.validation import validate
from tvmplug.errors import CompileError, ProjectError, UsageError
from tvmplug.export import Component
from tvmplug.manifest import read_manifest
from tvmplug.pins import PINS
from tvmplug.targets import Target


@dataclass(frozen=True)
class Report:
    """What a run found.

    Attributes:
        instruction_set: The row of the table that the tiles are for.
        processor: Where they were measured.
        threads: How many a kernel had.
        kernels: What came of each kernel.
        skipped: Why a kernel was not measured, by its text.
        dropped: Kernels of the file that the model has no longer.
    """

    instruction_set: str
    processor: str
    threads: int
    kernels: tuple[measuring.Measured, ...]
    skipped: dict[str, str]
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class _Job:
    """A kernel of the model, and the sizes to measure it at."""

    asked: Asked
    samples: Samples


def tune_plugin(
    root: Path, target: Target, *, remote: Remote | None, threads: int | None
) -> Report:
    """Measure the kernels of a plugin and keep the winners in `model/tuning.json`.

    The file is written after each kernel: a run that ends early keeps what it found.

    Args:
        root: The plugin's folder.
        target: What is compiled for.
        remote: The machine that measures; None for this one.
        threads: How many threads a kernel shall have; None for as many as in a model.

    Raises:
        ProjectError, ExportError, CompileError, FileError, ToolError, UsageError: see the stages.
    """
    if not target.has_own_kernels:
        raise UsageError(f"{target.name} has no tiles to choose", mend="Name a processor's target")
    model = root / freshness.MODEL_DIR
    isa = instruction_set(target.tvm_target).name
    tuning = winners.read_tuning(model)
    with opened(target, remote, threads) as device:
        _say(f"tiles for {isa}, on {device.processor}, threads: {device.threads}")
        jobs = _jobs(root, target, tuning)
        measured: list[measuring.Measured] = []
        skipped: dict[str, str] = {}
        for number, job in enumerate(jobs, 1):
            text = job.asked.kernel.text
            _say(f"{number} of {len(jobs)}: {text}")
            if not job.samples:
                skipped[text] = "its sizes depend on the model's data"
                continue
            try:
                found = measuring.measure(job.asked, job.samples, target, device)
            except CompileError as error:
                skipped[text] = error.message
                continue
            for note in found.notes:
                _say(f"  {note}")
            _say(f"  {_outcome(found)}")
            measured.append(found)
            kept = _kept(tuning, isa, job.asked, found, device)
            if kept != tuning:
                tuning = kept
                winners.write_tuning(model, tuning)
    known = {job.asked.kernel.text for job in jobs}
    dropped = tuple(sorted(set(tuning.get(isa, {})) - known))
    for text in dropped:
        tuning = winners.with_winner(tuning, isa, text, None)
    if dropped:
        winners.write_tuning(model, tuning)
    return Report(isa, device.processor, device.threads, tuple(measured), skipped, dropped)


def _outcome(found: measuring.Measured) -> str:
    if found.after == found.before:
        return f"{found.before} stays"
    return f"{found.before} -> {found.after}, {found.ratio:.2f} of the time"


def _kept(
    tuning: winners.Tuning, isa: str, asked: Asked, found: measuring.Measured, device: Device
) -> winners.Tuning:
    """The file's tiles after a kernel was measured; one that did not change stays as it is."""
    if found.after == found.before and asked.winner in (None, asked.chosen):
        return tuning
    winner = winners.Winner(
        found.after,
        instead_of=str(found.table),
        ratio=round(found.to_table, 3),
        processor=device.processor,
        threads=device.threads,
        tvm=PINS.tvm,
    )
    # The table's own tile needs no line.
    is_table = found.after == found.table
    return winners.with_winner(tuning, isa, found.kernel, None if is_table else winner)


def _jobs(root: Path, target: Target, tuning: winners.Tuning) -> list[_Job]:
    """The kernels of a plugin's components, each once."""
    tvm_facade.check_versions()
    jobs: dict[str, _Job] = {}
    for component in _components(root):
        _say(f"lower {component.name}")
        imported = frontends.to_relax(component, root / freshness.MODEL_DIR)
        function = imported.module[imported.function]
        tuned = winners.tiles_of(tuning)
        for asked in lowering.lower(imported.module, component, "tune_", target, tuned).tiles:
            job = _Job(asked, samples_of(function, component.cases, asked.sizes))
            known = jobs.get(asked.kernel.text)
            jobs[asked.kernel.text] = job if known is None else _both(known, job)
    return list(jobs.values())


def _both(one: _Job, other: _Job) -> _Job:
    """A kernel that two components have, at the sizes of both."""
    more = [sample for sample in other.samples if sample not in one.samples]
    return replace(one, samples=[*one.samples, *more])


def _components(root: Path) -> Iterator[Component]:
    manifest = read_manifest(root)
    if manifest.model is None:
        raise ProjectError(
            f"{manifest.name} is the runtime plugin, it has no model to tune",
            mend="Name a model plugin's folder with --project",
        )
    script = root / freshness.MODEL_DIR / freshness.EXPORT_SCRIPT
    _say(f"export {manifest.name}")
    components: Sequence[Component] = load_export(script)
    validate(components, manifest.model.components, script)
    yield from components


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
