"""The Kotlin of both templates: compiled with no warning, linted, and run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools.needed import needed
from tools.kotlin import Kotlin, find_or_install_kotlin
from tvmplug.pins import PINS
from tvmplug.process import Completed, run

from .conftest import ABIS, ORGANISATIONS, PLUGINS
from .scripts import STUBS, write_functions

Render = Callable[..., Path]
App = Callable[..., Completed]
HERE = Path(__file__).parent
LONG = "a_plugin_with_many_words_in_its_name_flutter"
LIBRARIES = {"runtime": "libtvm_runtime.so", "model": "libg2p_flutter.so"}
FOLDERS = {"runtime": "tvm_runtime_flutter", "model": "g2p_flutter"}
BUILD = "Run `tvmplug build --target android-arm64,android-x64` in the folder"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def kotlin() -> Kotlin:
    return needed(find_or_install_kotlin)


@pytest.fixture(scope="module")
def app(
    kotlin: Kotlin, render_plugin: Render, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Completed]:
    """Starts an app with the classes of all plugins."""
    sources = [
        path
        for name in (*PLUGINS, LONG)
        for organisation in ORGANISATIONS
        for path in render_plugin(name, organisation).rglob("*.kt")
    ]
    assert len(sources) == 6
    classes = tmp_path_factory.mktemp("classes")
    found = kotlin.compile([*sources, HERE / "App.kt"], classes)
    assert found.ok, found.output
    return lambda: kotlin.run("org.example.app.AppKt", classes)


@pytest.fixture(scope="module")
def gradle(kotlin: Kotlin, render_plugin: Render, tmp_path_factory: pytest.TempPathFactory) -> App:
    """Configures a plugin's Android project, and does what comes before a build."""
    folder = tmp_path_factory.mktemp("gradle")
    sources = [
        path
        for kind, name in FOLDERS.items()
        for path in write_functions(kind, render_plugin(name), folder)
    ]
    found = kotlin.compile([*sources, *STUBS], folder / "classes")
    assert found.ok, found.output

    def configure(kind: str, project: Path, *properties: str) -> Completed:
        return kotlin.run("org.gradle.MainKt", folder / "classes", kind, str(project), *properties)

    return configure


def test_ktlint_has_nothing_to_say(kotlin: Kotlin, render_plugin: Render) -> None:
    sources = [
        path
        for name in (*PLUGINS, LONG)
        for organisation in ORGANISATIONS
        for pattern in ("*.kt", "*.kts")
        for path in (render_plugin(name, organisation) / "android").rglob(pattern)
    ]
    assert len(sources) == 18
    found = kotlin.lint(sources)
    assert found.ok, found.output


def test_a_missing_library_is_one_line_in_the_apps_log_and_the_app_goes_on(
    app: Callable[[], Completed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    done = app()
    assert done.returncode == 0, done.stderr
    runtime, model, quoted = done.stdout.splitlines()
    assert runtime.startswith("com.example.tvm_runtime_flutter.TvmRuntimePlugin: The TVM runtime")
    assert "no tvm_runtime in java.library.path" in runtime
    assert f"{BUILD} of tvm_runtime_flutter, then build the app again" in runtime
    assert "The library of g2p_flutter cannot be loaded" in model
    assert f"{BUILD}s of g2p_flutter and tvm_runtime_flutter, then build the app" in model
    assert quoted.startswith("in.example.is.g2p_flutter.G2pModelPlugin: ")


def test_the_libraries_are_loaded_by_their_names(
    app: Callable[[], Completed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "empty.c"
    source.write_text("int empty;\n")
    for library in LIBRARIES.values():
        run(["cc", "-shared", "-fPIC", "-o", tmp_path / library, source], echo=False)
    monkeypatch.setenv("LD_LIBRARY_PATH", os.fspath(tmp_path))
    done = app()
    assert [line.rpartition(": ")[2] for line in done.stdout.splitlines()] == ["attached"] * 3


@pytest.mark.parametrize("kind", LIBRARIES)
def test_the_project_is_configured_from_the_pins(gradle: App, kind: str, tmp_path: Path) -> None:
    told = gradle(kind, tmp_path).stdout.splitlines()
    assert (
        f"android com.example.{FOLDERS[kind]} compileSdk={PINS.compile_sdk}"
        f" minSdk={PINS.minimum_os['android']} ndk={PINS.ndk} VERSION_17 VERSION_17"
    ) in told
    assert f"plugin com.android.library {PINS.agp}" in told
    assert f"root {FOLDERS[kind]}" in told
    assert "rules consumer-rules.pro" in told
    assert "kotlin JVM_17" in told


def _stage(project: Path, kind: str, *abis: str) -> None:
    for abi in abis:
        folder = project / "src/main/jniLibs" / abi
        folder.mkdir(parents=True)
        (folder / LIBRARIES[kind]).write_bytes(b"\x7fELF")


@pytest.mark.parametrize("kind", LIBRARIES)
def test_nothing_staged_ends_the_build_with_the_command_to_run(
    gradle: App, kind: str, tmp_path: Path
) -> None:
    done = gradle(kind, tmp_path)
    assert done.returncode != 0
    path = tmp_path / "src/main/jniLibs/arm64-v8a" / LIBRARIES[kind]
    assert f"GradleException: {FOLDERS[kind]}: {path} is missing. {BUILD}" in done.stderr
    assert "built" not in done.stdout.splitlines()


@pytest.mark.parametrize("kind", LIBRARIES)
def test_what_is_staged_is_built(gradle: App, kind: str, tmp_path: Path) -> None:
    _stage(tmp_path, kind, *ABIS)
    done = gradle(kind, tmp_path)
    assert done.stdout.splitlines()[-1] == "built", done.stderr


@pytest.mark.parametrize(
    ("platforms", "missing"),
    [
        ("android-arm64", ""),
        ("android-arm,android-arm64", ""),
        ("android-x64", "x86_64"),
        ("android-arm,android-arm64,android-x64", "x86_64"),
    ],
)
def test_only_the_processors_that_flutter_builds_for_have_to_be_staged(
    gradle: App, tmp_path: Path, platforms: str, missing: str
) -> None:
    _stage(tmp_path, "model", "arm64-v8a")
    done = gradle("model", tmp_path, f"target-platform={platforms}")
    assert (done.returncode != 0) == bool(missing)
    assert (f"{missing}/libg2p_flutter.so is missing" in done.stderr) == bool(missing)


def test_a_models_build_file_does_not_ask_for_the_runtimes_library(
    gradle: App, tmp_path: Path
) -> None:
    _stage(tmp_path, "runtime", *ABIS)
    assert "libg2p_flutter.so is missing" in gradle("model", tmp_path).stderr
