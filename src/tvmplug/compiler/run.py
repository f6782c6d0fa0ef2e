"""The compiler's run: export, lower, generate code, pack, audit, and put it all in its place."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tvmplug import files
from tvmplug.artifacts import audit
from tvmplug.artifacts.ar import Member, write_archive
from tvmplug.artifacts.symbols import read_object
from tvmplug.compiler import (
    accuracy,
    freshness,
    frontends,
    golden,
    interface,
    lowering,
    packed,
    placing,
    tvm_facade,
)
from tvmplug.compiler.cpu.apply import told
from tvmplug.compiler.cpu.choices import Winners, told_choices
from tvmplug.compiler.loading import load_export
from tvmplug.compiler.tuning import winners
from tvmplug.compiler.validation import validate
from tvmplug.errors import ProjectError
from tvmplug.export import Component
from tvmplug.manifest import read_manifest
from tvmplug.metadata import METADATA_NAME, ComponentSpec, Metadata, archive_name
from tvmplug.pins import PINS
from tvmplug.targets import Target

# What objects call to run a loop on TVM's pool of workers.
_POOL = "TVMBackendParallelLaunch"


@dataclass(frozen=True)
class Result:
    """What a run did.

    Attributes:
        metadata: the metadata that lies in the output folder.
        golden: golden files that were recorded.
    """

    metadata: Metadata
    golden: tuple[Path, ...]


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
    # From the start, so that a read-only folder is refused before minutes of work.
    with placing.replacing(out) as fresh:
        source = freshness.source_sha256(root, target)
        with _stage(f"export {manifest.name}"):
            components = load_export(script)
            validate(components, model.components, script)
        # In the manifest's order, so that the script's does not change the archive.
        components.sort(key=lambda component: model.components.index(component.name))
        specs: list[ComponentSpec] = []
        members: list[Member] = []
        for component in components:
            spec, objects = _compile(
                component, model.prefix, script.parent, target, fresh, tuned=tuned
            )
            specs.append(spec)
            members += objects
        with _stage("pack"):
            archive = write_archive(members, audit.dialect_of(target))
        metadata = Metadata(
            plugin=manifest.name,
            prefix=model.prefix,
            archive=archive_name(manifest.name),
            archive_sha256=files.sha256_bytes(archive),
            target=target.name,
            tvm_target=dict(target.tvm_target),
            tvm=PINS.tvm,
            tvm_ffi=PINS.tvm_ffi,
            source_sha256=source,
            components=tuple(specs),
        )
        with _stage("audit"):
            audit.audit(archive, metadata, target, origin=metadata.archive)
        files.write_bytes(fresh / metadata.archive, archive)
        files.write_text(fresh / METADATA_NAME, metadata.to_json())
        recorded = golden.record(
            components, script.parent / freshness.GOLDEN_DIR, update=update_golden
        )
    return Result(metadata=metadata, golden=tuple(recorded))


def _compile(
    component: Component,
    prefix: str,
    folder: Path,
    target: Target,
    scratch: Path,
    *,
    tuned: Mapping[str, Winners],
) -> tuple[ComponentSpec, list[Member]]:
    with _stage(f"lower {component.name}"):
        imported = frontends.to_relax(component, folder)
        spec = interface.describe(component, imported, prefix)
        lowered = lowering.lower(imported.module, component, spec.prefix, target, tuned)
        calls = packed.check_calls(lowered.module, component.name)
    if component.weight_dtype != "float32" and target.has_own_kernels:
        with _stage(f"measure {component.name} with {component.weight_dtype} weights"):
            spec = accuracy.with_measured_error(spec, component, imported)
    for line in (*told(lowered.kernels), *told_choices(lowered.tiles, winners.SHOWN)):
        print(f"  {line}", file=sys.stderr, flush=True)
    with _stage(f"codegen {component.name}"):
        objects = tvm_facade.objects(lowered.module, component.name, target, scratch)
    parallel = any(_POOL in read_object(content, name).undefined for name, content in objects)
    members = [_member(spec.prefix, name, content) for name, content in objects]
    return replace(spec, parallel=parallel, calls=calls), members


def _member(prefix: str, name: str, content: bytes) -> Member:
    # TVM calls the code `lib0.o` in every component, and the constants `PREFIXdevc.o`.
    name = name if name.startswith(prefix) else prefix + name
    symbols = tuple(symbol.raw for symbol in read_object(content, name).defined)
    return Member(name, content, symbols)


@contextmanager
def _stage(title: str) -> Iterator[None]:
    """Say on stderr what runs, and how long it took."""
    started = time.monotonic()
    print(f"{title} ...", file=sys.stderr, flush=True)
    yield
    print(f"{title}: {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
