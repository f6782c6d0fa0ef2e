"""Generate a plugin: the runtime plugin, or one for a model.

Asks the template's questions; --data answers some of them, --defaults the rest. The hooks then
register the prefix, build and test.
"""

from __future__ import annotations

import argparse
import ast
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tvmplug import names
from tvmplug.commands import add_template_options
from tvmplug.errors import ProjectError, UsageError

RUNTIME_NAME = "tvm_runtime_flutter"
ANSWERS_FILE = ".copier-answers.yml"
_MARKER = "'None' has no attribute "


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("kind", choices=["runtime", "model"], help="which of the two plugins")
    parser.add_argument("name", metavar="NAME", help="the plugin's name and its new folder")
    add_template_options(parser)
    parser.add_argument(
        "-d", "--data", action="append", default=[], metavar="KEY=VALUE", help="answer a question"
    )
    parser.add_argument(
        "-l", "--defaults", action="store_true", help="do not ask; take the defaults"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="do not list the files")


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    data = data_of(args.data)
    if args.kind == "model":
        names.check_plugin_name(args.name)
        data["plugin_name"] = args.name
    elif args.name != RUNTIME_NAME:
        raise UsageError(
            f"the runtime plugin cannot be called '{args.name}': every model plugin looks for "
            f"{RUNTIME_NAME}",
            mend=f"Use `tvmplug new runtime {RUNTIME_NAME}`",
        )
    folder = Path(args.name)
    if (folder / ANSWERS_FILE).exists():
        raise ProjectError(
            f"{folder.absolute()} holds a plugin already",
            mend="Update it with `copier update --trust`, or choose another name",
        )
    return generate(
        template_of(args.template),
        folder,
        {**data, "kind": args.kind},
        vcs_ref=args.vcs_ref,
        defaults=args.defaults,
        quiet=args.quiet,
    )


def data_of(pairs: list[str]) -> dict[str, str]:
    """Return the answers of `--data`, as Copier's own command line takes them.

    Raises:
        UsageError: One is not KEY=VALUE.
    """
    data = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(
                f"--data '{pair}' is no answer", mend="Write it as KEY=VALUE: --data prefix=g2p_"
            )
        data[key] = value
    return data


def template_of(named: str | None) -> str:
    """Return where the template is: named, or the checkout that this toolkit runs from.

    Raises:
        UsageError: It is not named, and this is no checkout.
    """
    if source := named or os.environ.get("TVMPLUG_TEMPLATE"):
        return source
    checkout = Path(__file__).resolve().parents[3]
    if (checkout / "copier.yml").is_file():
        return str(checkout)
    raise UsageError(
        "this tvmplug does not run from a checkout of its templates",
        mend="Name them: --template gh:ORGANISATION/tvmplug",
    )


def generate(
    source: str,
    folder: Path,
    data: Mapping[str, Any],
    *,
    vcs_ref: str | None,
    defaults: bool,
    quiet: bool,
    tasks: bool = True,
) -> int:
    """Generate a plugin by Copier.

    Args:
        source: Folder or address of the template.
        folder: Where the plugin will be; what lies there and is the template's is written over
            without `tasks`.
        data: Answers.
        vcs_ref: The template's tag or commit; None for its newest tag.
        defaults: Take the defaults instead of asking.
        quiet: Do not list the files.
        tasks: Run the hooks.

    Returns:
        0, or the exit code of a hook that failed.

    Raises:
        UsageError: The template or an answer is wrong.
    """
    from copier import run_copy  # noqa: PLC0415 (0.3 s, which the help must not cost)
    from copier.errors import CopierError, TaskError  # noqa: PLC0415

    try:
        run_copy(
            source,
            folder,
            data=dict(data),
            vcs_ref=vcs_ref,
            defaults=defaults,
            quiet=quiet,
            unsafe=True,
            skip_tasks=not tasks,
            overwrite=not tasks,
        )
    except TaskError as error:  # the hook has said why
        return int(error.returncode)
    except (CopierError, ValueError) as error:
        if _MARKER in str(error):
            raise UsageError(one_line(str(error))) from error
        raise UsageError(f"the template {source}: {one_line(str(error))}") from error
    return 0


def one_line(message: str) -> str:
    """Return what the questionnaire says is wrong, without Copier's words around it.

    The reason for these is in questions/checks.jinja.
    """
    _, marker, quoted = message.partition(_MARKER)
    if marker:
        return str(ast.literal_eval(quoted))
    return " ".join(message.split())
