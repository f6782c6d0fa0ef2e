"""Small stand-ins of real plugins: a runtime and two models in C, linked as ours are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tvmplug.build.image import Image
from tvmplug.process import run
from tvmplug.targets import Target

from .conftest import ZIG, rust_linker

# How a target is called by zig, which has a C library for some of them. The others get their
# objects without one, and LLVM's linker makes the image.
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


@dataclass(frozen=True)
class Workshop:
    """Makes the images of an app for one target in a folder."""

    target: Target
    folder: Path

    def compile(self, name: str, source: str, target: str = "") -> Path:
        """Compile C without any library to `NAME.o`."""
        text = self.folder / f"{name}.c"
        made = text.with_suffix(".o")
        text.parent.mkdir(parents=True, exist_ok=True)
        text.write_text(source)
        run(
            [*ZIG, "cc", "-target", TRIPLES[target or self.target.name], "-c", "-Os", "-fPIC",
             "-ffreestanding", "-ffunction-sections", "-fno-stack-protector", "-g0", "-w", text,
             "-o", made],
            echo=False,
        )  # fmt: skip
        return made

    def archive(self, name: str, objects: Sequence[Path]) -> Path:
        """Pack objects into an archive, made anew."""
        made = self.folder / name
        made.unlink(missing_ok=True)
        made.parent.mkdir(parents=True, exist_ok=True)
        run([*ZIG, "ar", "rcs", made, *objects], echo=False)
        return made

    def runtime(self, *, archive: Path | None = None) -> Image:
        """The runtime's image."""
        whole = archive or self.archive("libtvm_runtime.a", self.runtime_objects())
        return self.image(RUNTIME, "tvm_runtime", (whole,), (), "TVM*")

    def runtime_objects(self) -> list[Path]:
        sources = {"ffi": RUNTIME_SOURCE, "vm": RUNTIME_VM, "idle": RUNTIME_IDLE}
        return [self.compile(f"runtime/{name}", text) for name, text in sources.items()]

    def model(self, name: str, prefix: str, runtime: Image, **changes: object) -> Image:
        """A model plugin's image."""
        whole = self.archive(f"lib{name}_system_lib.a", self.model_objects(name, prefix))
        crate = self.compile(f"{name}/api", MODEL_API.format(prefix=prefix))
        library = f"{name}_model" if self.target.is_apple else name
        return self.image(
            name, library, (whole,), (crate, runtime.path), f"{prefix}*", **changes  # type: ignore[arg-type]
        )

    def model_objects(self, name: str, prefix: str) -> list[Path]:
        return [
            self.compile(f"{name}/lib0", MODEL_CODE.format(prefix=prefix)),
            self.compile(f"{name}/devc", MODEL_DATA.format(prefix=prefix)),
        ]

    def image(
        self,
        name: str,
        library: str,
        whole: Sequence[Path],
        other: Sequence[Path],
        exports: str,
        options: Sequence[str] = (),
    ) -> Image:
        """Link an image as the build does: what is forced, then the rest on demand."""
        folder = self.folder / name / "image"
        folder.mkdir(parents=True, exist_ok=True)
        link_map = folder / "link.map"
        if self.target.is_apple:
            path = folder / library
            self._link_apple(path, link_map, whole, other, exports, options)
        else:
            path = folder / f"lib{library}.so"
            self._link_elf(path, link_map, whole, other, exports, options)
        return Image(self.target, path, link_map, "LLD", True, tuple(whole))

    def _link_apple(
        self, path: Path, link_map: Path, whole: Sequence[Path], other: Sequence[Path],
        exports: str, options: Sequence[str],
    ) -> None:  # fmt: skip
        listed = path.with_suffix(".exports")
        listed.write_text(f"_{exports}\n")
        version = self.target.minimum_os
        forced = [part for archive in whole for part in ("-force_load", archive)]
        stubs = Path(__file__).parents[2] / "src/tvmplug/apple/stubs/libSystem.tbd"
        run(
            [rust_linker("ld64.lld"), "-dylib", "-arch", self.target.arch, "-platform_version",
             self.target.platform, version, version, "-install_name",
             f"@rpath/{path.name}.framework/{path.name}", "-dead_strip",
             "-exported_symbols_list", listed, "-map", link_map, "-o", path, *forced, *other,
             stubs, *options],
            echo=False,
        )  # fmt: skip

    def _link_elf(
        self, path: Path, link_map: Path, whole: Sequence[Path], other: Sequence[Path],
        exports: str, options: Sequence[str],
    ) -> None:  # fmt: skip
        script = path.with_suffix(".version")
        script.write_text(f"{{ global: {exports}; local: *; }};\n")
        page = ["-z", "max-page-size=16384"] if self.target.os == "android" else []
        run(
            [rust_linker("ld.lld"), "-shared", "--gc-sections", "-soname", path.name,
             f"--version-script={script}", f"-Map={link_map}", *page, "-rpath", "$ORIGIN",
             "-o", path, "--whole-archive", *whole, "--no-whole-archive", *other, *options],
            echo=False,
        )  # fmt: skip
