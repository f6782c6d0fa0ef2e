"""The allow-lists of system symbols, compared with what Apple's systems really export."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

import tvmplug.apple

STUBS = sorted((Path(tvmplug.apple.__file__).parent / "stubs").glob("*.tbd"))
_SYMBOLS = re.compile(r"symbols:\s*\[([^\]]*)\]")
_NAME = re.compile(r"'([^']+)'|([\w$.]+)")


def symbols_of(path: Path) -> list[str]:
    """The symbols of a text stub, in its order."""
    text = re.sub(r"^\s*#.*$", "", path.read_text(), flags=re.MULTILINE)
    found = [_NAME.findall(body) for body in _SYMBOLS.findall(text)]
    return [quoted or plain for names in found for quoted, plain in names]


@pytest.mark.parametrize("path", STUBS, ids=lambda path: path.stem)
def test_no_symbol_stands_twice(path: Path) -> None:
    found = symbols_of(path)
    assert found
    assert len(found) == len(set(found))


def test_apple_s_libsystem_exports_every_symbol_of_the_list() -> None:
    package = importlib.util.find_spec("ziglang")
    assert package is not None
    assert package.origin is not None
    # zig ships the text stub of a macOS SDK.
    apples = (Path(package.origin).parent / "lib/libc/darwin/libSystem.tbd").read_text()
    exported = {quoted or plain for quoted, plain in _NAME.findall(apples)}
    ours = symbols_of(next(path for path in STUBS if path.stem == "libSystem"))
    assert [name for name in ours if name not in exported] == []


def test_functions_of_apple_s_newer_systems_are_not_on_the_list() -> None:
    ours = set(symbols_of(next(path for path in STUBS if path.stem == "libSystem")))
    # pipe2 and preadv are newer than iOS 13, system() is on the Mac alone.
    assert ours.isdisjoint({"_pipe2", "_preadv", "_pwritev", "_system", "_malloc_type_malloc"})
    assert {"_malloc", "_pthread_create", "_dlsym", "_exp", "__Unwind_Resume"} <= ours
