"""Small stand-ins of real plugins: a runtime and two models in C, linked as ours are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tvmplug.apple.link import ImageSpec
from tvmplug.apple.prelink import prelink
from tvmplug.build.image import Image, read_image, write_image
from tvmplug.process import run
from tvmplug.project import Project, find_project
from tvmplug.targets import Target

from .conftest import ZIG, rust_linker

# How a target is called by zig. The objects use no library: zig has none for phones.
TRIPLES = {
    "linux-x64": "x86_64-linux-gnu.2.28",
    "linux-arm64": "aarch64-linux-gnu.2.28",
    "android-arm64": "aarch64-linux-android.24",
    "android-x64": "x86_64-linux-android.24",
    "macos-arm64": "aarch64-macos.11.0",
    "macos-x64": "x86_64-macos.11.0",
    "ios": "aarch64-ios.13.0",
    "ios-simulator-arm64": "aarch64-ios.14.0-simulator",
    "ios-simulator-x64": "x86_64-ios.14.0-simulator",
}
_COMPILED: dict[tuple[str, str], bytes] = {}
STUBS = Path(__file__).parents[2] / "src/tvmplug/apple/stubs"
RUNTIME = "tvm_runtime_flutter"
RUNTIME_SOURCE = """
void *malloc(unsigned long);
static volatile int registered;
int TVMFFIEnvModRegisterSystemLibSymbol(const char *name, void *symbol) {
  return name && symbol ? registered++ : -1;
}
void *TVMBackendAllocWorkspace(unsigned long size) { return malloc(size); }
"""
# A part of the runtime that registers itself and that nothing calls, and one that nobody needs.
RUNTIME_VM = """
int TVMFFIEnvModRegisterSystemLibSymbol(const char *name, void *symbol);
static int vm(void) { return 1; }
__attribute__((constructor)) static void start(void) {
  TVMFFIEnvModRegisterSystemLibSymbol("vm", (void *)vm);
}
"""
RUNTIME_IDLE = "int idle(void) { return 3; }"
MODEL_CODE = """
double tanh(double);
int TVMFFIEnvModRegisterSystemLibSymbol(const char *name, void *symbol);
void *TVMBackendAllocWorkspace(unsigned long size);
double __tvm_ffi_{prefix}main(double x) {{ return TVMBackendAllocWorkspace(8) ? tanh(x) : 0; }}
__attribute__((constructor)) static void start(void) {{
  TVMFFIEnvModRegisterSystemLibSymbol("{prefix}main", (void *)__tvm_ffi_{prefix}main);
}}
"""
MODEL_DATA = "const unsigned char {prefix}__tvm_ffi__library_bin[] = {{1, 2, 3, 4}};"
MODEL_API = """
extern const unsigned char {prefix}__tvm_ffi__library_bin[];
int {prefix}model_open(void) {{ return {prefix}__tvm_ffi__library_bin[0]; }}
int {prefix}model_close(void) {{ return 0; }}
"""


MANIFEST = """\
kind: {kind}
name: {name}
platforms: [linux, android, ios, macos]
tvm: 0.27.0.post1
tvm_ffi: 0.1.15.post2
"""
MODEL_MANIFEST = """\
prefix: {prefix}
components: [model]
source: relax
runtime: {{from: path, path: ../tvm_runtime_flutter}}
"""


@dataclass(frozen=True, kw_only=True)
class Link:
    """What an image is linked from, and what it shows."""

    library: str
    whole: Sequence[Path]
    exports: str
    other: Sequence[Path] = ()
    options: Sequence[str] = ()


@dataclass(frozen=True)
class Workshop:
    """Makes the plugins of an app, linked for one target, side by side in a folder."""

    target: Target
    folder: Path

    def compile(self, name: str, source: str, target: str = "") -> Path:
        """Compile C without any library to `NAME.o`; the same source once for all tests."""
        triple = TRIPLES[target or self.target.name]
        made = self.folder / f"{name}.o"
        made.parent.mkdir(parents=True, exist_ok=True)
        if (triple, source) not in _COMPILED:
            text = made.with_suffix(".c")
            text.write_text(source)
            run(
                [*ZIG, "cc", "-target", triple, "-c", "-Os", "-fPIC", "-ffreestanding",
                 "-ffunction-sections", "-fno-stack-protector", "-g0", "-w", text, "-o", made],
                echo=False,
            )  # fmt: skip
            _COMPILED[triple, source] = made.read_bytes()
        made.write_bytes(_COMPILED[triple, source])
        return made

    def archive(self, name: str, objects: Sequence[Path]) -> Path:
        """Pack objects into an archive, made anew."""
        made = self.folder / name
        made.unlink(missing_ok=True)
        made.parent.mkdir(parents=True, exist_ok=True)
        run([*ZIG, "ar", "rcs", made, *objects], echo=False)
        return made

    def project(self, name: str, prefix: str = "") -> Project:
        """A plugin's folder with its manifest."""
        root = self.folder / name
        root.mkdir(exist_ok=True)
        text = MANIFEST.format(kind="model" if prefix else "runtime", name=name)
        text += MODEL_MANIFEST.format(prefix=prefix) if prefix else ""
        (root / "tvm_plugin.yaml").write_text(text)
        return find_project(root)

    def runtime(self, name: str = RUNTIME) -> Project:
        """The runtime plugin, built."""
        whole = self.archive(f"{name}/libtvm_runtime.a", self.runtime_objects())
        link = Link(library="tvm_runtime", whole=(whole,), exports="TVM*")
        return self.linked(self.project(name), link)

    def runtime_objects(self) -> list[Path]:
        sources = {"ffi": RUNTIME_SOURCE, "vm": RUNTIME_VM, "idle": RUNTIME_IDLE}
        return [self.compile(f"runtime/{name}", text) for name, text in sources.items()]

    def model(self, name: str, prefix: str, **changes: Any) -> Project:
        """A model plugin, built over the runtime plugin; `changes` are to its link."""
        runtime = read_image(self.project(RUNTIME).image_dir(self.target))
        assert runtime is not None
        whole = self.archive(f"{name}/lib{name}_system_lib.a", self.model_objects(name, prefix))
        crate = self.compile(f"{name}/api", MODEL_API.format(prefix=prefix))
        link = Link(
            library=f"{name}_model" if self.target.is_apple else name,
            whole=(whole,),
            other=(crate, runtime.path),
            exports=f"{prefix}*",
        )
        return self.linked(self.project(name, prefix), replace(link, **changes))

    def model_objects(self, name: str, prefix: str) -> list[Path]:
        return [
            self.compile(f"{name}/lib0", MODEL_CODE.format(prefix=prefix)),
            self.compile(f"{name}/devc", MODEL_DATA.format(prefix=prefix)),
        ]

    def image(self, project: Project) -> Image:
        """What was linked for a plugin."""
        image = read_image(project.image_dir(self.target))
        assert image is not None
        return image

    def linked(self, project: Project, link: Link) -> Project:
        """Link a plugin's image as the build does: what is forced, then the rest on demand."""
        folder = project.image_dir(self.target)
        folder.mkdir(parents=True, exist_ok=True)
        if self.target.is_apple:
            path = self._link_apple(folder, link)
        else:
            path = self._link_elf(folder, link)
        image = Image(self.target, path, folder / "link.map", "LLD", True, tuple(link.whole))
        write_image(folder, image)
        return project

    def merged(self, project: Project, *other: Path) -> Project:
        """Make a built plugin one object with private parts, as static linkage wants it."""
        image = self.image(project)
        prefix = project.model.prefix if project.is_model else "TVM"
        spec = ImageSpec(
            target=self.target,
            name=image.path.name,
            forced=image.archives,
            on_demand=other,
            exports=(f"{prefix}*",),
        )
        folder = image.path.parent
        write_image(folder, prelink(spec, folder / f"lib{image.path.name}.a"))
        return project

    def _link_apple(self, folder: Path, link: Link) -> Path:
        path = folder / link.library
        listed = folder / "exports"
        listed.write_text(f"_{link.exports}\n")
        version = self.target.minimum_os
        forced = [part for archive in link.whole for part in ("-force_load", archive)]
        run(
            [rust_linker("ld64.lld"), "-dylib", "-arch", self.target.arch, "-platform_version",
             self.target.platform, version, version, "-install_name",
             f"@rpath/{path.name}.framework/{path.name}", "-dead_strip", "-S", "-x",
             "-exported_symbols_list", listed, "-map", folder / "link.map", "-o", path, *forced,
             *link.other, STUBS / "libSystem.tbd", *link.options],
            echo=False,
        )  # fmt: skip
        return path

    def _link_elf(self, folder: Path, link: Link) -> Path:
        path = folder / f"lib{link.library}.so"
        script = folder / "version"
        script.write_text(f"{{ global: {link.exports}; local: *; }};\n")
        page = ["-z", "max-page-size=16384"] if self.target.os == "android" else []
        run(
            [rust_linker("ld.lld"), "-shared", "--gc-sections", "--strip-all", "-soname",
             path.name, f"--version-script={script}", f"-Map={folder / 'link.map'}", *page,
             "-rpath", "$ORIGIN", "-o", path, "--whole-archive", *link.whole,
             "--no-whole-archive", *link.other, *link.options],
            echo=False,
        )  # fmt: skip
        return path
