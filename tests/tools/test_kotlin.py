"""Kotlin of plugins is compiled, run and linted by the real tools."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.apt import Unavailable
from tools.kotlin import Kotlin, find_or_install_kotlin, java_version
from tvmplug.errors import ToolError

pytestmark = pytest.mark.slow

PLUGIN = """\
package org.example.greet

import io.flutter.embedding.engine.plugins.FlutterPlugin

/** Loads a library. */
class GreetPlugin : FlutterPlugin {
    override fun onAttachedToEngine(binding: FlutterPlugin.FlutterPluginBinding) {
        System.loadLibrary("greet")
    }

    override fun onDetachedFromEngine(binding: FlutterPlugin.FlutterPluginBinding) = Unit
}
"""
MAIN = """\
package org.example.greet

import io.flutter.embedding.engine.plugins.FlutterPlugin

fun main() {
    try {
        GreetPlugin().onAttachedToEngine(FlutterPlugin.FlutterPluginBinding())
    } catch (error: UnsatisfiedLinkError) {
        println(error.message)
    }
}
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    path = tmp_path / "GreetPlugin.kt"
    path.write_text(PLUGIN)
    return path


def test_a_plugin_compiles_and_runs(kotlin: Kotlin, plugin: Path, tmp_path: Path) -> None:
    main = tmp_path / "Main.kt"
    main.write_text(MAIN)
    found = kotlin.compile([plugin, main], tmp_path / "classes")
    assert found.ok, found.output
    done = kotlin.run("org.example.greet.MainKt", tmp_path / "classes")
    assert done.stdout.startswith("no greet in java.library.path"), done.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('loadLibrary("greet")', "loadLibrary(1)"), "argument type mismatch"),
        (("onDetachedFromEngine(", "onDetached("), "overrides nothing"),
        (("engine.plugins.FlutterPlugin", "plugins.FlutterPlugin"), "unresolved reference"),
        # A warning alone.
        (("System.load", "val unused = 1\n        System.load"), "variable is unused"),
    ],
)
def test_errors_and_warnings_of_the_compiler_count(
    kotlin: Kotlin, plugin: Path, tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    assert PLUGIN.count(change[0]) == 1
    plugin.write_text(PLUGIN.replace(*change))
    found = kotlin.compile([plugin], tmp_path / "classes")
    assert not found.ok
    assert said in found.output


def test_style_and_syntax_of_all_kotlin_files_are_checked(
    kotlin: Kotlin, plugin: Path, tmp_path: Path
) -> None:
    script = tmp_path / "build.gradle.kts"
    script.write_text('plugins {\n    id("com.android.library")\n}\n')
    clean = kotlin.lint([plugin, script])
    assert (clean.ok, clean.output) == (True, "")
    script.write_text('plugins {\n  id("com.android.library");\n}\n')
    found = kotlin.lint([plugin, script])
    assert not found.ok
    assert "build.gradle.kts:2:1: Unexpected indentation (2)" in found.output
    assert "GreetPlugin" not in found.output
    script.write_text("plugins {\n")
    assert "Not a valid Kotlin file" in kotlin.lint([script]).output


def test_a_file_that_ktlint_would_pass_over_is_an_error(kotlin: Kotlin, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no Kotlin\n")
    for name in ("Missing.kt", "notes.txt"):
        with pytest.raises(ToolError, match=f"{name} is no Kotlin file"):
            kotlin.lint([tmp_path / name])


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_202"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ("nothing of the kind", 0),
    ],
)
def test_javas_version_is_read(told: str, version: int) -> None:
    assert java_version(told) == version


def test_a_machine_without_npm_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TVMPLUG_TOOLCHAIN_DIR", str(tmp_path / "roots"))
    with pytest.raises(Unavailable, match="no Kotlin compiler: no npm on this machine"):
        find_or_install_kotlin()
