"""AArch64 Linux programs, run for real on an x86-64 machine: QEMU and the libraries they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.install import Wanted
from tools.toolchain import installed
from tvmplug.process import Completed, run

CROSS = Wanted(
    name="cross",
    title="An emulator and libraries for AArch64 Linux, from Debian (once, about 75 MB)",
    packages=("libc6-arm64-cross", "libgcc-s1-arm64-cross", "libstdc++6-arm64-cross", "qemu-user"),
    # qemu-user has an emulator for every processor.
    exclude=("./usr/bin/qemu-[!a]*", "./usr/bin/qemu-a[!a]*", "./usr/bin/*_be", "./usr/share/*"),
    what="emulator for AArch64",
)


@dataclass(frozen=True)
class Cross:
    """What runs AArch64 Linux programs.

    Attributes:
        root: The folder with all of it.
        versions: The version of every Debian package in it.
    """

    root: Path
    versions: dict[str, str]

    @property
    def qemu(self) -> Path:
        """The emulator, a static program."""
        return self.root / "usr/bin/qemu-aarch64"

    @property
    def sysroot(self) -> Path:
        """The folder that holds `lib/`, with the loader, glibc, libgcc_s and libstdc++."""
        return self.root / "usr/aarch64-linux-gnu"

    def command(
        self,
        command: Sequence[str | Path],
        *,
        libraries: Sequence[Path] = (),
        env: Mapping[str, str] | None = None,
    ) -> list[str]:
        """The command that runs an AArch64 program.

        Args:
            command: The program and its arguments.
            libraries: Folders where its loader looks for libraries first.
            env: Variables for the program.
        """
        variables = dict(env or {})
        if libraries:
            variables["LD_LIBRARY_PATH"] = ":".join(map(str, libraries))
        # The emulator hands on its own variables; its option for them splits values at commas.
        assignments = [f"{name}={value}" for name, value in variables.items()]
        return ["env", *assignments, str(self.qemu), "-L", str(self.sysroot), *map(str, command)]

    def run(
        self,
        command: Sequence[str | Path],
        *,
        libraries: Sequence[Path] = (),
        env: Mapping[str, str] | None = None,
        timeout_s: float = 600,
        check: bool = True,
    ) -> Completed:
        """Run an AArch64 program to its end. Arguments as for `command`.

        Raises:
            ProcessError: It failed (with `check`) or took too long.
        """
        full = self.command(command, libraries=libraries, env=env)
        return run(full, echo=False, timeout_s=timeout_s, check=check)


def find_or_install_cross() -> Cross:
    """Return the emulator and its libraries; install them when they are not there yet.

    Raises:
        Unavailable: They cannot be had on this machine.
    """
    root = installed(CROSS)
    return Cross(root.path, root.versions)
