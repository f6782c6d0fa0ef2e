"""What Copier runs after a copy and after an update: hands over to the toolkit.

Runs in Copier's own Python, in the plugin's folder, so the standard library is all there is.
"""

import os
import sys
from pathlib import Path

REGISTRY_ERROR = 4  # tvmplug.errors.RegistryError: the prefix cannot be had.


def main(event: str) -> int:
    """Run the hook for `event`, which is "copy" or "update".

    Returns:
        Non-zero only when a copy must be undone because its prefix is taken. Nothing else may
        make Copier throw a finished plugin away, or stop an update half way.
    """
    if os.environ.get("TVMPLUG_SKIP_HOOKS") == "1":
        return 0
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
    from tvmplug import bootstrap  # noqa: PLC0415 - it costs more than all the rest here

    code = bootstrap.main(["hook", event, "--project", str(Path.cwd())])
    if event == "copy" and code == REGISTRY_ERROR:
        return code
    if code != 0:
        finish = f"{bootstrap.command_name()} build --project {Path.cwd()}"
        print(f"tvmplug: the plugin is whole but not built; finish with: {finish}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
