"""A root folder with unpacked Debian packages: made whole, once, and never half.

`toolchain.py` says which packages; this module fetches, unpacks and prepares them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools import apt
from tools.apt import Unavailable
from tvmplug import files
from tvmplug.errors import ToolError
from tvmplug.output import progress
from tvmplug.process import run

# Raise it when what is done with the packages changes: every root is then made anew.
FORMAT = 1
RECORD = "packages.json"
LIBRARIES = "usr/lib/x86_64-linux-gnu"
LOADER = "usr/lib64/ld-linux-x86-64.so.2"
_LOCK_TIMEOUT_S = 1800


@dataclass(frozen=True)
class Wanted:
    """A root to make.

    Attributes:
        name: What it is called in its folder's name.
        title: What a person reads while it is made.
        packages: The Debian packages; what they depend on comes with them.
        programs: Programs (patterns in the root) that must run outside of it.
        finish: Commands to run inside it afterwards, as their packages' scripts would.
        what: What a person misses where it cannot be had, as in "no ...".
        without: Packages that are left out, with what only they depend on.
        exclude: Files that are not unpacked, as patterns such as `./usr/share/doc/*`.
        libraries: Libraries (patterns in the root) with a search path of their own, which would
            hide that of the programs.
    """

    name: str
    title: str
    packages: tuple[str, ...]
    programs: tuple[str, ...] = ()
    finish: tuple[tuple[str, ...], ...] = ()
    what: str = "packages of Debian's"
    without: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Root:
    """An installed root: its folder, and the version of every package in it."""

    path: Path
    versions: dict[str, str]


def find_or_install(wanted: Wanted, places: Path) -> Root:
    """Return a root with these packages; make it when it is not there yet.

    A killed install leaves a folder with a temporary name, which the next one removes.

    Args:
        wanted: What is to be in it.
        places: The folder that holds all roots.

    Raises:
        Unavailable: The packages cannot be had.
    """
    # One name for what checkouts share through a link: a root under another name is made anew.
    folder = places.resolve() / f"{wanted.name}-{key(wanted)}"
    if (root := _read(folder)) is not None:
        return root
    with files.locked(folder, timeout_s=_LOCK_TIMEOUT_S):
        if (root := _read(folder)) is not None:
            return root
        for left in places.glob(f".{folder.name}.making.*"):
            shutil.rmtree(left)
        shutil.rmtree(folder, ignore_errors=True)
        making = Path(tempfile.mkdtemp(prefix=f".{folder.name}.making.", dir=places))
        try:
            with progress(wanted.title, every_line=True) as say:
                _make(wanted, making, folder, say)
            making.chmod(0o755)
            making.rename(folder)
        except Unavailable as error:
            shutil.rmtree(making, ignore_errors=True)
            raise Unavailable(error.reason, wanted.what) from error
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise
    root = _read(folder)
    if root is None:
        raise ToolError(f"{folder} is not what was just installed there")
    return root


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return a folder; make it when it is not there yet, whole or not at all.

    Args:
        folder: The folder.
        make: Makes it, under the temporary name that it is given.
    """
    if not folder.is_dir():
        with files.locked(folder, timeout_s=_LOCK_TIMEOUT_S):
            if not folder.is_dir():
                making = folder.with_name(f".{folder.name}.making")
                shutil.rmtree(making, ignore_errors=True)
                make(making)
                making.rename(folder)
    return folder


def key(wanted: Wanted) -> str:
    """What a root's name ends in: a hash of all that decides what is in it."""
    decides: list[object] = [FORMAT, wanted.packages, wanted.programs, wanted.finish]
    # Named, and only where they are given: a root without them keeps its name.
    names = ("without", "exclude", "libraries")
    options = {name: getattr(wanted, name) for name in names}
    decides += [[name, value] for name, value in options.items() if value]
    return hashlib.sha256(json.dumps(decides).encode()).hexdigest()[:12]


def _read(folder: Path) -> Root | None:
    record = folder / RECORD
    if not record.is_file():
        return None
    content = json.loads(record.read_text(encoding="utf-8"))
    # The programs hold the path of their libraries: a moved checkout needs a new root.
    if content["path"] != str(folder):
        return None
    return Root(folder, content["packages"])


def _make(wanted: Wanted, making: Path, folder: Path, say: Callable[[str], None]) -> None:
    patchelf = _patchelf() if wanted.programs else ""
    state = making / "apt"
    say("fetching packages")
    archives = apt.download(wanted.packages, state, without=wanted.without)
    say(f"unpacking {len(archives)} packages")
    for name in ("bin", "lib", "lib64", "sbin"):
        (making / "usr" / name).mkdir(parents=True)
        (making / name).symlink_to(f"usr/{name}")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        versions = dict(
            pool.map(lambda archive: _unpack(archive, making, wanted.exclude), archives)
        )
    shutil.rmtree(state)
    loader = ("--set-interpreter", folder / LOADER)
    for program in _matching(making, wanted.programs):
        libraries = ("--force-rpath", "--set-rpath", folder / LIBRARIES)
        run([patchelf, *libraries, *loader, program], echo=False)
    for library in _matching(making, wanted.libraries):
        run([patchelf, "--set-rpath", folder / LIBRARIES, library], echo=False)
    for command in wanted.finish:
        say(f"running {command[0]}")
        run_inside(making, command)
    record = {"path": str(folder), "packages": dict(sorted(versions.items()))}
    files.write_text(making / RECORD, json.dumps(record, indent=2) + "\n")


def run_inside(root: Path, command: Sequence[str]) -> None:
    """Run a program of a root with that folder as its root folder.

    Raises:
        ProcessError: It failed.
    """
    # An ordinary user is root in a user namespace of its own.
    run(["unshare", "--map-root-user", "--root", root, *command], echo=False)


def _unpack(archive: Path, root: Path, exclude: Sequence[str]) -> tuple[str, str]:
    shown = run(["dpkg-deb", "--show", archive], echo=False).stdout
    package, version = shown.split()
    left_out = [f"--exclude={pattern}" for pattern in exclude]
    # tar's option keeps the links of a merged /usr where a package has a folder.
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE
    ) as reader:
        unpack = ["tar", "--extract", "--directory", str(root), "--keep-directory-symlink"]
        done = subprocess.run(
            [*unpack, "--no-same-owner", "--anchored", "--no-wildcards-match-slash", *left_out],
            stdin=reader.stdout,
            capture_output=True,
            check=False,
        )
    if done.returncode or reader.returncode:
        why = done.stderr.decode(errors="replace").strip()
        raise ToolError(f"cannot unpack {archive.name}: {why or 'damaged'}")
    return package, version


def _matching(root: Path, patterns: Sequence[str]) -> list[Path]:
    """Files of a root; each pattern must have some."""
    found: list[Path] = []
    for pattern in patterns:
        matching = sorted(root.glob(pattern))
        if not matching:
            raise Unavailable(f"the packages have no {pattern}")
        found += matching
    return found


def _patchelf() -> str:
    beside = Path(sys.executable).parent / "patchelf"
    found = str(beside) if beside.exists() else shutil.which("patchelf")
    if found is None:
        raise Unavailable("no patchelf; `make setup` installs it")
    return found
