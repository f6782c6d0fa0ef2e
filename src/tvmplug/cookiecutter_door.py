"""From Cookiecutter's answers to the project that Copier makes of them.

Called by hooks/post_gen_project.py in Cookiecutter's own Python: standard library only. The
toolkit's environment has Copier; the folder is empty but for the file with the answers.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tvmplug import bootstrap
from tvmplug.errors import TvmplugError, UsageError

# How an address of a git repository begins, unless it ends with .git (Copier's `_vcs.py`, 9.19).
_GIT = ("gh:", "gl:", "git@", "git://", "git+", "https://github.com/", "https://gitlab.com/")


def main(context: Mapping[str, Any], root: Path, project: Path) -> int:
    """Make the plugin in `project`.

    Args:
        context: What Cookiecutter knows: the answers, and `_template` with its likes.
        root: The checkout of the templates that Cookiecutter read.
        project: The new folder, empty.

    Returns:
        The exit code; not zero lets Cookiecutter remove the folder.
    """
    try:
        command = new_command(context, copier_source(str(context["_template"]), root), project.name)
    except TvmplugError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    code = bootstrap.main(command)
    kept = Path("~/.cookiecutter_replay").expanduser() / f"{root.name}.json"
    if code != 0 and kept.is_file():
        print(
            f"Your answers are in {kept}: mend them there, then run cookiecutter with --replay",
            file=sys.stderr,
        )
    return code


def new_command(context: Mapping[str, Any], source: str, name: str) -> list[str]:
    """Return the arguments of the `tvmplug new` that makes the plugin.

    Args:
        context: Cookiecutter's answers; its own entries start with an underscore.
        source: The template's address for Copier.
        name: The plugin's name, which is its folder's.
    """
    answers = {key: value for key, value in context.items() if not key.startswith("_")}
    conditions: Mapping[str, Mapping[str, str]] = context["_answered_if"]
    kind = str(answers.setdefault("kind", context.get("_kind")))
    answers = {
        key: value
        for key, value in answers.items()
        if key not in {"kind", "plugin_name"}
        and all(answers[name] == needed for name, needed in conditions.get(key, {}).items())
    }
    command = ["new", kind, name, "--defaults", "--template", source]
    if checkout := context.get("_checkout"):
        command += ["--vcs-ref", str(checkout)]
    for key, value in answers.items():
        command += ["--data", f"{key}={value}"]
    return command


def copier_source(template: str, root: Path) -> str:
    """Return what Copier records as the template's address, so that updates find it.

    Args:
        template: What was typed behind `cookiecutter`.
        root: The checkout that Cookiecutter made of it, or the folder itself.

    Raises:
        UsageError: The template came as an archive, or its clone has no origin: no update could
            find it again.
    """
    if template.endswith(".zip"):
        raise UsageError(
            f"{template} is an archive, which has no newer versions to update to",
            mend="Name the template's git repository or a folder with a checkout",
        )
    if ":" not in template or Path(template).expanduser().exists():
        return str(root)
    if _is_git(template):
        return template
    # An abbreviation that only Cookiecutter knows, such as bb: for Bitbucket.
    origin = subprocess.run(
        ["git", "remote", "get-url", "origin"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    if not origin:
        raise UsageError(
            f"{root}, which Cookiecutter cloned from {template}, names no origin",
            mend="Delete it, and run cookiecutter again",
        )
    return origin if _is_git(origin) else f"git+{origin}"


def _is_git(address: str) -> bool:
    return address.startswith(_GIT) or address.endswith(".git")
