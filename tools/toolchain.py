"""Dart and Flutter, and a desktop to run apps on: Debian's packages in private folders.

`find_or_install()` and `find_or_install_desktop()` return what is needed to run them, from
`.cache/debian/` or from the machine's Debian mirror. The machine's own packages stay as they are.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tools.apt import Unavailable
from tools.install import LIBRARIES, Root, Wanted
from tools.install import find_or_install as install

__all__ = [
    "LIBRARIES",
    "Desktop",
    "Toolchain",
    "Unavailable",
    "find_or_install",
    "find_or_install_desktop",
]

ROOT = Path(__file__).resolve().parents[1]
_BIN = "usr/lib/dart/bin"
_ENGINE = "usr/lib/flutter-engine"
DART = Wanted(
    name="dart",
    title="Dart and Flutter from Debian (once, about 150 MB)",
    packages=(
        "dart-ffi",
        "dart-sdk",
        "flutter",
        "flutter-engine-tools",
        "flutter-patched-sdk",
        "flutter-test",
        "flutter-tester",
        "sky-engine",
    ),
    programs=(
        f"{_BIN}/dart",
        f"{_BIN}/dartvm",
        f"{_BIN}/dartaotruntime",
        f"{_BIN}/utils/gen_snapshot",
        f"{_ENGINE}/linux-x64/flutter_tester",
        f"{_ENGINE}/linux-x64/gen_snapshot",
        f"{_ENGINE}/linux-x64/impellerc",
        f"{_ENGINE}/linux-x64-release/gen_snapshot",
    ),
    what="Dart toolchain",
)

DESKTOP = Wanted(
    name="desktop",
    title="A desktop to build and show Linux apps on, from Debian (once, about 250 MB)",
    packages=(
        # To build: what Flutter's documentation asks for.
        "cmake",
        "g++",
        "libflutter-linux-gtk-dev",
        "libgtk-3-dev",
        "ninja-build",
        "pkgconf",
        # To show: a screen, a software renderer, and the fonts an app may ask for.
        "fonts-dejavu-core",
        "fonts-material-design-icons-iconfont",
        "fonts-roboto-unhinted",
        "libgl1-mesa-dri",
        "xvfb",
        # To use it as a person would, and to see it.
        "coreutils",
        "dash",
        "imagemagick",
        "libc-bin",
        "xdotool",
    ),
    finish=(
        ("glib-compile-schemas", "/usr/share/glib-2.0/schemas"),
        ("fc-cache",),
    ),
    what="desktop for Linux apps",
)


@dataclass(frozen=True)
class Toolchain:
    """Programs and packages of Dart and Flutter.

    Attributes:
        root: The folder with all of it.
        versions: The version of every Debian package in it.
    """

    root: Path
    versions: dict[str, str]

    @property
    def dart(self) -> Path:
        """The `dart` command."""
        return self.root / _BIN / "dart"

    @property
    def dart_version(self) -> str:
        """The version of the Dart SDK, without Debian's part."""
        return self.versions["dart-sdk"].split("+")[0].split("-")[0]

    @property
    def flutter_version(self) -> str:
        """The version of Flutter, without Debian's part."""
        return self.versions["flutter"].split("+")[0].split("-")[0]

    @property
    def packages(self) -> Path:
        """The folder with one folder for each of Flutter's Dart packages."""
        return self.root / "usr/share/dart/packages"

    @property
    def engine(self) -> Path:
        """The folder with Flutter's engine tools."""
        return self.root / _ENGINE / "linux-x64"

    @property
    def release_snapshotter(self) -> Path:
        """`gen_snapshot`, which compiles an app ahead of time for release."""
        return self.root / _ENGINE / "linux-x64-release/gen_snapshot"

    @property
    def frontend_server(self) -> tuple[Path, Path]:
        """The command that compiles Dart to kernel files."""
        server = self.engine / "frontend_server_aot.dart.snapshot"
        return self.root / _BIN / "dartaotruntime", server


@dataclass(frozen=True)
class Desktop:
    """A root folder to compile and show Linux apps in.

    Attributes:
        root: The folder; its programs run with it as their root folder.
        versions: The version of every Debian package in it.
    """

    root: Path
    versions: dict[str, str]

    @property
    def libraries(self) -> Path:
        """The folder of its shared libraries."""
        return self.root / LIBRARIES


def find_or_install() -> Toolchain:
    """Return Dart and Flutter; install them when they are not there yet.

    Raises:
        Unavailable: They cannot be had on this machine.
    """
    root = installed(DART)
    return Toolchain(root.path, root.versions)


def find_or_install_desktop() -> Desktop:
    """Return a desktop for Linux apps; install it when it is not there yet.

    Raises:
        Unavailable: It cannot be had on this machine.
    """
    root = installed(DESKTOP)
    return Desktop(root.path, root.versions)


def places() -> Path:
    """Where the roots are: in the checkout, or in TVMPLUG_TOOLCHAIN_DIR."""
    return Path(os.environ.get("TVMPLUG_TOOLCHAIN_DIR") or ROOT / ".cache" / "debian").absolute()


def environment() -> dict[str, str]:
    """Variables for Dart's programs: what they keep lies in the checkout, not in the home."""
    kept = ROOT / ".cache" / "dart"
    return {
        "ANALYZER_STATE_LOCATION_OVERRIDE": str(kept / "analyzer"),
        "DART_SUPPRESS_ANALYTICS": "true",
        "PUB_CACHE": str(kept / "pub"),
    }


def installed(wanted: Wanted) -> Root:
    """Return a root below `places()`; make it when it is not there yet.

    Raises:
        Unavailable: It cannot be had on this machine.
    """
    where = places()
    where.mkdir(parents=True, exist_ok=True)
    return install(wanted, where)
