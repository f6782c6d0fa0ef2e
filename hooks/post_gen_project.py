"""What cookiecutter runs at the end: hands the answers over to Copier, which makes the plugin.

Runs in Cookiecutter's own Python, in the new folder, from a copy of this file. The folder holds
the answers and nothing else.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

ANSWERS = ".cookiecutter.json"


def main() -> int:
    """Make the plugin; anything but zero lets Cookiecutter remove the new folder."""
    project = Path.cwd()
    context = json.loads((project / ANSWERS).read_text(encoding="utf-8"))
    root = template_folder(context)
    if root is None:
        print(
            f"error: from here the template {context['_repo_dir']} cannot be found. "
            "Name its folder by the whole path",
            file=sys.stderr,
        )
        return 2
    (project / ANSWERS).unlink()
    os.chdir(project.parent)
    sys.path.insert(0, str(root / "src"))
    from tvmplug import cookiecutter_door  # noqa: PLC0415 - only now it can be found

    return cookiecutter_door.main(context, root, project)


def template_folder(context: dict[str, Any]) -> Path | None:
    """The template's folder: a relative one is seen from where cookiecutter was started.

    That is the shell's folder, or the one in which the new folder lies by default.
    """
    for start in (os.environ.get("PWD", ""), str(context["_output_dir"])):
        folder = Path(start, Path(context["_repo_dir"]).expanduser())
        if (folder / "copier.yml").is_file():
            return folder.resolve()
    return None


if __name__ == "__main__":
    sys.exit(main())
