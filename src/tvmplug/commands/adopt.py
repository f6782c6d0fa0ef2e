"""Move an existing plugin that bundles its own TVM onto the shared runtime.

Looks at a Flutter plugin, or at all those in a folder, and prints what keeps it from living beside
a second model, and what would change, file by file. Nothing is written without --apply: that makes
one commit on the branch tvmplug/adopt, and leaves your branch and your files alone.

The exit code is 15 when there is something to adopt, 0 when there is nothing, or when it was done.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tvmplug import output
from tvmplug.commands import add_json_option, add_template_options
from tvmplug.errors import AdoptError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "folder", metavar="DIR", type=Path, help="a plugin's folder, or one that holds several"
    )
    parser.add_argument(
        "--apply", action="store_true", help="commit the changes on the branch tvmplug/adopt"
    )
    parser.add_argument(
        "--full", action="store_true", help="print the lines of new and removed files as well"
    )
    add_template_options(parser)
    parser.add_argument(
        "-d",
        "--data",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="answer a question of the template instead of the guess",
    )
    add_json_option(parser)


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    from tvmplug.adopt import apply, run, show  # noqa: PLC0415 - heavy, and the help needs none
    from tvmplug.commands.new import data_of, template_of  # noqa: PLC0415

    options = run.Options(
        source=template_of(args.template), vcs_ref=args.vcs_ref, data=data_of(args.data)
    )
    found = run.adoptions(args.folder, options, ready=args.apply)
    if args.json:
        applied = run.carry_out(found) if args.apply else []
        told = {
            "plugins": [show.as_json(each.plan, each.answers) for each in found.adoptions],
            "nothing_to_adopt": list(found.skipped),
            "applied": [
                {"repository": str(each.repository.top), "branch": apply.BRANCH,
                 "commit": each.commit}
                for each in applied
            ],
        }  # fmt: skip
        output.emit_json(told)
    else:
        for each in found.adoptions:
            show.show(each.plan, each.answers, full=args.full)
        for name, why in found.skipped.items():
            output.stdout.print(f"{name}: nothing to adopt, {why}", markup=False)
        applied = run.carry_out(found) if args.apply else []
        show.show_end(found, applied)
    return 0 if applied or not found.adoptions else AdoptError.exit_code
