"""Gradle's Kotlin scripts as functions of plain Kotlin, so that a compiler checks and runs them.

Gradle makes a class of a script, with a project or its settings as receiver: so does this.
"""

from __future__ import annotations

from pathlib import Path

GRADLE = Path(__file__).with_name("gradle")
STUBS = tuple(sorted(GRADLE.glob("*.kt")))


def as_function(script: str, name: str, receiver: str) -> str:
    """A script's text as an extension function; its imports stay above it."""
    lines = script.splitlines()
    imports = [line for line in lines if line.startswith("import ")]
    body = [f"    {line}" if line else "" for line in lines if not line.startswith("import ")]
    head = ["package org.gradle", "", *imports, "", f"internal fun {receiver}.{name}() {{"]
    return "\n".join([*head, *body, "}", ""])


def write_scripts(plugin: Path, folder: Path) -> list[Path]:
    """Both scripts of a plugin's Android folder as Kotlin files."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for file, name, receiver in (
        ("build.gradle.kts", "buildScript", "Project"),
        ("settings.gradle.kts", "settingsScript", "Settings"),
    ):
        path = folder / f"{name}.kt"
        path.write_text(as_function((plugin / "android" / file).read_text(), name, receiver))
        made.append(path)
    return made
