"""The compiler's run: export, lower, generate code, pack, audit, and put it all in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType

from tvmplug import files, machine
from tvmplug.artifacts import audit
from tvmplug.artifacts.ar import Member, write_archive
from tvmplug.artifacts.symbols import read_object
from tvmplug.compiler import (
    accuracy,
    codegen,
    freshness,
    frontends,
    golden,
    interface,
    lowering,
    packed,
    placing,
    tvm_facade,
)
from tvmplug.compiler.codegen import Pending
from tvmplug.compiler.cpu.apply import told
from tvmplug.compiler.cpu.choices import Asked, Winners, told_choices
from tvmplug.compiler.kernels import Workers, workers
from tvmplug.compiler.loading import load_export
from tvmplug.compiler.stages import say, stage
from tvmplug.compiler.tuning import winners
from tvmplug.compiler.validation import validate
from tvmplug.errors import ProjectError, TvmplugError
from tvmplug.export import Component
from tvmplug.kernel_cache import KernelCache, kernel_cache_dir
from tvmplug.manifest import Manifest, Model, read_manifest
from tvmplug.metadata import METADATA_NAME, ComponentSpec, Metadata, archive_name
from tvmplug.pins import PINS
from tvmplug.targets import Target

# What objects call to run a loop on TVM's pool of workers.
_POOL = "TVMBackendParallelLaunch"


@dataclass(frozen=True)
class Wanted:
    """What a run shall make.

    Attributes:
        target: What to compile for.
        out: The folder that shall hold archive and metadata; it is replaced as a whole.
    """

    target: Target
    out: Path


@dataclass(frozen=True)
class Result:
    """What a run did for one target.

    Attributes:
        metadata: the metadata that lies in the output folder.
        golden: golden files that were recorded.
        compiled: how many kernels were compiled.
        cached: how many kernels had been compiled before.
    """

    metadata: Metadata
    golden: tuple[Path, ...]
    compiled: int = 0
    cached: int = 0


def compile_plugin(root: Path, target: Target, out: Path, *, update_golden: bool) -> Result:
    """Compile a model plugin's components into `out`.

    Args:
        root: the plugin's folder.
        target: what to compile for.
        out: the folder that shall hold archive and metadata; it is replaced as a whole.
        update_golden: record all golden cases anew.

    Returns:
        What was made.

    Raises:
        ProjectError: the folder is no model plugin.
        ExportError, CompileError, ArtifactError, FileError, ToolError: see the stages.
    """
    (result,) = compile_targets(root, [Wanted(target, out)], update_golden=update_golden)
    if isinstance(result, TvmplugError):
        raise result
    return result


def compile_targets(
    root: Path, wanted: Sequence[Wanted], *, update_golden: bool
) -> list[Result | TvmplugError]:
    """Compile a model plugin's components for several targets, which share the exported model.

    Args:
        root: the plugin's folder.
        wanted: targets and their folders.
        update_golden: record all golden cases anew.

    Returns:
        What was made for each target, or what went wrong with it.

    Raises:
        ProjectError: the folder is no model plugin.
        ExportError, FileError, ToolError: what concerns all targets.
    """
    manifest = read_manifest(root)
    model = manifest.model
    if model is None:
        raise ProjectError(
            f"{manifest.name} is the runtime plugin, it has no model to compile",
            mend="Name a model plugin's folder with --project",
        )
    tvm_facade.check_versions()
    script = root / freshness.MODEL_DIR / freshness.EXPORT_SCRIPT
    tuned = winners.tiles_of(winners.read_tuning(script.parent))
    cache = KernelCache(kernel_cache_dir())
    with ExitStack() as stack, workers(machine.jobs(), cache) as makers:
        several = len(wanted) > 1
        runs = [_Run(manifest, model, each, makers, tuned, several=several) for each in wanted]
        for run in runs:
            # From the start, so that a read-only folder is refused before minutes of work.
            run.attempt(run.begin)
            stack.push(run.end)
        with stage(f"export {manifest.name}"):
            components = load_export(script)
            validate(components, model.components, script)
        # In the manifest's order, so that the script's does not change the archive.
        components.sort(key=lambda component: model.components.index(component.name))
        # Kernels of one component, or target, are compiled while the next one is lowered.
        for run in runs:
            for component in components:
                run.attempt(partial(run.start, component))
        for run in runs:
            run.attempt(run.finish)
        recorded: tuple[Path, ...] = ()
        if any(run.failed is None for run in runs):
            folder = script.parent / freshness.GOLDEN_DIR
            recorded = tuple(golden.record(components, folder, update=update_golden))
        for run in runs:
            run.attempt(run.place)
    return [run.failed or replace(run.result, golden=recorded) for run in runs]


@dataclass
class _Begun:
    """A component whose kernels are being compiled.

    Attributes:
        spec: Its entry of the metadata.
        pending: Its objects.
        tiles: What was asked for tiles.
    """

    spec: ComponentSpec
    pending: Pending
    tiles: tuple[Asked, ...]


class _Run:
    """What is done for one target, step by step; after a failure nothing more is.

    Args:
        manifest: The plugin's manifest.
        model: Its part about the model.
        wanted: The target and its folder.
        makers: Who compiles kernels.
        tuned: The tiles that were measured, by the instruction set's name.
        several: Whether there are other targets beside this one.
    """

    def __init__(
        self,
        manifest: Manifest,
        model: Model,
        wanted: Wanted,
        makers: Workers,
        tuned: Mapping[str, Winners],
        *,
        several: bool,
    ) -> None:
        self.failed: TvmplugError | None = None
        self._manifest = manifest
        self._model = model
        self._target = wanted.target
        self._out = wanted.out
        self._makers = makers
        self._tuned = tuned
        self._title = f"{wanted.target.name}: " if several else ""
        self._folder = ExitStack()
        self._pending: list[_Begun] = []

    def attempt(self, step: Callable[[], None]) -> None:
        """Do a step, unless one failed before."""
        if self.failed is None:
            try:
                step()
            except TvmplugError as error:
                self.failed = error
                self.end(type(error), error, error.__traceback__)

    def begin(self) -> None:
        """Make the folder that takes the place of the old one."""
        self._fresh = self._folder.enter_context(placing.replacing(self._out))
        self._source = freshness.source_sha256(self._manifest.root, self._target)

    def start(self, component: Component) -> None:
        """Lower a component, and have its kernels compiled."""
        folder = self._manifest.root / freshness.MODEL_DIR
        with stage(f"{self._title}lower {component.name}"):
            imported = frontends.to_relax(component, folder)
            spec = interface.describe(component, imported, self._model.prefix)
            lowered = lowering.lower(
                imported.module, component, spec.prefix, self._target, self._tuned
            )
            spec = replace(spec, calls=packed.check_calls(lowered.module, component.name))
            pending = codegen.start(
                lowered, component.name, self._target, self._makers, self._fresh
            )
        begun = _Begun(spec, pending, lowered.tiles)
        self._pending.append(begun)
        if component.weight_dtype != "float32" and self._target.has_own_kernels:
            what = f"measure {component.name} with {component.weight_dtype} weights"
            with stage(f"{self._title}{what}"):
                begun.spec = accuracy.with_measured_error(spec, component, imported)

    def finish(self) -> None:
        """Wait for the kernels, pack, audit and write."""
        specs: list[ComponentSpec] = []
        members: list[Member] = []
        compiled = cached = 0
        for begun in self._pending:
            spec = begun.spec
            with stage(f"{self._title}codegen {spec.name}") as step:
                objects = begun.pending.result(step.at)
                step.note = objects.summary
            for line in (*told(objects.taken), *told_choices(begun.tiles, winners.SHOWN)):
                say(f"  {line}")
            for topic, text in spec.notes.items():
                say(f"  {topic}: {text}")
            found = [_member(spec.prefix, name, content) for name, content in objects.files]
            parallel = any(_POOL in read_object(m.content, m.name).undefined for m in found)
            specs.append(replace(spec, parallel=parallel))
            members += found
            compiled += objects.kernels - objects.cached
            cached += objects.cached
        with stage(f"{self._title}pack"):
            archive = write_archive(members, audit.dialect_of(self._target))
        metadata = self._metadata(archive, specs)
        with stage(f"{self._title}audit"):
            audit.audit(archive, metadata, self._target, origin=metadata.archive)
        files.write_bytes(self._fresh / metadata.archive, archive)
        files.write_text(self._fresh / METADATA_NAME, metadata.to_json())
        self.result = Result(metadata, (), compiled, cached)

    def place(self) -> None:
        """Put the folder in the place of the old one."""
        self._folder.close()

    def end(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave out what is not done, and remove the new folder if it is not placed."""
        for begun in self._pending:
            begun.pending.cancel()
        self._folder.__exit__(kind, error, trace)

    def _metadata(self, archive: bytes, specs: Sequence[ComponentSpec]) -> Metadata:
        return Metadata(
            plugin=self._manifest.name,
            prefix=self._model.prefix,
            archive=archive_name(self._manifest.name),
            archive_sha256=files.sha256_bytes(archive),
            target=self._target.name,
            tvm_target=dict(self._target.tvm_target),
            tvm=PINS.tvm,
            tvm_ffi=PINS.tvm_ffi,
            source_sha256=self._source,
            components=tuple(specs),
        )


def _member(prefix: str, name: str, content: bytes) -> Member:
    # TVM calls what it packs itself `lib0.o`, and the constants `PREFIXdevc.o`.
    name = name if name.startswith(prefix) else prefix + name
    symbols = tuple(symbol.raw for symbol in read_object(content, name).defined)
    return Member(name, content, symbols)
