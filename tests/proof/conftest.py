"""What these tests share: real compilers and linkers for every format that an app is made of."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tvmplug.process import run

ZIG = (sys.executable, "-m", "ziglang")
# How a test's target is called by zig.
TRIPLES = {
    "linux-x64": "x86_64-linux-gnu",
    "linux-arm64": "aarch64-linux-gnu",
    "macos-arm64": "aarch64-macos.11.0",
}


def rust_linker(name: str) -> Path:
    """A linker of LLVM's that comes with the Rust toolchain."""
    root = Path(run(["rustc", "--print", "sysroot"], echo=False).stdout.strip())
    found = sorted(root.glob(f"lib/rustlib/*/bin/gcc-ld/{name}"))
    if not found:
        pytest.skip(f"skipped: the Rust toolchain has no {name}")
    return found[0]


@dataclass
class Workbench:
    """A folder in which C becomes objects, archives and images for one target."""

    folder: Path
    target: str
    objects: dict[str, Path] = field(default_factory=dict)

    @property
    def triple(self) -> str:
        return TRIPLES[self.target]

    def compile(self, name: str, source: str) -> Path:
        """Compile C to `NAME.o`."""
        text = self.folder / f"{name}.c"
        text.write_text(source)
        made = self.folder / f"{name}.o"
        run(
            [*ZIG, "cc", "-target", self.triple, "-c", "-O1", "-ffunction-sections", "-fPIC",
             text, "-o", made],
            echo=False,
        )  # fmt: skip
        return made

    def archive(self, name: str, objects: Sequence[Path]) -> Path:
        """Pack objects into an archive."""
        made = self.folder / name
        made.parent.mkdir(exist_ok=True)
        run([*ZIG, "ar", "rcs", made, *objects], echo=False)
        return made

    def link(self, name: str, whole: Sequence[Path], other: Sequence[Path] = ()) -> Path:
        """Link a shared image: some archives whole, others on demand; return its link map."""
        link_map = self.folder / f"{name}.map"
        out = self.folder / name
        if self.target.startswith("macos"):
            forced = [part for path in whole for part in ("-force_load", path)]
            run(
                [rust_linker("ld64.lld"), "-arch", "arm64", "-platform_version", "macos", "11.0",
                 "11.0", "-dylib", "-dead_strip", "-undefined", "dynamic_lookup", "-map", link_map,
                 "-exported_symbols_list", self._exports(), "-o", out, *forced, *other],
                echo=False,
            )  # fmt: skip
        else:
            version = self.folder / "exports.ver"
            version.write_text("{ global: keep_*; TVM*; local: *; };\n")
            linker = rust_linker("ld.lld") if self.target == "linux-arm64" else "ld"
            run(
                [linker, "-shared", "--gc-sections", f"-Map={link_map}", "-o", out,
                 f"--version-script={version}", "--whole-archive", *whole, "--no-whole-archive",
                 *other],
                echo=False,
            )  # fmt: skip
        return link_map

    def _exports(self) -> Path:
        path = self.folder / "exports.txt"
        path.write_text("_keep_*\n_TVM*\n")
        return path


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.slow) for name in sorted(TRIPLES)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Workbench:
    """A workbench; each test runs with GNU ld, with LLVM's ELF and with its Mach-O linker."""
    if request.param == "linux-x64" and not shutil.which("ld"):
        pytest.skip("skipped: no GNU ld")
    return Workbench(tmp_path, request.param)


@pytest.fixture
def make_bench(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Workbench]:
    """Makes a workbench for one target."""
    return lambda target: Workbench(tmp_path_factory.mktemp(target), target)
