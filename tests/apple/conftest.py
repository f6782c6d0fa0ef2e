"""What these tests share: objects made by a real compiler, images made by a real linker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tvmplug.apple.link import ImageSpec, link_image
from tvmplug.artifacts.ar import Dialect, Member, write_archive
from tvmplug.artifacts.symbols import read_object
from tvmplug.build.image import Image
from tvmplug.errors import ToolError
from tvmplug.process import run
from tvmplug.targets import Target, target_named, targets_named
from tvmplug.toolchains.cxx import find_cxx
from tvmplug.toolchains.darwin import find_linker

APPLE = targets_named("ios,ios-simulator,macos")

# A runtime in small: what models call, and a helper that must stay its own.
RUNTIME = """\
#include <string.h>
static char last[32];
void TVMFFIGetVersion(unsigned *out) { out[0] = 0; out[1] = 1; out[2] = 15; }
int TVMFFIRegister(const char *name) { strncpy(last, name, 31); return (int)strlen(last); }
int helper(int x) { return x; }
"""
# A model in small: a constructor that nothing refers to, a function of its own, a shared name.
MODEL = """\
extern int TVMFFIRegister(const char *name);
__attribute__((noinline)) int helper(int x) { return x + 1; }
static int registered;
__attribute__((constructor)) static void startup(void) { registered = TVMFFIRegister("g2p_"); }
unsigned g2p_abi_version(void) { return (unsigned)helper(registered); }
"""


@dataclass(frozen=True)
class Workbench:
    """A folder in which C becomes objects, archives and images for one target."""

    folder: Path
    target: Target = field(default_factory=lambda: target_named("ios"))

    def object(self, name: str, source: str, suffix: str = ".c") -> Path:
        """Compile C, or Objective-C with the suffix `.m`, to `NAME.o`."""
        text, made = self.folder / f"{name}{suffix}", self.folder / f"{name}.o"
        text.write_text(source)
        compiler = find_cxx(self.target)
        driver = ["cc" if word == "c++" else word for word in compiler.driver]
        run([*driver, "-Os", "-c", text, "-o", made], env=compiler.environment, echo=False)
        return made

    def archive(self, name: str, objects: Sequence[Path]) -> Path:
        """Pack objects into `libNAME.a`."""
        members = []
        for path in objects:
            content = path.read_bytes()
            symbols = tuple(symbol.raw for symbol in read_object(content, path.name).defined)
            members.append(Member(path.name, content, symbols))
        made = self.folder / f"lib{name}.a"
        made.write_bytes(write_archive(members, Dialect.BSD))
        return made

    def library(self, name: str, source: str) -> Path:
        """Compile C to an archive with one object."""
        return self.archive(name, [self.object(name, source)])

    def spec(self, name: str, forced: Sequence[Path], *exports: str, **more: object) -> ImageSpec:
        """Describe an image for the target."""
        return ImageSpec(
            target=self.target,
            name=name,
            forced=tuple(forced),
            exports=exports,
            **more,  # type: ignore[arg-type]
        )

    def link(self, spec: ImageSpec) -> Image:
        """Link it into a folder of its own."""
        return link_image(spec, self.folder / f"{spec.name}.framework" / spec.name)

    def runtime(self) -> Image:
        """The small runtime, linked."""
        archive = self.library("runtime", RUNTIME)
        return self.link(self.spec("tvm_runtime", [archive], "TVMFFI*"))

    def model(self, runtime: Image, prefix: str = "g2p_") -> Image:
        """The small model, linked to a runtime."""
        archive = self.library("model", MODEL.replace("g2p_", prefix))
        name = f"{prefix}flutter_model"
        frameworks = (runtime.path,)
        return self.link(self.spec(name, [archive], f"{prefix}*", frameworks=frameworks))


@pytest.fixture(scope="session", autouse=True)
def tools() -> None:
    """These tests need a compiler and a linker for Apple's platforms."""
    for find in (find_linker, lambda: find_cxx(APPLE[0])):
        try:
            find()
        except ToolError as error:
            pytest.skip(f"skipped: {error.message}")


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    """A workbench for iOS."""
    return Workbench(tmp_path)


@dataclass(frozen=True)
class Linked:
    """Both small plugins, linked for every Apple target. Do not change them."""

    runtime: tuple[Image, ...]
    model: tuple[Image, ...]


@pytest.fixture(scope="session")
def linked(tools: None, tmp_path_factory: pytest.TempPathFactory) -> Linked:
    """The images of the small runtime and the small model for every Apple target."""
    runtimes, models = [], []
    for target in APPLE:
        work = Workbench(tmp_path_factory.mktemp(target.name), target)
        runtimes.append(work.runtime())
        models.append(work.model(runtimes[-1]))
    return Linked(tuple(runtimes), tuple(models))


@pytest.fixture
def bench_for(tmp_path: Path) -> Callable[[str], Workbench]:
    """A function from a target's name to a workbench for it."""

    def made(name: str) -> Workbench:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        return Workbench(folder, target_named(name))

    return made
