"""Plugins over flutter_rust_bridge: its real generator, their crates, calls in one process."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests.dart.conftest import toolchain
from tests.rust.test_golden import record_all
from tests.templates.conftest import isolated, render, template
from tests.tools.needed import needed
from tools import checks
from tools import toolchain as toolchains
from tools.bridge import find_or_install_bridge
from tools.packages import write_config
from tools.toolchain import Toolchain
from tvmplug.build import bridge
from tvmplug.pins import PINS
from tvmplug.project import Project, find_project

__all__ = ["isolated", "template", "toolchain"]  # fixtures of other tests

# The generator is compiled once, which takes minutes.
pytestmark = [pytest.mark.slow, pytest.mark.phones]

HERE = Path(__file__).parent
LINTS = ["clippy", "--all-targets", "--all-features", "--", "-D", "warnings"]


@dataclass(frozen=True)
class Bridged:
    """A built plugin over the bridge.

    Attributes:
        plugin: As the workshop knows it.
        project: Its folder and manifest.
        library: What an app would load.
    """

    plugin: Any
    project: Project
    library: Path

    @property
    def functions(self) -> dict[str, int]:
        """The number of each function of api.rs, as the generated code dispatches them."""
        found = re.findall(r"(\d+) => wire__crate__api__(\w+)_impl\(", self._code)
        return {name: int(number) for number, name in found}

    @property
    def retain(self) -> str:
        """The exported function that counts references to a model up."""
        (found,) = re.findall(r"fn (frbgen_\w+_increment_strong_count_\w+Model)\(", self._code)
        return str(found)

    @property
    def _code(self) -> str:
        return (self.project.root / bridge.RUST_OUTPUT).read_text()


@pytest.fixture(scope="module")
def pair(
    workshop: Any, plugin_of: Any, template: Path, toolchain: Toolchain,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[Bridged]]:  # fmt: skip
    """Two plugins from the template, beside each other as in an app."""
    generator = needed(find_or_install_bridge)
    variables = generator.environment(toolchain, tmp_path_factory.mktemp("bin"))
    made = []
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        for name, factor in (("north", 3.0), ("south", 7.0)):
            plugin = plugin_of(f"{name}_flutter", f"{name}_", factor)
            folder = workshop.crate(plugin).parent
            render(
                template, folder, kind="model", plugin_name=plugin.name, prefix=plugin.prefix,
                bindings="frb", components=["scale", "join", "embed", "view"],
            )  # fmt: skip
            project = find_project(folder)
            assert bridge.generate(project)
            workshop.compile(plugin)
            workshop.cargo(workshop.crate(plugin), "build", plugin=plugin).succeeded()
            library = workshop.root / "app/lib" / f"lib{plugin.name}.so"
            shutil.copyfile(workshop.target / "debug" / library.name, library)
            made.append(Bridged(plugin, project, library))
        yield made


def call(pair: Sequence[Bridged], calls: list[Any], run_program: Any) -> dict[str, Any]:
    """Open both plugins in one process and make calls; the answers."""
    plugins = [[str(each.library), each.functions, each.retain] for each in pair]
    argv = [sys.executable, HERE / "bridge_host.py", json.dumps([plugins, calls])]
    done = run_program(argv, cwd=pair[0].library.parent).succeeded()
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


def test_two_plugins_in_one_process_answer_as_themselves(
    pair: list[Bridged], run_program: Any
) -> None:
    rows = [[1.0, 2.0, 3.0], [-4.0, 0.5, 0.0]]
    flat = [number for row in rows for number in row]
    answers = call(pair, [[0, rows], [1, rows], [0, rows]], run_program)["answers"]
    for answer, factor in zip(answers, (3.0, 7.0, 3.0), strict=True):
        wanted = [factor * number for number in flat]
        assert answer == {"dtype": "float32", "shape": [2, 3], "values": wanted}


def test_rust_and_dart_are_of_one_generation(pair: list[Bridged], run_program: Any) -> None:
    dart = (pair[0].project.root / bridge.DART_OUTPUT / "frb_generated.dart").read_text()
    (wanted,) = re.findall(r"int get rustContentHash => (-?\d+);", dart)
    assert call(pair, [], run_program)["hashes"][0] == int(wanted)
    assert f"String get codegenVersion => '{PINS.frb}';" in dart


def test_a_wrong_call_is_told_with_what_mends_it(pair: list[Bridged], run_program: Any) -> None:
    missing, narrow = call(pair, [[1, []], [1, [[1.0, 2.0]]]], run_program)["answers"]
    assert missing["message"] == "0 inputs were given instead of 1"
    assert missing["mend"] == "Pass x"
    assert narrow["mend"] == "Pass `x` with shape [2, 3]"


def test_a_library_exports_its_own_and_the_bridges_functions(
    pair: list[Bridged], run_program: Any
) -> None:
    for each in pair:
        argv = ["nm", "-D", "--defined-only", each.library]
        listed = run_program(argv, cwd=each.library.parent).succeeded().stdout
        names = [line.split()[-1] for line in listed.splitlines()]
        allowed = bridge.exports(each.project)
        assert [n for n in names if not any(fnmatchcase(n, p) for p in allowed)] == []
        assert {"frb_pde_ffi_dispatcher_primary", "store_dart_post_cobject"} <= set(names)
        assert any(name.startswith(f"frbgen_{each.plugin.name}_") for name in names)


def test_no_library_calls_the_bridge_of_another(pair: list[Bridged], run_program: Any) -> None:
    """The functions are called the same in both: each calls its own, not the one loaded first."""
    for each in pair:
        argv = ["readelf", "-rW", each.library]
        listed = run_program(argv, cwd=each.library.parent).succeeded().stdout
        assert re.findall(r"\bfrb_\w+|\bstore_dart_post_cobject\b", listed) == []


def test_a_bridged_crate_has_no_lints_and_is_formatted(pair: list[Bridged], workshop: Any) -> None:
    crate = workshop.crate(pair[0].plugin)
    workshop.cargo(crate, *LINTS, plugin=pair[0].plugin).succeeded()
    workshop.cargo(crate, "fmt", "--check").succeeded()


def test_its_golden_test_passes(pair: list[Bridged], workshop: Any) -> None:
    each = pair[0]
    record_all(each.project.root / "model/golden", each.plugin.factor)
    argv = ["test", "--features", "golden", "--test", "golden"]
    done = workshop.cargo(workshop.crate(each.plugin), *argv, plugin=each.plugin).succeeded()
    assert "test result: ok. 1 passed" in done.stdout


def test_code_is_generated_again_for_other_sources_only(pair: list[Bridged]) -> None:
    project = pair[1].project
    api = project.rust_dir / "src/api.rs"
    before = api.read_text()
    assert not bridge.generate(project)
    try:
        api.write_text(
            before + "\n/// Twice a number.\npub fn twice(x: i32) -> i32 {\n    2 * x\n}\n"
        )
        assert bridge.generate(project)
        assert "Future<int> twice(" in (project.root / bridge.DART_OUTPUT / "api.dart").read_text()
    finally:
        api.write_text(before)
        bridge.generate(project)


def test_generated_and_written_dart_is_formatted(pair: list[Bridged], toolchain: Toolchain) -> None:
    root = pair[0].project.root

    assert len(list((root / bridge.DART_OUTPUT).glob("*.dart"))) >= 3
    found = checks.format_check(toolchain, [root / "lib", root / "test"])
    assert found.ok, found.output


def test_dart_has_no_lints(
    pair: list[Bridged], template: Path, toolchain: Toolchain, tmp_path: Path
) -> None:
    hosted = Path(toolchains.environment()["PUB_CACHE"]) / "hosted"
    package = next(hosted.glob(f"*/flutter_rust_bridge-{PINS.frb}"), None)
    if package is None:
        pytest.skip("skipped: the Dart package flutter_rust_bridge is on pub.dev and nowhere else")
    runtime = render(template, tmp_path / "tvm_runtime_flutter", kind="runtime")
    plugin = shutil.copytree(pair[0].project.root, tmp_path / "north_flutter")
    write_config(plugin, toolchain, {runtime.name: runtime, "flutter_rust_bridge": package})
    found = checks.analyze(toolchain, [plugin], resolve=False)
    assert found.ok, found.output
