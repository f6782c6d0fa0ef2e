"""Compile the model, build the crate and stage the libraries.

Of a model plugin: compiles the model, audits its symbols, builds the Rust crate, links and audits
the library, and puts it where the package expects it (linux/lib/x64). Of the runtime plugin: stages
the pinned TVM libraries and builds the crate. Does nothing when nothing changed.

With --target it does the same for other machines, as far as this one can, and ends with a table of
what was done and what a Mac, an NDK or a missing tool has still to do.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.markup import escape

from tvmplug import output
from tvmplug.build import several, steps
from tvmplug.build.image import Image
from tvmplug.build.several import Report, Row
from tvmplug.build.staging import human_size
from tvmplug.commands import add_compile_options, add_json_option, add_project_option
from tvmplug.errors import UsageError
from tvmplug.project import Project, chosen_targets, find_project
from tvmplug.targets import Target, with_choices


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_project_option(parser)
    parser.add_argument(
        "--target",
        metavar="LIST",
        help="what to build for, with commas (ios,android-arm64); default: this machine",
    )
    add_compile_options(parser)
    add_json_option(parser)


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    project = find_project(args.project)
    targets = tuple(
        with_choices(target, cpu=args.cpu, plain=args.plain)
        for target in chosen_targets(args.target)
    )
    if args.cpu is not None and len(targets) > 1:
        raise UsageError("--cpu is for one target", mend="Name one target with --target")
    if args.target is None and not targets[0].is_apple:
        return _build_here(project, targets[0], as_json=args.json)
    report = several.build_for(project, targets)
    if args.json:
        output.emit_json(_document(project, report))
    else:
        _show(project, report)
    if report.failed is not None:
        raise report.failed
    return 0


def _build_here(project: Project, target: Target, *, as_json: bool) -> int:
    built = steps.build_plugin(project, target)
    if as_json:
        output.emit_json(
            {
                "plugin": project.name,
                "target": target.name,
                "changed": built.changed,
                "staged": [
                    {"path": file.path, "bytes": file.size, "sha256": file.sha256}
                    for file in built.staged
                ],
            }
        )
        return 0
    state = "built" if built.changed else "up to date"
    for file in built.staged:
        line = f"{project.name}: {state}: {file.path} ({human_size(file.size)})"
        output.stdout.print(line, markup=False)
    return 0


def _document(project: Project, report: Report) -> dict[str, object]:
    packed = report.packed
    return {
        "plugin": project.name,
        "targets": [_row_document(row) for row in report.rows],
        "xcframework": packed
        and {
            "path": str(packed.path),
            "targets": [target.name for target in packed.targets],
            "missing": [target.name for target in packed.missing],
            "proof_only": packed.proof_only,
        },
    }


def _row_document(row: Row) -> dict[str, object]:
    return {
        "target": row.target.name,
        "changed": row.changed,
        "model": row.model and {"path": str(row.model), "bytes": row.model.stat().st_size},
        "runtime": row.runtime and _image_document(row.runtime),
        "library": row.image and _image_document(row.image),
        "todo": [{"missing": error.message, "mend": error.mend} for error in row.todo],
        "error": row.failed and str(row.failed),
    }


def _image_document(image: Image) -> dict[str, object]:
    return {
        "path": str(image.path),
        "bytes": image.path.stat().st_size,
        "linker": image.linker,
        "proof_only": image.proof_only,
    }


def _show(project: Project, report: Report) -> None:
    """The table: what there is, with its size, and what is left to do."""
    model = ["model"] if project.is_model else []
    columns = ["target", *model, "runtime", "library", "left to do"]
    rows = []
    for row in report.rows:
        cells = [_size(row.model)] if project.is_model else []
        cells += [_size(image.path if image else None) for image in (row.runtime, row.image)]
        rows.append([row.target.name, *cells, _left(row)])
    output.table(f"{project.name}, {report.summary}", columns, rows)
    if (packed := report.packed) is not None:
        shown = packed.path.relative_to(project.root)
        output.stdout.print(f"{shown}: {', '.join(target.name for target in packed.targets)}")


def _size(path: Path | None) -> str:
    return "[dim]-[/]" if path is None else human_size(path.stat().st_size)


def _left(row: Row) -> str:
    """What keeps this target from being in an app that is built here."""
    if row.failed is not None:
        return f"[red]failed:[/] {escape(str(row.failed))}"
    if row.todo:
        lines = (f"{error.message}. {error.mend}" for error in row.todo)
        return "\n".join(f"[yellow]{escape(line)}[/]" for line in lines)
    if row.image is not None and row.image.proof_only:
        return f"on a Mac: tvmplug build --target {row.target.group or row.target.name}"
    return "[green]nothing[/]"
