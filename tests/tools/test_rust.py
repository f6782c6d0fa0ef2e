"""Rust for other platforms: what cargo builds is looked at, and run where it can be."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tools.cross import Cross
from tools.rust import Rust, standard_libraries

pytestmark = pytest.mark.slow

# With what makes cross-building hard: a build script and a macro run here, the rest does not.
FILES = {
    "Cargo.toml": """\
[package]
name = "tally"
version = "0.1.0"
edition = "2024"

[lib]
crate-type = ["cdylib", "rlib"]

[dependencies]
twice = { path = "twice" }

[profile.release]
lto = "thin"
""",
    "build.rs": """\
fn main() {
    println!("cargo::rustc-env=BUILT_FOR={}", std::env::var("TARGET").unwrap());
}
""",
    "src/lib.rs": """\
use std::collections::HashMap;

#[unsafe(no_mangle)]
pub extern "C" fn tally_digits(n: u32) -> usize {
    let digits: HashMap<u32, String> = (0..n).map(|i| (i, i.to_string())).collect();
    twice::twice!(digits.values().map(String::len).sum::<usize>())
}
""",
    "src/main.rs": """\
fn main() {
    println!("{} {}", env!("BUILT_FOR"), tally::tally_digits(100));
    let caught = std::panic::catch_unwind(|| panic!("on purpose"));
    println!("caught: {}", caught.is_err());
}
""",
    "twice/Cargo.toml": """\
[package]
name = "twice"
version = "0.1.0"
edition = "2024"

[lib]
proc-macro = true
""",
    "twice/src/lib.rs": """\
use proc_macro::TokenStream;

#[proc_macro]
pub fn twice(value: TokenStream) -> TokenStream {
    format!("2 * ({value})").parse().unwrap()
}
""",
}
STATIC = ["rustc", "--lib", "--crate-type", "staticlib"]


@pytest.fixture(scope="module")
def crate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tally")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def cargo(rust: Rust, crate: Path, target: str, command: list[str]) -> Path:
    """Build for a target; return the folder with what was built."""
    done = subprocess.run(
        ["cargo", *command, "--offline", "--release", "--target", target],
        cwd=crate,
        env={**os.environ, **rust.environment(target), "CARGO_TARGET_DIR": str(crate / "target")},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    return crate / "target" / target / "release"


def test_a_program_for_aarch64_linux_runs(rust: Rust, crate: Path, cross: Cross) -> None:
    built = cargo(rust, crate, "aarch64-unknown-linux-gnu", ["build"])
    done = cross.run([built / "tally"])
    assert done.stdout == "aarch64-unknown-linux-gnu 380\ncaught: true\n"
    assert "panicked at src/main.rs" in done.stderr
    assert (built / "libtally.so").read_bytes()[18:20] == b"\xb7\x00", "not for AArch64"


@pytest.mark.parametrize(
    ("target", "symbol", "kind"),
    [
        # The first bytes of 64-bit Mach-O and ELF files, and their names of AArch64.
        ("aarch64-apple-ios", b"\0_tally_digits\0", b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01"),
        ("aarch64-linux-android", b"\0tally_digits\0", b"\x7fELF\x02\x01\x01"),
    ],
    ids=["ios", "android"],
)
def test_static_libraries_are_built_for_phones(
    rust: Rust, crate: Path, target: str, symbol: bytes, kind: bytes
) -> None:
    archive = (cargo(rust, crate, target, STATIC) / "libtally.a").read_bytes()
    assert archive.startswith(b"!<arch>\n")
    assert kind in archive
    assert symbol in archive
    assert str(rust.root).encode() not in archive, "it names a folder of this machine"


def test_the_standard_library_names_no_folder_of_this_machine(rust: Rust, crate: Path) -> None:
    library = cargo(rust, crate, "aarch64-unknown-linux-gnu", ["build"]) / "libtally.so"
    content = library.read_bytes()
    assert b"/rustc/" in content, "no panic names a source file of the standard library"
    for folder in (rust.root, Path.home(), crate):
        assert str(folder).encode() not in content


def test_the_standard_library_is_compiled_once(rust: Rust) -> None:
    target = "aarch64-unknown-linux-gnu"
    rust.environment(target)
    libraries = rust.root / "usr/lib/rustlib" / target / "lib"
    before = {path.name: path.stat().st_mtime_ns for path in libraries.iterdir()}
    assert {"libstd", "libpanic_abort", "libpanic_unwind"} <= {n.split("-")[0] for n in before}
    rust.environment(target)
    assert {path.name: path.stat().st_mtime_ns for path in libraries.iterdir()} == before


def test_only_the_standard_librarys_crates_are_taken() -> None:
    messages = (
        '{"reason":"build-script-executed"}\n'
        '{"reason":"compiler-artifact","target":{"name":"std"},'
        '"filenames":["/t/libstd-1.rlib","/t/libstd-1.rmeta"]}\n'
        '{"reason":"compiler-artifact","target":{"name":"nothing"},'
        '"filenames":["/t/libnothing-2.rlib"]}\n'
    )
    assert standard_libraries(messages) == [Path("/t/libstd-1.rlib")]
