"""Ruby, which podspecs are written in: from Debian, and run on the podspecs of plugins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.install import LIBRARIES, Wanted
from tools.toolchain import installed
from tvmplug.process import Completed, run

RUBY = Wanted(
    name="ruby",
    title="Ruby from Debian (once, about 15 MB)",
    packages=("ruby",),
    programs=("usr/bin/ruby[0-9]*",),
    what="Ruby",
    without=("ca-certificates", "openssl", "rake", "ruby-rubygems", "rubygems-integration"),
    exclude=("./usr/share/*",),
)
_RECORDER = Path(__file__).with_name("pod_spec.rb")


@dataclass(frozen=True)
class Ruby:
    """A Ruby interpreter.

    Attributes:
        root: The folder with all of it.
        versions: The version of every Debian package in it.
    """

    root: Path
    versions: dict[str, str]

    def run(
        self,
        *arguments: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        check: bool = True,
    ) -> Completed:
        """Run Ruby with some arguments, such as a script and its own.

        Raises:
            ProcessError: It failed (with `check`).
        """
        program = next(self.root.glob(RUBY.programs[0]))
        # Its own place is compiled into it; the folders of its library are named here.
        found = [*self.root.glob("usr/lib/ruby/3*"), *self.root.glob(f"{LIBRARIES}/ruby/3*")]
        variables = {"RUBYLIB": ":".join(map(str, found)), "RUBYOPT": "", "LC_ALL": "C.UTF-8"}
        return run(
            [program, "--disable-gems", *arguments],
            cwd=cwd,
            env={**variables, **(env or {})},
            echo=False,
            check=check,
        )

    def check_syntax(self, script: Path) -> str:
        """What `ruby -wc` says of a script: "Syntax OK", warnings, or the mistake."""
        done = self.run("-wc", script, check=False)
        return (done.stdout + done.stderr).strip()

    def read_podspec(self, podspec: Path) -> dict[str, Any]:
        """Evaluate a podspec as CocoaPods does, against a recorder (`pod_spec.rb`).

        Returns:
            What it sets, laid out as `pod ipc spec` prints it: attributes by their plural names,
            `platforms`, `dependencies`, and a table for what is set for one platform alone.

        Raises:
            ProcessError: It fails, sets what CocoaPods does not know or a value of a wrong
                type, or lacks what CocoaPods requires; the output says which.
        """
        values: dict[str, Any] = json.loads(self.run(_RECORDER, podspec).stdout)
        return values


def find_or_install_ruby() -> Ruby:
    """Return Ruby; install it when it is not there yet.

    Raises:
        Unavailable: It cannot be had on this machine.
    """
    root = installed(RUBY)
    return Ruby(root.path, root.versions)
