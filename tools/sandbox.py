"""Programs of a private root, run with that folder as their root folder.

They see the machine's processes and devices, a /tmp of their own, and the folders that the
caller names, at the same paths as outside. All run in namespaces of their own, which end with
the first of them: nothing is left behind, in the file system or running.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.apt import Unavailable
from tvmplug.errors import ProcessError, ToolError
from tvmplug.process import Completed, run

# Arguments: the root, the folders to show, `--`, then the command.
_ENTER = """
root=$1
shift
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
while [ "$1" != -- ]; do
  mkdir -p "$root$1"
  mount --rbind "$1" "$root$1"
  shift
done
shift
exec chroot "$root" "$@"
"""
_ENVIRONMENT = {
    "HOME": "/tmp",  # noqa: S108 (a file system of its own)
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/bin:/usr/sbin",
    "XDG_RUNTIME_DIR": "/tmp",  # noqa: S108
}


def command_inside(
    root: Path,
    command: Sequence[str | Path],
    *,
    shown: Sequence[Path],
    cwd: Path,
    env: Mapping[str, str] | None = None,
) -> list[str]:
    """The command that runs another one in a root.

    Args:
        root: The root folder.
        command: The program, found in that root, and its arguments.
        shown: Folders of the machine that it can see and change.
        cwd: The folder to run in; one that it can see.
        env: Variables for it, beyond the few that it always has.
    """
    for mount_point in ("proc", "dev", "tmp"):
        (root / mount_point).mkdir(exist_ok=True)
    # An ordinary user is root in a user namespace; root needs none, and containers may forbid it.
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    variables = [f"{name}={value}" for name, value in {**_ENVIRONMENT, **(env or {})}.items()]
    return [
        *("unshare", "--mount", "--pid", "--fork", "--kill-child", *user),
        *("sh", "-eu", "-c", _ENTER, "enter", str(root), *map(str, outermost(shown)), "--"),
        *("env", "--ignore-environment", f"--chdir={cwd}", *variables),
        *map(str, command),
    ]


def run_inside(
    root: Path,
    command: Sequence[str | Path],
    *,
    shown: Sequence[Path],
    cwd: Path,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 600,
) -> Completed:
    """Run a program of a root to its end. Arguments as for `command_inside`.

    Raises:
        ProcessError: It failed.
        Unavailable: The machine allows no mount namespaces.
    """
    full = command_inside(root, command, shown=shown, cwd=cwd, env=env)
    try:
        return run(full, echo=False, timeout_s=timeout_s)
    except ProcessError as error:
        if error.output.startswith(("unshare:", "mount:")):
            why = f"no namespaces on this machine ({error.output})"
            raise Unavailable(why, "root to run programs in") from error
        raise ProcessError(
            f"{command[0]} failed in {root.name}", output=error.output, returncode=error.returncode
        ) from error


def outermost(folders: Sequence[Path]) -> list[Path]:
    """These folders without those that lie in another one of them, links resolved.

    Raises:
        ToolError: One does not exist.
    """
    real = {folder.resolve() for folder in folders}
    for folder in real:
        if not folder.is_dir():
            raise ToolError(f"{folder} is no folder")
    return sorted(folder for folder in real if not real & set(folder.parents))
