"""Gradle's Kotlin scripts as functions of plain Kotlin, so that a compiler checks and runs them.

Gradle makes a class of a script, with a project or its settings as receiver: so does this.
"""

from __future__ import annotations

from pathlib import Path

GRADLE = Path(__file__).with_name("gradle")
STUBS = tuple(sorted(GRADLE.glob("*.kt")))
# The scripts by what they become: `runtimeBuild(...)` and so on.
SCRIPTS = {
    "Build": ("build.gradle.kts", "Project"),
    "Settings": ("settings.gradle.kts", "Settings"),
}


def as_function(script: str, name: str, receiver: str) -> str:
    """A script's text as an extension function; its imports stay above it."""
    lines = script.splitlines()
    imports = [line for line in lines if line.startswith("import ")]
    body = [f"    {line}" if line else "" for line in lines if not line.startswith("import ")]
    head = ["package org.gradle", "", *imports, "", f"internal fun {receiver}.{name}() {{"]
    return "\n".join([*head, *body, "}", ""])


def write_functions(kind: str, plugin: Path, folder: Path) -> list[Path]:
    """Both scripts of a plugin's Android folder as Kotlin files.

    Args:
        kind: `runtime` or `model`; their functions begin with it.
        plugin: The plugin's folder.
        folder: Where to put them.
    """
    made = []
    for name, (file, receiver) in SCRIPTS.items():
        path = folder / f"{kind}{name}.kt"
        script = (plugin / "android" / file).read_text()
        path.write_text(as_function(script, f"{kind}{name}", receiver))
        made.append(path)
    return made
