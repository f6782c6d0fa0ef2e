"""Libraries for existing plugins: real ELF by the compiler, Mach-O built byte by byte."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.artifacts.conftest import macho_object
from tvmplug.artifacts.ar import Dialect, Member, write_archive
from tvmplug.artifacts.symbols import read_object
from tvmplug.process import run

RUNTIME = ("TVMFFIFunctionCall", "TVMFFIObjectDecRef", "TVMBackendParallelLaunch")
IOS, SIMULATOR, MACOS = 2, 7, 1


@cache
def elf_library(*functions: str, needs: str = "", more: tuple[str, ...] = ()) -> bytes:
    """A shared library for this machine that defines functions, and may call another one."""
    call = f"extern void {needs}(void);\nvoid calls(void) {{ {needs}(); }}\n" if needs else ""
    source = call + "".join(f"void {name}(void) {{}}\n" for name in functions)
    with TemporaryDirectory() as folder:
        code, made = Path(folder, "a.c"), Path(folder, "a.so")
        code.write_text(source)
        run(["cc", "-shared", "-fPIC", *more, code, "-o", made], echo=False)
        return made.read_bytes()


@cache
def elf_object(*functions: str, more: tuple[str, ...] = ()) -> bytes:
    """A relocatable object for this machine that defines functions."""
    with TemporaryDirectory() as folder:
        code, made = Path(folder, "a.c"), Path(folder, "a.o")
        code.write_text("".join(f"void {name}(void) {{}}\n" for name in functions))
        run(["cc", "-c", *more, code, "-o", made], echo=False)
        return made.read_bytes()


def apple_archive(*functions: str, platform: int = IOS, build: int = 0) -> bytes:
    """A static library for an Apple platform; another `build` has other bytes, the same symbols."""
    content = macho_object([(name, True, False) for name in functions], platform) + bytes(build)
    return archive([content], Dialect.BSD)


def archive(objects: Sequence[bytes], dialect: Dialect = Dialect.GNU) -> bytes:
    """An archive of objects, with its index."""
    members = [
        Member(f"o{n}.o", each, tuple(symbol.raw for symbol in read_object(each, "o").defined))
        for n, each in enumerate(objects)
    ]
    return write_archive(members, dialect)
