"""The C++ compilers that build TVM's runtime: which one serves a target, and what it is told.

Called by `runtime.build`. Every one is used in the same way: a driver that compiles and links, and
a program that makes archives.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tvmplug.errors import ToolError
from tvmplug.pinned_env import cache_dir
from tvmplug.process import run
from tvmplug.targets import Target, host_target
from tvmplug.toolchains.darwin import sdk_of
from tvmplug.toolchains.ndk import find_ndk

# Instances of one template for several types are often the same code: a tenth of the runtime.
_MERGE_FUNCTIONS = "SHELL:-Xclang -fmerge-functions"


@dataclass(frozen=True, kw_only=True)
class CxxToolchain:
    """A C++ compiler, told what to compile for.

    Attributes:
        name: The kind: `zig`, `xcode`, `ndk` or `gcc`.
        version: What it says of itself, for people.
        driver: The command that compiles and links C++, with the target's own flags.
        archiver: The command that makes a static archive, up to the archive's name.
        link_flags: Flags for links alone.
        smallest: The flags of the smallest code, as CMake takes them.
        libcxx_inside: LLVM's C++ library becomes a part of what is linked.
        compiler_id: What CMake calls the compiler: `Clang`, `AppleClang` or `GNU`.
        environment: Variables added to the environment of both.
        proof_only: What it makes proves a build and a link; the platform's own tools make what
            is published.
        map_to_stdout: Its linker can only print a link map, not write one.
    """

    name: str
    version: str
    driver: tuple[str, ...]
    archiver: tuple[str, ...]
    link_flags: tuple[str, ...] = ()
    smallest: tuple[str, ...] = ("-Oz", _MERGE_FUNCTIONS)
    libcxx_inside: bool = False
    compiler_id: str = "Clang"
    environment: Mapping[str, str] = field(default_factory=dict)
    proof_only: bool = False
    map_to_stdout: bool = False

    @property
    def cmake_arguments(self) -> tuple[str, ...]:
        """The arguments that make CMake use this compiler for objects and archives.

        CMake is told everything and tries nothing: its own trials link programs, for which a
        compiler of another platform has no libraries.
        """
        archive = " ".join(f'"{word}"' for word in self.archiver)
        return (
            "-DCMAKE_SYSTEM_NAME=Generic",
            f"-DCMAKE_CXX_COMPILER={';'.join(self.driver)}",
            f"-DCMAKE_CXX_COMPILER_ID={self.compiler_id}",
            "-DCMAKE_CXX_COMPILER_ID_RUN=1",
            "-DCMAKE_CXX_COMPILER_FORCED=1",
            "-DCMAKE_CXX_OUTPUT_EXTENSION=.o",
            f"-DCMAKE_CXX_ARCHIVE_CREATE={archive} <TARGET> <OBJECTS>",
            "-DCMAKE_CXX_ARCHIVE_FINISH=",
            f"-DSMALLEST={';'.join(self.smallest)}",
            f"-DWITHOUT_DEMANGLER={'ON' if self.libcxx_inside else 'OFF'}",
        )

    def link_command(
        self, library: str, archives: Iterable[str], *, exports: Path, link_map: str
    ) -> list[str]:
        """The command that makes an ELF library of static archives, in their folder.

        All of an archive goes in (its registrations are constructors that nothing refers to), what
        nothing uses goes out, and what `exports` names alone is seen from outside.

        Args:
            library: File name of the result.
            archives: File names, in the order of the link.
            exports: The linker's version script.
            link_map: File name of the link map; with `map_to_stdout` it is printed instead.
        """
        return [
            *self.driver,
            *("-shared", "-o", library, f"-Wl,-soname,{library}"),
            *("-Wl,--whole-archive", *archives, "-Wl,--no-whole-archive"),
            f"-Wl,--version-script={exports}",
            *("-Wl,--gc-sections", "-Wl,-z,defs", "-s"),
            "-Wl,--print-map" if self.map_to_stdout else f"-Wl,-Map={link_map}",
            *self.link_flags,
            *("-ldl", "-pthread"),
        ]


def find_cxx(target: Target) -> CxxToolchain:
    """Return the C++ compiler for a target; the platform's own where this machine has it.

    Raises:
        ToolError: There is none; the message names what to install.
    """
    if target.is_apple:
        return _xcode(target) if sys.platform == "darwin" else _zig(target)
    if target.os == "android":
        return _ndk(target)
    if target.os == "linux":
        return _linux(target)
    raise ToolError(
        f"no C++ compiler for {target.name} is known",
        mend="Build TVM's runtime there and bring it in with `tvmplug runtime import DIR`",
    )


# --- the platforms' own ---


def _xcode(target: Target) -> CxxToolchain:
    sdk = sdk_of(target)

    def xcrun(*arguments: str) -> str:
        try:
            return run(["xcrun", "--sdk", sdk, *arguments], echo=False).stdout.strip()
        except ToolError as error:
            raise ToolError(
                f"Xcode has no {sdk} SDK on this Mac",
                mend="Install Xcode, start it once, then run `sudo xcode-select --reset`",
            ) from error

    clang = xcrun("--find", "clang++")
    triple = str(target.tvm_target["mtriple"])
    return CxxToolchain(
        name="xcode",
        version=_first_line([clang, "--version"]),
        driver=(clang, "-target", triple, "-isysroot", xcrun("--show-sdk-path")),
        archiver=(xcrun("--find", "libtool"), "-static", "-no_warning_for_no_symbols", "-o"),
        compiler_id="AppleClang",
    )


def _ndk(target: Target) -> CxxToolchain:
    ndk = find_ndk()
    clang = str(ndk.clang(target, cxx=True))
    return CxxToolchain(
        name="ndk",
        version=f"Android NDK {ndk.version}",
        driver=(clang,),
        archiver=(str(ndk.llvm("ar")), "qcsD"),
        # One library in the app holds TVM; its C++ library is inside it, and is nobody else's.
        link_flags=("-static-libstdc++", "-Wl,-z,max-page-size=16384", "-Wl,--icf=safe"),
        libcxx_inside=True,
    )


def _linux(target: Target) -> CxxToolchain:
    host = host_target()
    if target == host:
        return _gcc("g++", "ar")
    if zig_command() is not None:
        return _zig(target)
    prefix = {"arm64": "aarch64-linux-gnu-", "x86_64": "x86_64-linux-gnu-"}[target.arch]
    if shutil.which(f"{prefix}g++"):
        return _gcc(f"{prefix}g++", f"{prefix}ar")
    raise ToolError(
        f"no C++ compiler for {target.name} is on this machine",
        mend=f"Run `pip install ziglang`, or install {prefix}g++",
    )


def _gcc(compiler: str, archiver: str) -> CxxToolchain:
    found = shutil.which(compiler) or (shutil.which("clang++") if compiler == "g++" else None)
    if found is None:
        raise ToolError(
            "no C++ compiler is on this machine",
            mend="Install g++ or clang++ (Debian: apt install g++)",
        )
    is_clang = Path(found).name.startswith("clang")
    return CxxToolchain(
        name="gcc",
        version=_first_line([found, "--version"]),
        driver=(found,),
        archiver=(archiver, "qcsD"),
        # The C++ library is inside: the machine that runs it may have an older one, or none.
        link_flags=("-static-libstdc++", "-static-libgcc"),
        smallest=("-Oz", _MERGE_FUNCTIONS) if is_clang else ("-Os",),
        compiler_id="Clang" if is_clang else "GNU",
    )


# --- zig: clang, lld and the headers of every platform, from PyPI ---

_ZIG_ARCH = {"arm64": "aarch64", "x86_64": "x86_64"}
# The oldest C library that is served stands in the pins as `glibc 2.28`.
_ZIG_OS = {
    "ios": "ios.{minimum_os}",
    "ios-simulator": "ios.{minimum_os}-simulator",
    "macos": "macos.{minimum_os}",
    "linux": "linux-gnu.{glibc}",
}


def _zig(target: Target) -> CxxToolchain:
    zig = zig_command()
    if zig is None:
        what = "Xcode's compiler runs on a Mac alone, and zig" if target.is_apple else "zig"
        raise ToolError(
            f"no C++ compiler for {target.name}: {what} is not installed",
            mend="Run `pip install ziglang`, or put zig on PATH",
        )
    system = _ZIG_OS[target.platform].format(
        minimum_os=target.minimum_os, glibc=target.minimum_os.rpartition(" ")[2]
    )
    driver = [*zig, "c++", "-target", f"{_ZIG_ARCH[target.arch]}-{system}"]
    if target.os == "ios":
        # zig brings the headers that all of Apple's systems share, and looks there for macOS only.
        headers = Path(zig[0]).parent / "lib" / "libc" / "include" / "any-darwin-any"
        driver += ["-isystem", str(headers)]
    return CxxToolchain(
        name="zig",
        version=f"zig {_first_line([*zig, 'version'])}",
        driver=tuple(driver),
        archiver=(*zig, "ar", "qcsD"),
        # zig takes -Oz for -Os.
        smallest=("-Os", "SHELL:-Xclang -Oz", _MERGE_FUNCTIONS),
        libcxx_inside=not target.is_apple,
        # zig builds its C++ library for the way it is linked: small, too.
        link_flags=("-Os",),
        environment={"ZIG_GLOBAL_CACHE_DIR": _zig_cache()},
        proof_only=target.is_apple,
        map_to_stdout=True,
    )


def _zig_cache() -> str:
    return os.environ.get("ZIG_GLOBAL_CACHE_DIR") or str(cache_dir() / "zig")


def zig_command() -> tuple[str, ...] | None:
    """The zig of this Python environment, else the one on PATH; None when there is none."""
    package = importlib.util.find_spec("ziglang")
    for folder in (package.submodule_search_locations or ()) if package else ():
        for name in ("zig", "zig.exe"):
            if (Path(folder) / name).is_file():
                return (str(Path(folder) / name),)
    found = shutil.which("zig")
    # Resolved: its own headers lie beside the program, not beside a link to it.
    return (str(Path(found).resolve()),) if found else None


def _first_line(argv: list[str]) -> str:
    lines = run(argv, echo=False).stdout.strip().splitlines()
    return lines[0] if lines else ""
