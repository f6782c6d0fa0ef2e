"""Rust for processors and systems that are not this machine's: Debian's newest compiler.

It has the standard library's source; that library is compiled once for each target, so that
`cargo build --target` works as it does after `rustup target add`.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import zig
from tools.install import Wanted, made_once
from tools.toolchain import installed
from tvmplug import files
from tvmplug.errors import ToolError
from tvmplug.output import progress
from tvmplug.process import run

RUST = Wanted(
    name="rust",
    title="Rust with its standard library's source, from Debian (once, about 145 MB)",
    packages=("cargo", "rust-src", "rustc"),
    programs=("usr/bin/cargo", "usr/bin/rustc"),
    what="Rust for other platforms",
    # Build scripts are linked by the machine's own compiler.
    without=("binutils", "gcc", "libc-dev", "libc6-dev"),
    exclude=(
        "./usr/bin/rustdoc",
        "./usr/share/*",
        "./usr/src/rustc-*/compiler/*",
        "./usr/src/rustc-*/debian/*",
        "./usr/src/rustc-*/src/*",
    ),
    libraries=("usr/lib/x86_64-linux-gnu/libLLVM.so.*",),
)

# What links for a target; the rest make static libraries alone here.
_LINKED_BY_ZIG = {"aarch64-unknown-linux-gnu": "aarch64-linux-gnu.2.28"}
_LINKER = """\
#!/bin/sh
# Zig warns about an option that rustc gives to every GNU linker.
for argument; do
  shift
  [ "$argument" = -Wl,-O1 ] || set -- "$@" "$argument"
done
exec {command} "$@"
"""
_MANIFEST = """\
[package]
name = "nothing"
version = "0.0.0"
edition = "2021"

[lib]
path = "nothing.rs"
"""


@dataclass(frozen=True)
class Rust:
    """A Rust toolchain.

    Attributes:
        root: The folder with all of it.
        versions: The version of every Debian package in it.
    """

    root: Path
    versions: dict[str, str]

    @property
    def bin(self) -> Path:
        """The folder of `cargo` and `rustc`."""
        return self.root / "usr/bin"

    @property
    def version(self) -> str:
        """The version of the compiler, without Debian's part."""
        return self.versions["rustc"].split("+")[0].split("-")[0]

    def environment(self, *targets: str) -> dict[str, str]:
        """Variables with which `cargo` is this one and builds for some targets.

        Args:
            targets: Rust's names for them, such as `aarch64-apple-ios`. The standard library
                is compiled for those that have none yet, a minute each.

        Raises:
            ProcessError: The standard library does not compile.
        """
        variables = {"PATH": os.pathsep.join((str(self.bin), os.environ.get("PATH", os.defpath)))}
        for target in targets:
            self._add(target)
            if target in _LINKED_BY_ZIG:
                variables |= zig.environment()
                variables[_variable(target, "LINKER")] = str(self._linker(target))
        return variables

    def _add(self, target: str) -> None:
        """Compile the standard library for a target, unless it is there."""
        # What runs here has tests too.
        crates = "std,panic_abort" + (",test" if target in _LINKED_BY_ZIG else "")
        flags = self._flags()
        decides = json.dumps([crates, flags]).encode()

        def make(folder: Path) -> None:
            with progress(f"Rust's standard library for {target} (once)", every_line=False):
                self._build_std(target, crates, flags, folder / "lib")

        made = made_once(self.root / "std" / f"{target}-{files.sha256_bytes(decides)[:12]}", make)
        place = self.root / "usr/lib/rustlib" / target
        if not place.is_symlink() or place.readlink() != made:
            linking = place.with_name(f".{target}.{os.getpid()}")
            linking.symlink_to(made)
            linking.replace(place)

    def _flags(self) -> list[str]:
        """What the standard library is compiled with, as for Rust's own releases."""
        # A panic in it names a source file: not one in a folder of this machine.
        home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
        replaced = {self.root / "usr/lib/rustlib/src/rust": self.version, home: "cargo"}
        remapped = [f"--remap-path-prefix={path}=/rustc/{name}" for path, name in replaced.items()]
        # Who optimises over crates needs the bitcode in all of them.
        return ["-Cembed-bitcode=yes", *remapped]

    def _build_std(self, target: str, crates: str, flags: Sequence[str], to: Path) -> None:
        """Compile the standard library into a folder, as Rust's own releases hold it."""
        with tempfile.TemporaryDirectory(prefix="tvmplug-std-") as name:
            folder = Path(name)
            (folder / "Cargo.toml").write_text(_MANIFEST, encoding="utf-8")
            (folder / "nothing.rs").touch()
            options = [f"-Zbuild-std={crates}", "--message-format=json"]
            done = run(
                ["cargo", "build", "--release", "--target", target, *options],
                cwd=folder,
                env={
                    **self.environment(),
                    # This compiler is a release, which takes such options only when told so.
                    "RUSTC_BOOTSTRAP": "1",
                    "CARGO_TARGET_DIR": str(folder / "target"),
                    "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags),
                },
                echo=False,
                timeout_s=1800,
            )
            found = standard_libraries(done.stdout)
            if not any(path.name.startswith("libstd-") for path in found):
                raise ToolError(f"cargo built no standard library for {target}")
            for library in found:
                files.write_bytes(to / library.name, library.read_bytes())

    def _linker(self, target: str) -> Path:
        script = self.root / "linkers" / target
        command = zig.command("cc", "-target", _LINKED_BY_ZIG[target])
        text = _LINKER.format(command=" ".join(f"'{part}'" for part in command))
        if not script.is_file() or script.read_text(encoding="utf-8") != text:
            files.write_text(script, text)
            script.chmod(0o755)
        return script


def find_or_install_rust() -> Rust:
    """Return Rust; install it when it is not there yet.

    Raises:
        Unavailable: It cannot be had on this machine.
    """
    root = installed(RUST)
    return Rust(root.path, root.versions)


def standard_libraries(messages: str) -> list[Path]:
    """The libraries that cargo built beside the package itself, from its JSON messages."""
    built = (json.loads(line) for line in messages.splitlines() if line.startswith("{"))
    return [
        Path(file)
        for message in built
        if message["reason"] == "compiler-artifact" and message["target"]["name"] != "nothing"
        for file in message["filenames"]
        if file.endswith(".rlib")
    ]


def _variable(target: str, setting: str) -> str:
    return f"CARGO_TARGET_{target.upper().replace('-', '_')}_{setting}"
