"""Real plugins for the tests: rendered, compiled by TVM, built by cargo, opened in a process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jinja2
import pytest

from tvmplug.pins import PINS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RUNTIME = "tvm_runtime_flutter"
COMPONENTS = ("scale", "join", "embed", "view")


@dataclass(frozen=True)
class Plugin:
    """A plugin to build: its name and prefix, the factor its `scale` has, and its model."""

    name: str
    prefix: str
    factor: float = 2.0
    api: Path | None = None


@dataclass
class Workshop:
    """A folder in which plugins are rendered, compiled and built, all with one target folder."""

    root: Path
    target: Path
    built: dict[Plugin, Path] = field(default_factory=dict)

    @property
    def runtime(self) -> Path:
        return self.root / RUNTIME / "rust"

    @property
    def runtime_libraries(self) -> Path:
        return self.root / "libraries"

    def crate(self, plugin: Plugin) -> Path:
        return self.root / plugin.name / "rust"

    def system_library(self, plugin: Plugin) -> Path:
        return self.root / plugin.name / "build/tvmplug/linux-x64"

    def environ(self, plugin: Plugin | None = None) -> dict[str, str]:
        added = {
            "CARGO_TARGET_DIR": str(self.target),
            "TVMPLUG_RUNTIME_LIB_DIR": str(self.runtime_libraries),
            "RUSTFLAGS": "-D warnings",
            "RUSTDOCFLAGS": "-D warnings",
            "RUST_BACKTRACE": "0",
        }
        if plugin:
            added["TVMPLUG_SYSTEM_LIB_DIR"] = str(self.system_library(plugin))
        return {**os.environ, **added}

    def cargo(
        self,
        crate: Path,
        *argv: str,
        plugin: Plugin | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Completed:
        return run(["cargo", *argv], cwd=crate, env={**self.environ(plugin), **(more or {})})

    def render_model(
        self, plugin: Plugin, crate: Path, components: Sequence[str] = COMPONENTS
    ) -> None:
        answers = {
            "plugin_name": plugin.name,
            "prefix": plugin.prefix,
            "components": components,
            "description": "A plugin of the tests",
            "license": "Apache-2.0",
            "repository": "",
            "bindings": "ffi",
            "runtime_from": "path",
            "runtime_path": f"../{RUNTIME}",
        }
        render(ROOT / "template-model/rust", crate, answers)
        if plugin.api:
            shutil.copyfile(plugin.api, crate / "src/api.rs")

    def compile(self, plugin: Plugin) -> Path:
        """Compile the plugin's components; the folder with archive and metadata."""
        out = self.system_library(plugin)
        argv: list[str | Path] = [HERE / "compile_fixture.py", out, plugin.name, plugin.prefix]
        run([sys.executable, *argv, str(plugin.factor)], cwd=self.root).succeeded()
        return out

    def build(self, plugin: Plugin) -> Path:
        """The plugin's library, beside the runtime's as in an app. Each plugin is built once."""
        if plugin not in self.built:
            self.render_model(plugin, self.crate(plugin))
            self.compile(plugin)
            self.cargo(self.crate(plugin), "build", plugin=plugin).succeeded()
            name = f"lib{plugin.name}.so"
            app = self.root / "app/lib"
            shutil.copyfile(self.target / "debug" / name, app / name)
            self.built[plugin] = app / name
        return self.built[plugin]


@dataclass(frozen=True)
class Completed:
    """What a program printed, and whether it was content."""

    argv: str
    code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    def succeeded(self) -> Completed:
        assert self.code == 0, f"{self.argv} gave {self.code}:\n{self.output[-6000:]}"
        return self


def run(
    argv: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str] | None = None
) -> Completed:
    done = subprocess.run(
        [*map(str, argv)],
        cwd=cwd,
        env=env,
        text=True,
        capture_output=True,
        check=False,
        timeout=600,
    )
    return Completed(" ".join(map(str, argv)), done.returncode, done.stdout, done.stderr)


def render(template: Path, to: Path, answers: Mapping[str, Any]) -> None:
    """Render a template's folder as Copier does, with the pins."""
    environment = jinja2.Environment(
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FileSystemLoader(ROOT),
        autoescape=False,  # noqa: S701
    )
    environment.filters["to_json"] = json.dumps
    pins = {
        "tvm_version": PINS.tvm,
        "tvm_ffi_version": PINS.tvm_ffi,
        "rust_version": PINS.rust,
        "runtime_version": PINS.runtime_version,
    }
    for source in (path for path in template.rglob("*") if path.is_file()):
        target = to / source.relative_to(template)
        text = source.read_text()
        if source.suffix == ".jinja":
            target = target.with_suffix("")
            text = environment.from_string(text).render({**pins, **answers})
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def package_file(package: str, path: str) -> Path:
    """A file of an installed package, which is not imported."""
    spec = find_spec(package)
    assert spec, f"{package} is not installed"
    assert spec.origin
    return Path(spec.origin).parent / path


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    root = tmp_path_factory.mktemp("rust")
    target = os.environ.get("TVMPLUG_TEST_CARGO_TARGET")
    made = Workshop(root, Path(target) if target else root / "target")
    render(ROOT / "template-runtime/rust", made.runtime, {})
    made.runtime_libraries.mkdir()
    (root / "app/lib").mkdir(parents=True)
    for package, name in (("tvm", "libtvm_runtime.so"), ("tvm_ffi", "libtvm_ffi.so")):
        library = package_file(package, f"lib/{name}")
        for folder in (made.runtime_libraries, root / "app/lib"):
            shutil.copyfile(library, folder / name)
    return made


PROBE = Plugin("alpha_flutter", "alpha_", 2.0, HERE / "probe_api.rs")
STARTER = Plugin("beta_flutter", "beta_", 5.0)


@pytest.fixture(scope="session")
def probe() -> Plugin:
    """A plugin whose model shows what crosses the C interface."""
    return PROBE


@pytest.fixture(scope="session")
def starter() -> Plugin:
    """A plugin as it comes from the template."""
    return STARTER


@pytest.fixture(scope="session")
def pinned() -> dict[str, str]:
    return {"runtime": PINS.runtime_version, "tvm": PINS.tvm, "tvm_ffi": PINS.tvm_ffi}


Scenario = Callable[..., Any]


@pytest.fixture(scope="session")
def scenario(workshop: Workshop) -> Scenario:
    """Run a function of scenarios.py in a process of its own; what it returns, as JSON.

    Plugins are built and given as their library and prefix.
    """

    def play(name: str, *arguments: Plugin | list[str] | float) -> Any:
        given = [
            [str(workshop.build(argument)), argument.prefix]
            if isinstance(argument, Plugin)
            else argument
            for argument in arguments
        ]
        argv: list[str | Path] = [sys.executable, HERE / "scenarios.py", name, json.dumps(given)]
        environ = {**os.environ, "RUST_BACKTRACE": "0"}
        done = run(argv, cwd=workshop.root, env=environ).succeeded()
        return json.loads(done.stdout.splitlines()[-1])

    return play


@pytest.fixture(scope="session")
def plugin_of() -> Callable[..., Plugin]:
    return Plugin


@pytest.fixture(scope="session")
def run_program() -> Callable[..., Completed]:
    return run
