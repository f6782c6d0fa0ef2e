"""Publish a release of the templates as two repositories, one for each kind of plugin.

For those who keep the templates: makes template-runtime.git and template-model.git below DIR_OR_URL
from one tag of this checkout, so that `copier copy gh:ORGANISATION/template-model` works.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from tvmplug import output
from tvmplug.commands import add_json_option


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--to", required=True, metavar="DIR_OR_URL", help="where the two repositories lie"
    )
    parser.add_argument("--tag", metavar="vX.Y.Z", help="the release (default: the commit's tag)")
    parser.add_argument(
        "--source",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="the checkout of the templates (default: the current folder)",
    )
    add_json_option(parser)


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    from tvmplug import publish  # noqa: PLC0415 (the help imports every command)

    published = publish.publish(args.source, args.to, args.tag)
    if args.json:
        output.emit_json([dataclasses.asdict(mirror) for mirror in published])
        return 0
    for mirror in published:
        what = f"published {mirror.tag}" if mirror.added else f"has {mirror.tag} already"
        output.stdout.print(f"{mirror.repository}: {what}", markup=False)
    return 0
