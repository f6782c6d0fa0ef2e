"""The Dart API over the real plugins: wrong calls, wrong libraries, killed isolates.

The assertions are in the Dart files beside this one, which run in flutter_tester. A process that
dies fails its file.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tools import checks, flutter_test, packages
from tools.toolchain import Toolchain

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
RUNTIME = ("libtvm_ffi.so", "libtvm_runtime.so")
PLUGIN = "libg2p_flutter.so"
PUBSPEC = """\
name: dart_api_tests
publish_to: none
environment:
  sdk: ^3.8.0
dependencies:
  flutter:
    sdk: flutter
{paths}dev_dependencies:
  flutter_test:
    sdk: flutter
"""


@pytest.fixture(scope="module")
def project(plugins: Path, toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that depends on all three plugins and lends its packages to our test files."""
    folder = tmp_path_factory.mktemp("dart_api_tests")
    names = ("tvm_runtime_flutter", "g2p_flutter", "vad_flutter")
    paths = "".join(f"  {name}:\n    path: {plugins / name}\n" for name in names)
    (folder / "pubspec.yaml").write_text(PUBSPEC.format(paths=paths))
    shutil.copy2(plugins / "tvm_runtime_flutter" / "analysis_options.yaml", folder)
    packages.write_config(folder, toolchain)
    return folder


@pytest.fixture(scope="module")
def broken(plugins: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for each way in which libraries can be wrong."""
    folder = tmp_path_factory.mktemp("broken")
    library = plugins / "bundle" / "lib" / PLUGIN
    whole = library.read_bytes()
    runtime = [library.with_name(name) for name in RUNTIME]

    def make(name: str, content: bytes | None = None, beside: list[Path] = runtime) -> Path:
        """A folder with TVM, or part of it, and perhaps a library of the plugin's name."""
        (folder / name).mkdir()
        for file in beside:
            shutil.copy2(file, folder / name)
        if content is not None:
            (folder / name / PLUGIN).write_bytes(content)
        return folder / name / PLUGIN

    make("empty", beside=[])
    make("nothing", b"")
    make("text", b"This is no library. " * 100)
    make("folder").mkdir()
    for name, length in (("head", 4000), ("half", len(whole) // 2), ("tail", len(whole) - 1)):
        make(f"cut_{name}", whole[:length])
    # e_machine, at 18 in the header: IBM S/390.
    make("machine", whole[:18] + b"\x16" + whole[19:])
    make("alone", whole, beside=[])
    make("no_ffi", whole, beside=[library.with_name("libtvm_runtime.so")])
    half = make("half_tvm", whole).with_name("libtvm_runtime.so")
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    _compile("unsigned g2p_abi_version(void) { return 1; }", make("interface"))
    _compile("int nothing_of_ours;", make("foreign"))
    _compile("unsigned g2p_abi_version(void) { return 2; }", make("lacking"))
    other = make("other_tvm", whole, beside=[])
    for name in RUNTIME:
        _compile("int a_tvm_without_these_functions;", other.with_name(name))
    line = whole.replace(b'"tvm": "0.27.0.post1"', b'"tvm": "0.26.0.post1"')
    assert line != whole
    make("other_line", line)
    return folder


@pytest.fixture(scope="module")
def env(plugins: Path, broken: Path) -> dict[str, str]:
    """What the Dart tests read."""
    return {
        "TVMPLUG_TEST_LIBRARIES": str(plugins / "bundle" / "lib"),
        "TVMPLUG_TEST_BROKEN": str(broken),
    }


def _compile(source: str, library: Path) -> None:
    command = ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(library)]
    subprocess.run(command, input=source, text=True, check=True)


@pytest.mark.parametrize(("name", "tests"), [("bad_input", 38), ("loading", 24), ("isolates", 8)])
def test_the_dart_tests_pass(
    name: str, tests: int, project: Path, env: dict[str, str], toolchain: Toolchain
) -> None:
    file = HERE / f"{name}_test.dart"
    done = flutter_test.run(toolchain, project, [file], env=env, timeout_s=300, resolve=False)
    assert done.ok, done.explain()
    assert (done.passed, done.skipped) == (tests, 0)


def test_our_own_dart_tests_are_formatted_and_have_no_lints(
    project: Path, toolchain: Toolchain
) -> None:
    test = project / "test"
    test.mkdir(exist_ok=True)
    for file in HERE.glob("*.dart"):
        shutil.copy2(file, test)
    found = checks.analyze(toolchain, [project], resolve=False)
    assert found.ok, found.output
    found = checks.format_check(toolchain, [test])
    assert found.ok, found.output


@pytest.mark.parametrize("plugin", ["tvm_runtime_flutter", "g2p_flutter", "vad_flutter"])
def test_the_plugins_own_tests_pass(plugin: str, plugins: Path, toolchain: Toolchain) -> None:
    env = {"LD_LIBRARY_PATH": str(plugins / "bundle" / "lib")}
    done = flutter_test.run(toolchain, plugins / plugin, env=env)
    assert done.ok, done.explain()
    assert done.skipped == 0
